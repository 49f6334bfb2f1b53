"""Opening values: yesterday's last indicator values, and the pre-market's high, low and volume."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tapedeck.engine.clock.pre_market import pre_market_span
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.intervals import DAY, MINUTE
from tapedeck.engine.run import pre_market
from tapedeck.engine.run.earlier_sessions import EarlierSessions
from tapedeck.engine.run.pre_market import pre_market_figures
from tapedeck.engine.store.bar_store import BarColumns, BarStore
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.system import SystemManager
from tests.support.files import session_file
from tests.support.markets import fill_store, open_new_store
from tests.support.runs import LIMIT_S, at_frontier, play

NEW_YORK = ZoneInfo("America/New_York")
Bars = Sequence[tuple[str, float, float, float]]


@pytest.fixture(params=["bars.db", "bars"])
def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BarStore]:
    """An empty store of either kind."""
    with open_new_store(tmp_path / request.param) as store:
        yield store


def seconds(text: str) -> int:
    """Return a time in New York as seconds UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp())


def write_minutes(store: BarStore, symbol: str, bars: Bars) -> None:
    """Write bars given by opening time in New York, high, low and volume."""
    labels = np.array([seconds(bar[0]) for bar in bars], dtype=np.int64)
    high, low, volume = (np.array([bar[field] for bar in bars]) for field in (1, 2, 3))
    store.write(symbol, MINUTE, BarColumns(labels, low, high, low, high, volume))


def config_of(symbols: Sequence[str], start: str, end: str) -> SessionConfig:
    indicators = {"vwap": {"type": "VWAP", "interval": "1m"}}
    return session_file(symbols, ["1m"], start, end, indicators=indicators)


def test_pre_market_bars_are_those_from_midnight_to_the_regular_open(new_store: BarStore) -> None:
    """Neither the evening before nor the session's first bar counts; symbols without such bars have none."""
    write_minutes(new_store, "BBB", [("2024-03-07 09:30", 20, 19, 10), ("2024-03-07 16:30", 21, 18, 9)])
    write_minutes(
        new_store,
        "AAA",
        [
            ("2024-03-06 19:59", 99, 1, 5000),
            ("2024-03-06 23:59", 98, 2, 5000),
            ("2024-03-07 00:00", 50.5, 50, 1),
            ("2024-03-07 04:00", 52.5, 51, 10),
            ("2024-03-07 09:29", 51.5, 49.5, 100),
            ("2024-03-07 09:30", 97, 3, 5000),
        ],
    )
    system = SystemManager(config_of(["BBB", "AAA"], "2024-03-07", "2024-03-07"), new_store)
    found = system.opening_values(date(2024, 3, 7)).pre_market
    assert (found.high[1], found.low[1], found.volume[1]) == (52.5, 49.5, 111)
    assert np.isnan([found.high[0], found.low[0], found.volume[0]]).all()


def test_a_bar_still_open_at_the_regular_open_does_not_count(new_store: BarStore) -> None:
    write_minutes(new_store, "AAA", [("2024-03-07 09:28", 10, 9, 1), ("2024-03-07 09:29", 30, 3, 7)])
    data, midnight = DataManager(new_store), seconds("2024-03-07 00:00")
    whole = pre_market_figures(data, ["AAA"], MINUTE, (midnight, seconds("2024-03-07 09:30")))
    cut = pre_market_figures(data, ["AAA"], MINUTE, (midnight, seconds("2024-03-07 09:30") - 1))
    assert (whole.high[0], whole.low[0], whole.volume[0]) == (30, 3, 8)
    assert (cut.high[0], cut.low[0], cut.volume[0]) == (10, 9, 1)


