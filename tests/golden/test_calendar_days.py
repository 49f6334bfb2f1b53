"""Special days of the calendar, played from open to close over small generated stores."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tapedeck.engine.config import SessionConfig
from tapedeck.engine.errors import CalendarError, EngineError
from tapedeck.engine.intervals import DAY, MINUTE, Interval
from tapedeck.engine.quality.gaps_and_scores import find_gaps
from tapedeck.engine.read.events import EventKind
from tapedeck.engine.read.status import RunState
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.bar_grid import CLOSE, FIELDS, HIGH, LOW, VOLUME
from tapedeck.engine.tape.session_record import SessionRecord
from tests.support.files import session_file
from tests.support.markets import fill_store, open_new_store, random_bars
from tests.support.naive import in_order
from tests.support.runs import KeepRecords
from tests.support.tapes import sessions_of, slots_of

LIMIT_S = 20.0
Play = Callable[[SessionConfig], tuple[SystemManager, list[SessionRecord]]]


@pytest.fixture
def store(tmp_path: Path) -> BarStore:
    """An empty database."""
    return open_new_store(tmp_path / "bars.db")


@pytest.fixture
def play(store: BarStore) -> Play:
    """Play a file over the store to its end; return the system and the recorded sessions."""

    def run(config: SessionConfig) -> tuple[SystemManager, list[SessionRecord]]:
        kept = KeepRecords()
        system = SystemManager(config, store, sinks=[kept])
        try:
            system.start()
            assert system.wait(LIMIT_S), "the run did not end"
        finally:
            system.stop(LIMIT_S)
        assert system.error is None
        assert system.state is RunState.COMPLETED
        return system, kept.records

    return run


def local_times(record: SessionRecord, interval: str = "1m") -> list[str]:
    """Return the open of each column in exchange time."""
    labels = record.tape.opened_at(Interval.parse(interval))
    zone = str(record.tape.session.zone)
    return list(pd.to_datetime(labels, unit="s", utc=True).tz_convert(zone).strftime("%H:%M"))


def test_the_friday_after_thanksgiving_2013_has_210_minutes(store: BarStore, play: Play) -> None:
    fill_store(store, ["A"], "2013-11-27", "2013-12-02")
    config = session_file(["A"], ["1m", "1h", "1d"], "2013-11-27", "2013-12-02")
    system, records = play(config)
    assert [len(record.tape) for record in records] == [390, 210, 390]
    friday = records[1]
    assert friday.tape.session.is_early_close
    times = local_times(friday)
    assert (times[0], times[-1]) == ("09:30", "12:59")
    assert local_times(friday, "1h") == ["09:30", "10:30", "11:30", "12:30"]
    hours = friday.tape.derived[Interval.parse("1h")]
    assert hours.base_bars.tolist() == [[60, 60, 60, 30]]
    day = friday.tape.derived[DAY]
    assert day.values[VOLUME, 0, 0] == in_order(friday.tape.base.values[VOLUME, 0])
    assert [summary.slots for summary in system.summary().sessions] == [390, 210, 390]


def test_bars_after_an_early_close_are_not_played(store: BarStore, play: Play) -> None:
    slots = slots_of("2013-11-29")
    store.write(
        "A", MINUTE, random_bars(np.arange(slots.opened_at[0], slots.opened_at[0] + 390 * 60, 60), seed=1)
    )
    _, [record] = play(session_file(["A"], ["1m"], "2013-11-29", "2013-11-29"))
    assert record.tape.base.shape == (1, 210)
    assert record.tape.base.present.all()


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2013-03-08", "2013-03-11", [14, 13]),  # New York went forward on Sunday the 10th
        ("2013-11-01", "2013-11-04", [13, 14]),  # and back on Sunday the 3rd
    ],
)
def test_the_open_is_at_half_past_nine_on_both_sides_of_a_clock_change(
    store: BarStore, play: Play, start: str, end: str, hours: list[int]
) -> None:
    fill_store(store, ["A"], start, end)
    _, records = play(session_file(["A"], ["1m", "30m"], start, end))
    assert [record.tape.session.regular_open.hour for record in records] == hours
    for record in records:
        times = local_times(record)
        assert (times[0], times[-1], len(times)) == ("09:30", "15:59", 390)
        assert record.tape.base.present.all()


def test_a_market_that_never_closes_plays_every_day_from_midnight_to_midnight(
    store: BarStore, play: Play
) -> None:
    fill_store(store, ["BTCUSD"], "2023-06-02", "2023-06-05", exchange="24/7", missing=0.1)
    config = session_file(["BTCUSD"], ["1m", "4h", "1d"], "2023-06-02", "2023-06-05", exchange="CRYPTO")
    _, records = play(config)
    assert [record.tape.session.trading_day.isoformat() for record in records] == [
        "2023-06-02",
        "2023-06-03",
        "2023-06-04",
        "2023-06-05",
    ]
    for record in records:
        assert len(record.tape) == 1440
        assert record.tape.opened_at(Interval.parse("4h")).shape == (6,)
        assert local_times(record)[0] == "00:00"
    assert records[0].tape.slots.clock(1440) == records[1].tape.slots.clock(0)


def test_tokyos_lunch_has_no_slots_and_no_bar_crosses_it(store: BarStore, play: Play) -> None:
    fill_store(store, ["7203"], "2023-06-01", "2023-06-02", exchange="XTKS", missing=0.05)
    config = session_file(
        ["7203"],
        ["1m", "1h", "1d"],
        "2023-06-01",
        "2023-06-02",
        exchange="JP_EQUITY",
        indicators={"sma": {"type": "SMA", "interval": "1m", "timeperiod": 5}},
    )
    _, records = play(config)
    for record in records:
        times = local_times(record)
        assert len(times) == 300
        assert "11:29" in times
        assert not any("11:30" <= time < "12:30" for time in times)
        assert local_times(record, "1h") == ["09:00", "10:00", "11:00", "12:30", "13:30", "14:30"]
        morning = record.tape.base.values[:, 0, 120:150]
        third = record.tape.derived[Interval.parse("1h")].values[:, 0, 2]
        assert third[HIGH] == np.nanmax(morning[HIGH])
        assert third[CLOSE] == morning[CLOSE][~np.isnan(morning[CLOSE])][-1]


def test_a_backtest_over_a_weekend_is_refused_before_anything_starts(store: BarStore) -> None:
    fill_store(store, ["A"], "2013-10-04", "2013-10-07")
    system = SystemManager(session_file(["A"], ["1m"], "2013-10-05", "2013-10-06"), store)
    with pytest.raises(CalendarError, match=r"2013-10-05.*2013-10-06"):
        system.start()
    assert system.state is RunState.STOPPED
    assert system.wait(0)


def test_a_start_in_mid_session_begins_with_the_slots_over_by_then(store: BarStore) -> None:
    fill_store(store, ["A"], "2013-10-07", "2013-10-08")
    config = session_file(["A"], ["1m", "15m"], "2013-10-07", "2013-10-08", start_time="10:30")
    kept = KeepRecords()
    system = SystemManager(config, store, sinks=[kept])
    try:
        system.start(paused=True)
        assert system.wait_for(lambda: system.snapshot().frontier == 60, LIMIT_S)
        snapshot = system.snapshot()
        assert snapshot.state is RunState.PAUSED
        assert snapshot.clock == datetime(2013, 10, 7, 14, 30, tzinfo=UTC)
        assert snapshot.view is not None
        assert snapshot.view.bars_grid(MINUTE).shape == (5, 1, 60)
        assert snapshot.view.bars_grid(Interval.parse("15m")).shape == (5, 1, 4)
        system.resume()
        assert system.wait(LIMIT_S)
    finally:
        system.stop(LIMIT_S)
    assert system.state is RunState.COMPLETED
    assert [record.frontier for record in kept.records] == [390, 390]


def test_bars_outside_the_regular_hours_are_stored_and_not_played(store: BarStore, play: Play) -> None:
    slots = slots_of("2013-10-07")
    labels = np.arange(slots.opened_at[0] - 5 * 3600, slots.opened_at[-1] + 4 * 3600, 60)
    bars = random_bars(labels, seed=1)
    store.write("A", MINUTE, bars)
    _, [record] = play(session_file(["A"], ["1m", "1d"], "2013-10-07", "2013-10-07"))
    inside = np.isin(labels, slots.opened_at)
    assert len(store.read("A", MINUTE, 0, 2**40)) == len(labels)
    for field, name in enumerate(FIELDS):
        assert record.tape.base.values[field, 0].tolist() == getattr(bars, name)[inside].tolist()
    day = record.tape.derived[DAY].values[:, 0, 0]
    assert (day[HIGH], day[LOW]) == (bars.high[inside].max(), bars.low[inside].min())


def _scored(record: SessionRecord, row: int) -> float:
    assert record.tape.scores is not None
    return float(record.tape.scores[row, -1])


def test_a_symbol_without_a_bar_all_day_is_one_gap_and_a_warning(store: BarStore, play: Play) -> None:
    fill_store(store, ["A"], "2013-10-07", "2013-10-09")
    fill_store(store, ["HALT"], "2013-10-07", "2013-10-07")
    fill_store(store, ["HALT"], "2013-10-09", "2013-10-09")
    config = session_file(
        ["A", "HALT"],
        ["1m", "5m", "1d"],
        "2013-10-07",
        "2013-10-09",
        indicators={
            "rsi": {"type": "RSI", "interval": "1m", "timeperiod": 14},
            "vwap": {"type": "VWAP", "interval": "1m"},
        },
    )
    system, records = play(config)
    assert system.summary().warnings == ("2013-10-08: no 1m bars of HALT",)
    (event,) = (event for event in system.events() if event.kind is EventKind.ERROR)
    assert (str(event.trading_day), event.text) == ("2013-10-08", "no 1m bars of HALT")
    tuesday = records[1]
    [gap] = find_gaps(tuesday.tape.base.present[1])
    assert (gap.first, gap.last) == (0, 389)
    assert (_scored(tuesday, 0), _scored(tuesday, 1)) == (100.0, 0.0)
    assert not tuesday.tape.derived[DAY].present[1].any()
    for column in tuesday.tape.indicators.values():
        assert np.isnan(column.values[1]).all()
        assert not np.isnan(column.values[0]).any() or column.name == "vwap"
    # The next day, indicators continue from the bars present.
    assert not np.isnan(records[2].tape.indicators["rsi"].values[1]).any()


def test_a_symbol_whose_data_start_in_the_middle_of_the_range(store: BarStore, play: Play) -> None:
    fill_store(store, ["OLD"], "2013-10-07", "2013-10-10")
    fill_store(store, ["NEW"], "2013-10-09", "2013-10-10")
    config = session_file(
        ["OLD", "NEW"],
        ["1m"],
        "2013-10-07",
        "2013-10-10",
        historical={"indicators": {"avg": {"type": "trailing_average", "period": "2d", "field": "volume"}}},
        indicators={"sma": {"type": "SMA", "interval": "1m", "timeperiod": 5}},
    )
    system, records = play(config)
    assert [bool(record.tape.base.present[1].any()) for record in records] == [False, False, True, True]
    assert system.summary().warnings == ("2013-10-07: no 1m bars of NEW", "2013-10-08: no 1m bars of NEW")
    used = [record.tape.historical["avg"].used[1] for record in records]
    assert used == [0, 0, 0, 1]
    assert np.isnan(records[2].tape.historical["avg"].values[1])
    first_day = records[2].tape.indicators["sma"].values[1]
    assert np.isnan(first_day[:4]).all()
    assert not np.isnan(first_day[4:]).any()
    wednesday = records[2].tape.base.values[VOLUME, 1]
    assert records[3].tape.historical["avg"].values[1] == in_order(wednesday)


def test_a_day_that_lacks_all_data_is_played_with_all_gaps_and_a_warning(store: BarStore, play: Play) -> None:
    for day in ("2013-10-07", "2013-10-09"):
        fill_store(store, ["A", "B"], day, day)
    config = session_file(["A", "B"], ["1m", "5m", "1d"], "2013-10-07", "2013-10-09")
    system, records = play(config)
    assert len(records) == 3
    tuesday = records[1]
    assert tuesday.complete
    assert not tuesday.tape.base.present.any()
    assert [_scored(tuesday, row) for row in (0, 1)] == [0.0, 0.0]
    assert not any(grid.present.any() for grid in tuesday.tape.derived.values())
    assert system.summary().warnings == ("2013-10-08: no 1m bars of A, B",)
    assert system.summary().sessions[1].bars == 0


def test_many_symbols_without_bars_are_counted_in_the_warning(store: BarStore, play: Play) -> None:
    names = [f"X{number}" for number in range(7)]
    fill_store(store, names, "2013-10-07", "2013-10-07")
    system, _ = play(session_file(names, ["1m"], "2013-10-07", "2013-10-08"))
    assert system.summary().warnings == ("2013-10-08: no 1m bars of 7 symbols, X0 first",)


def test_disabled_quality_is_100_and_not_measured(store: BarStore, play: Play) -> None:
    fill_store(store, ["A"], "2013-10-04", "2013-10-07", missing=0.5)
    config = session_file(
        ["A"],
        ["1m"],
        "2013-10-07",
        "2013-10-07",
        historical={"enable_quality": False, "data": [{"trailing_days": 1, "intervals": ["1m"]}]},
        session_data={"gap_filler": {"enable_session_quality": False}},
    )
    system, [record] = play(config)
    assert record.tape.scores is None
    assert system.session_data.get_quality_metric("A") == 100.0
    assert not record.historical_quality["A", MINUTE].measured
    assert record.historical_quality["A", MINUTE].percent == 100.0
    assert system.summary().sessions[0].quality_pct is None


def test_data_of_the_last_day_stay_readable_after_the_run(store: BarStore, play: Play) -> None:
    fill_store(store, ["A", "B"], "2013-10-03", "2013-10-08", missing=0.1)
    config = session_file(
        ["A", "B"],
        ["1m", "5m"],
        "2013-10-07",
        "2013-10-08",
        historical={"data": [{"trailing_days": 2, "intervals": ["1m"]}]},
    )
    system, records = play(config)
    data = system.session_data
    assert not data.is_session_active()
    assert system.session_data.tape is records[-1].tape
    handle = data.get_symbol_data("B")
    assert len(handle.bars[MINUTE].data) == 390
    assert [len(day) for day in handle.historical.bars[MINUTE]] == [390, 390]
    monday = records[0].tape.base.values[CLOSE, 1]
    np.testing.assert_array_equal(handle.historical.bars[MINUTE][-1].close, monday)


def test_a_day_before_the_calendars_first_date_cannot_be_played(store: BarStore) -> None:
    fill_store(store, ["A"], "2013-10-07", "2013-10-07")
    system = SystemManager(session_file(["A"], ["1m"], "1960-01-04", "1960-01-08"), store)
    with pytest.raises(CalendarError, match="1960-01-04"):
        system.start()


def test_a_run_cannot_be_started_twice(store: BarStore, play: Play) -> None:
    fill_store(store, ["A"], "2013-10-07", "2013-10-07")
    system, _ = play(session_file(["A"], ["1m"], "2013-10-07", "2013-10-07"))
    with pytest.raises(EngineError, match="started before: create a new SystemManager"):
        system.start()


@pytest.mark.parametrize("exchange", ["XNYS", "XTKS", "XHKG", "XLON", "24/7", "CMES"])
def test_every_exchange_plays_its_whole_week(store: BarStore, play: Play, exchange: str) -> None:
    fill_store(store, ["A"], "2023-12-18", "2023-12-29", exchange=exchange, interval=MINUTE, missing=0.02)
    config: Any = session_file(["A"], ["1m", "7m", "1d"], "2023-12-21", "2023-12-29", exchange=exchange)
    _, records = play(config)
    sessions = sessions_of("2023-12-21", "2023-12-29", exchange)
    assert [record.tape.session for record in records] == list(sessions)
    for record in records:
        minutes = sum((stop - start).total_seconds() for start, stop in record.tape.session.segments) / 60
        assert len(record.tape) == minutes
        base, sevens = record.tape.base, record.tape.derived[Interval.parse("7m")]
        assert int(sevens.base_bars.sum()) == int(base.present.sum())
        assert in_order(sevens.values[VOLUME, 0, sevens.present[0]]) == pytest.approx(
            float(np.nansum(base.values[VOLUME])), rel=1e-12
        )
