"""Indicators on 1w: over the complete weeks before each session, against pandas over the stored bars."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pytest
import talib

from tapedeck.engine.config import SessionConfig
from tapedeck.engine.intervals import DAY, MINUTE, WEEK, Interval
from tapedeck.engine.read.explain.explanation import Explanation
from tapedeck.engine.read.status import RunState
from tapedeck.engine.store.bar_store import BarColumns, BarStore
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.bar_grid import FIELDS
from tapedeck.engine.tape.session_record import SessionRecord
from tapedeck.engine.tape.session_view import SessionView
from tests.support.files import plan_of, session_file
from tests.support.markets import fill_store, open_new_store
from tests.support.runs import LIMIT_S, at_frontier, play, play_recorded
from tests.support.tapes import same_bits, sessions_of

SYMBOLS: Final = ("OLD", "NEW", "GAPS", "MIN")
# Wednesday, Friday (an early close after a holiday) and the Monday and Tuesday of the week after.
DAYS: Final = ("2013-11-27", "2013-11-29", "2013-12-02", "2013-12-03")
START, END = DAYS[0], DAYS[-1]
HALTED: Final = (("2013-10-14", "2013-10-18"), ("2013-11-06", "2013-11-07"), ("2013-11-18", "2013-11-22"))
INDICATORS: Final = {
    "sma_4w": {"type": "SMA", "interval": "1w", "timeperiod": 4},
    "rsi_2w": {"type": "RSI", "interval": "1w", "timeperiod": 2},
    "ema_5w": {"type": "EMA", "interval": "1w", "timeperiod": 5},
    "obv_w": {"type": "OBV", "interval": "1w"},
    "median_w": {"type": "MEDPRICE", "interval": "1w"},
    "vwap_3w": {"type": "ROLLING_VWAP", "interval": "1w", "timeperiod": 3},
    "sma_1m": {"type": "SMA", "interval": "1m", "timeperiod": 2},
}
WEEKLY: Final = tuple(name for name in INDICATORS if name != "sma_1m")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarStore]:
    """OLD has three years of days, NEW begins on a Wednesday, GAPS was halted, MIN has minutes only."""
    with open_new_store(tmp_path_factory.mktemp("weeks") / "bars.db") as made:
        fill_store(made, ["OLD"], "2010-12-01", END, interval=DAY, seed=1)
        fill_store(made, ["NEW"], "2013-10-09", END, interval=DAY, seed=2)
        with open_new_store(tmp_path_factory.mktemp("halted") / "bars.db") as whole:
            fill_store(whole, ["GAPS"], "2012-12-26", END, interval=DAY, seed=3)
            bars = whole.read("GAPS", DAY, 0, 2**40)
        days = pd.to_datetime(bars.opened_at, unit="s")
        halted = np.logical_or.reduce([(days >= first) & (days <= last) for first, last in HALTED])
        kept = (column[~halted] for column in (bars.opened_at, *(getattr(bars, name) for name in FIELDS)))
        made.write("GAPS", DAY, BarColumns(*kept))
        fill_store(made, ["OLD", "NEW", "GAPS"], START, END, seed=10)
        fill_store(made, ["MIN"], "2013-10-16", END, seed=20)
        yield made


def weekly_file(start: str = START, end: str = END, **more: object) -> SessionConfig:
    return session_file(SYMBOLS, ["1m", "5m", "1d"], start, end, indicators={**INDICATORS, **more})


@pytest.fixture(scope="module")
def records(store: BarStore) -> list[SessionRecord]:
    return play_recorded(weekly_file(), store).records


def frame(store: BarStore, symbol: str, interval: Interval) -> pd.DataFrame:
    bars = store.read(symbol, interval, 0, 2**40)
    times = pd.to_datetime(bars.opened_at, unit="s")
    return pd.DataFrame({name: getattr(bars, name) for name in FIELDS}, index=times)


def weeks_before(store: BarStore, symbol: str, day: str) -> pd.DataFrame:
    """Return the weekly bars of the weeks before that of `day`, by pandas alone."""
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    bars = frame(store, symbol, MINUTE if symbol == "MIN" else DAY)
    weeks = bars.groupby(bars.index.to_period("W-SUN")).agg(how)
    return weeks[weeks.index < pd.Period(day, "W-SUN")]


def expected(weeks: pd.DataFrame, name: str) -> float:
    """Return the value at the last week, from the first week of the store on."""
    high, low, close, volume = (weeks[field].to_numpy() for field in ("high", "low", "close", "volume"))
    money = pd.Series((high + low + close) / 3 * volume)
    values = {
        "sma_4w": lambda: weeks.close.rolling(4).mean().to_numpy(),
        "rsi_2w": lambda: talib.RSI(close, 2),
        "ema_5w": lambda: talib.EMA(close, 5),
        "obv_w": lambda: volume[0] + np.append(0.0, np.cumsum(np.sign(np.diff(close)) * volume[1:])),
        "median_w": lambda: (high + low) / 2,
        "vwap_3w": (money.rolling(3).sum() / pd.Series(volume).rolling(3).sum()).to_numpy,
    }
    return float(values[name]()[-1])


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("name", WEEKLY)
def test_a_value_is_that_of_the_last_complete_week(
    store: BarStore, records: list[SessionRecord], symbol: str, name: str
) -> None:
    for record, day in zip(records, DAYS, strict=True):
        column = record.tape.indicators[name]
        assert (column.interval, column.values.shape) == (WEEK, (len(SYMBOLS), 1))
        value = float(column.values[SYMBOLS.index(symbol), 0])
        if symbol == "GAPS" and day < "2013-12-01":  # halted in all of the week before
            assert np.isnan(value)
        else:
            weeks = weeks_before(store, symbol, day)
            assert weeks.index[-1] == pd.Period(day, "W-SUN") - 1
            assert value == pytest.approx(expected(weeks, name), rel=1e-9, nan_ok=False)


def test_a_halted_week_is_skipped_and_the_next_one_has_a_value_again(
    store: BarStore, records: list[SessionRecord]
) -> None:
    weeks = weeks_before(store, "GAPS", DAYS[2])
    assert [str(week)[:10] for week in weeks.index[-4:]] == [
        "2013-10-28", "2013-11-04", "2013-11-11", "2013-11-25",
    ]  # fmt: skip
    value = records[2].tape.indicators["sma_4w"].values[SYMBOLS.index("GAPS"), 0]
    assert value == pytest.approx(weeks.close[-4:].mean(), rel=1e-12)


def test_no_value_before_there_are_enough_weeks(store: BarStore) -> None:
    """NEW begins in the week of the 7th of October: its fourth complete week ends on the 1st of November."""
    for day, weeks in (("2013-11-01", 3), ("2013-11-04", 4)):
        with open_new_store(Path(str(store.location)).parent / f"{day}.db") as short:
            for symbol in ("OLD", "NEW"):
                short.write(symbol, DAY, store.read(symbol, DAY, 0, 2**40))
            config = session_file(["OLD", "NEW"], ["1d"], day, day, indicators=INDICATORS | {"sma_1m": {
                "type": "SMA", "interval": "1d", "timeperiod": 2}})  # fmt: skip
            [record] = play_recorded(config, short).records
            values = record.tape.indicators["sma_4w"].values[:, 0]
            assert len(weeks_before(short, "NEW", day)) == weeks
            assert np.isnan(values).tolist() == [False, weeks < 4]


@pytest.mark.parametrize("start", DAYS[1:])
def test_a_session_has_the_same_values_whichever_day_the_run_began(
    store: BarStore, records: list[SessionRecord], start: str
) -> None:
    more = {"sma_60d": {"type": "SMA", "interval": "1d", "timeperiod": 60}}
    played = play_recorded(weekly_file(start, **more), store).records
    for mine, record in zip(played, records[-len(played) :], strict=True):
        for name in WEEKLY:
            assert same_bits(mine.tape.indicators[name].values, record.tape.indicators[name].values), name


def test_this_week_does_not_matter(store: BarStore, records: list[SessionRecord], tmp_path: Path) -> None:
    """Without look-ahead: other bars from the week's Monday on change no value of the week."""
    with open_new_store(tmp_path / "bars.db") as other:
        monday = int(pd.Timestamp("2013-11-25").timestamp())
        for symbol in SYMBOLS:
            for interval in (DAY, MINUTE):
                if interval in store.series()[symbol]:
                    other.write(symbol, interval, store.read(symbol, interval, 0, monday))
        fill_store(other, SYMBOLS, "2013-11-25", "2013-11-29", seed=99)
        fill_store(other, SYMBOLS[:3], "2013-11-25", "2013-11-29", seed=98, interval=DAY)
        played = play_recorded(weekly_file(end="2013-11-29"), other).records
    for mine, record in zip(played, records, strict=False):
        for name in WEEKLY:
            assert same_bits(mine.tape.indicators[name].values, record.tape.indicators[name].values), name