def test_many_symbols_are_read_in_parts(new_store: BarStore, monkeypatch: pytest.MonkeyPatch) -> None:
    symbols = [f"S{number}" for number in range(5)]
    for number, symbol in enumerate(symbols):
        if number != 3:
            write_minutes(new_store, symbol, [("2024-03-07 08:00", number + 2, number + 1, number)])
    span = seconds("2024-03-07 00:00"), seconds("2024-03-07 09:30")
    monkeypatch.setattr(pre_market, "_BARS_AT_ONCE", 2 * 570)
    found = pre_market_figures(DataManager(new_store), symbols, MINUTE, span)
    assert found.high.tolist()[:3] == [2, 3, 4]
    assert found.volume.tolist()[4] == 4
    assert np.isnan(found.low).tolist() == [False, False, False, True, False]


def test_daily_bars_have_no_pre_market(new_store: BarStore) -> None:
    fill_store(new_store, ["AAA"], "2024-03-04", "2024-03-08", interval=DAY)
    span = seconds("2024-03-07 00:00"), seconds("2024-03-07 09:30")
    assert np.isnan(pre_market_figures(DataManager(new_store), ["AAA"], DAY, span).high).all()


@pytest.mark.parametrize(
    ("exchange", "day", "minutes"),
    [
        ("XNYS", "2024-03-07", 570),
        ("XNYS", "2024-03-11", 570),  # the clocks changed on the day before
        ("XTKS", "2024-06-12", 540),
        ("24/7", "2024-06-15", 0),
        ("24/5", "2024-06-14", 0),
        ("CMES", "2024-06-12", 0),
        ("us_futures", "2024-06-12", 0),
    ],
)
def test_the_pre_market_of_exchanges(exchange: str, day: str, minutes: int) -> None:
    time = TimeManager(exchange)
    session = time.get_trading_session(date.fromisoformat(day))
    before = time.get_trading_session(time.get_previous_trading_date(session.trading_day))
    start, end = pre_market_span(session, before)
    assert end == int(session.regular_open.timestamp())
    assert (end - start) // 60 == minutes


def test_a_session_in_memory_is_not_computed_again(
    new_store: BarStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_store(new_store, ["AAA"], "2024-03-04", "2024-03-08")
    monkeypatch.setattr(EarlierSessions, "before", None)  # a call would raise
    config = config_of(["AAA"], "2024-03-06", "2024-03-08")
    system = SystemManager(config, new_store, tape_cache_bytes=SystemManager.TAPE_CACHE_BYTES)
    system.start(paused=True)
    try:
        system.step(391)
        assert system.wait_for(at_frontier(system, 2, 1), LIMIT_S)
        found = system.opening_values(date(2024, 3, 7))
    finally:
        system.stop(LIMIT_S)
    assert found.day_before == date(2024, 3, 6)
    assert np.isfinite(found.indicators["vwap"]).all()


def test_a_run_that_is_not_asked_reads_none(new_store: BarStore, monkeypatch: pytest.MonkeyPatch) -> None:
    fill_store(new_store, ["AAA"], "2024-03-06", "2024-03-08")
    monkeypatch.setattr(EarlierSessions, "before", None)  # a call would raise
    monkeypatch.setattr(DataManager, "bars_between", None)
    play(config_of(["AAA"], "2024-03-07", "2024-03-08"), new_store)


def test_asking_changes_neither_tape_nor_stamp(new_store: BarStore) -> None:
    fill_store(new_store, ["AAA"], "2024-03-04", "2024-03-08")
    config = config_of(["AAA"], "2024-03-06", "2024-03-08")

    def ask_on_the_way(system: SystemManager) -> None:
        for steps, session, frontier in ((1, 1, 1), (390, 2, 1), (589, 3, 200)):
            system.step(steps)
            assert system.wait_for(at_frontier(system, session, frontier), LIMIT_S)
            system.opening_values(date(2024, 3, 5 + session))
        system.resume()

    asked, unasked = (play(config, new_store, drive).summary() for drive in (ask_on_the_way, None))
    assert asked.stamp == unasked.stamp
    assert [day.digest for day in asked.sessions] == [day.digest for day in unasked.sessions]