def test_the_value_is_there_at_the_open_and_constant(store: BarStore, records: list[SessionRecord]) -> None:
    value = records[0].tape.indicators["sma_4w"].values[0, 0]
    for frontier in (0, 1, 200, 390):
        view = SessionView(records[0].tape, frontier)
        assert view.indicator("OLD", "sma_4w") == value
        assert view.indicator_grid("sma_4w").shape == (len(SYMBOLS), 1)

    def step(system: SystemManager) -> None:
        assert system.wait_for(at_frontier(system, 1, 0), LIMIT_S)
        assert system.session_data.get_indicator("OLD", "sma_4w") == value
        for frontier in (1, 7, 100):
            system.step(frontier - system.snapshot().frontier)
            assert system.wait_for(at_frontier(system, 1, frontier), LIMIT_S)
            assert system.session_data.get_indicator("OLD", "sma_4w") == value
        system.resume()

    stepped = play(weekly_file(), store, step)
    assert stepped.summary().stamp == play(weekly_file(), store).summary().stamp


def test_a_condition_on_it_holds_from_the_open_on(store: BarStore, records: list[SessionRecord]) -> None:
    value = float(records[0].tape.indicators["sma_4w"].values[0, 0])
    system = SystemManager(weekly_file(), store)
    system.add_breakpoint(f"OLD.sma_4w > {value - 1e-6} and OLD.sma_4w < {value + 1e-6}")
    system.start()
    try:
        assert system.wait_for(lambda: system.state is RunState.PAUSED, LIMIT_S)
        now = system.snapshot()
    finally:
        system.stop(LIMIT_S)
    assert (now.session, now.frontier) == (1, 0)


def test_why_names_the_weeks(store: BarStore) -> None:
    explained: dict[str, Explanation] = {}

    def ask(system: SystemManager) -> None:
        assert system.wait_for(at_frontier(system, 1, 0), LIMIT_S)
        explained.update({name: system.explain("OLD", name) for name in WEEKLY})
        explained["MIN"] = system.explain("MIN", "sma_4w")
        explained["GAPS"] = system.explain("GAPS", "sma_4w")
        system.resume()

    play(weekly_file(), store, ask)
    sma = explained["sma_4w"]
    weeks = weeks_before(store, "OLD", START)
    assert sma.value == pytest.approx(weeks.close[-4:].mean(), rel=1e-12)
    assert sma.interval == WEEK
    assert sma.bar_opened_at == datetime(2013, 11, 18, 14, 30, tzinfo=UTC)
    assert sma.source == (
        "TA-Lib's SMA, on 1w bars of the complete weeks before the session, made from stored 1d bars"
    )
    assert sma.start == "at least 30 weeks before the last complete week"
    [closes] = sma.inputs
    np.testing.assert_array_equal(closes.values, weeks.close[-31:])
    assert closes.earlier == sma.bars_used == 31
    assert sma.history_sessions == len(sessions_of("2013-04-22", "2013-11-22"))
    assert explained["median_w"].history_sessions == 5
    assert "made from stored 1m bars" in explained["MIN"].source
    assert explained["GAPS"].value is None
    assert explained["obv_w"].start == "the store's first 1w bar"
    assert explained["obv_w"].bars_used == len(weeks)
    assert explained["median_w"].bars_used == 1


def test_it_is_no_stream(store: BarStore) -> None:
    plan = plan_of(weekly_file(), store)
    assert WEEK not in (plan.base, *plan.derived)
    assert "history added for sma_4w: 155 sessions of 1d, for 1w" in plan.notes
    assert [note for note in plan.notes if note.startswith("ema_5w: of the ")] != []
