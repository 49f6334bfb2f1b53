"""StreamRequirements: plans of session files, and errors of missing bars."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.errors import CalendarError, ConfigError, DataMissingError
from tapedeck.engine.intervals import DAY, MINUTE, SECOND
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.streams.requirements import StreamRequirements
from tests.support.files import plan_of, session_file
from tests.support.markets import fill_store, open_new_store, random_bars
from tests.support.tapes import slots_of


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> BarStore:
    """SPY and IBM by minute and day over two weeks, BAC by second on one day, AIG by day only, and one symbol
    that traded before and after the hours alone."""
    store = open_new_store(tmp_path_factory.mktemp("needs") / "bars.db")
    for interval in (MINUTE, DAY):
        missing = 0.9 if interval == MINUTE else 0.0
        fill_store(store, ["SPY", "IBM"], "2013-10-07", "2013-10-18", interval=interval, missing=missing)
    fill_store(store, ["AIG"], "2013-10-07", "2013-10-18", interval=DAY)
    fill_store(store, ["BAC"], "2013-10-08", "2013-10-08", interval=SECOND, missing=0.99)
    for day in ("2013-10-07", "2013-10-08"):
        slots = slots_of(day)
        outside = np.array([slots.opened_at[0] - 600, slots.opened_at[-1] + 60, slots.opened_at[-1] + 600])
        store.write("NIGHT", MINUTE, random_bars(outside, seed=1))
    return store


def test_a_plan_streams_the_base_and_generates_the_rest(store: BarStore) -> None:
    config = session_file(["SPY", "IBM"], ["1m", "15m", "5m", "1d"], "2013-10-07", "2013-10-12")
    plan = plan_of(config, store)
    assert plan.symbols == ("SPY", "IBM")
    assert str(plan.base) == "1m"
    assert [str(interval) for interval in plan.derived] == ["5m", "15m", "1d"]
    days = [session.trading_day.isoformat() for session in plan.sessions]
    assert days == [f"2013-10-{day:02}" for day in (7, 8, 9, 10, 11)]
    assert plan.notes == ("streaming 1m, generating 5m, 15m, 1d",)
    assert plan.warnings == ()
    assert plan.measure_quality
    assert plan.min_completeness == 0.0


def test_settings_of_the_file_reach_the_plan(store: BarStore) -> None:
    config = session_file(
        ["SPY"],
        ["5m"],
        "2013-10-07",
        "2013-10-07",
        session_data={"min_completeness": 0.5, "gap_filler": {"enable_session_quality": False}},
    )
    plan = plan_of(config, store)
    assert plan.min_completeness == 0.5
    assert not plan.measure_quality


def test_what_was_added_to_the_streams_is_noted(store: BarStore) -> None:
    config = session_file(
        ["SPY"], ["5m"], "2013-10-07", "2013-10-07", indicators={"x": {"type": "SMA", "interval": "15m"}}
    )
    plan = plan_of(config, store)
    assert [str(interval) for interval in (plan.base, *plan.derived)] == ["1m", "5m", "15m"]
    assert plan.notes[:2] == (
        "streaming 1m, generating 5m, 15m",
        "streams added, as sources or for indicators: 1m, 15m",
    )
    assert plan.notes[2] == "history added for x: 12 sessions of 15m"  # 290 bars, 26 a day


def test_an_indicator_on_minutes_keeps_days_from_being_the_base(store: BarStore) -> None:
    daily = session_file(["SPY"], ["1d"], "2013-10-07", "2013-10-07")
    assert str(plan_of(daily, store).base) == "1d"
    assert plan_of(daily, store).notes == ("streaming 1d, generating nothing",)
    by_minute = session_file(
        ["SPY"], ["1d"], "2013-10-07", "2013-10-07", indicators={"x": {"type": "VWAP", "interval": "1m"}}
    )
    assert str(plan_of(by_minute, store).base) == "1m"


def test_seconds_are_streamed_without_minutes(store: BarStore) -> None:
    plan = plan_of(session_file(["BAC"], ["5m"], "2013-10-07", "2013-10-08"), store)
    assert [str(interval) for interval in (plan.base, *plan.derived)] == ["1s", "5m"]


def test_seconds_that_are_not_stored_are_an_error(store: BarStore) -> None:
    with pytest.raises(DataMissingError, match=r"SPY: no stored bars that can make 5s \(needed: 1s,"):
        plan_of(session_file(["SPY"], ["5s"], "2013-10-07", "2013-10-08"), store)


def test_quotes_alone_are_an_error(store: BarStore) -> None:
    with pytest.raises(ConfigError) as caught:
        plan_of(session_file(["SPY"], ["quotes"], "2013-10-07", "2013-10-08"), store)
    assert "a test: 1 problem" in str(caught.value)
    assert "session_data_config.streams: must have an interval of bars" in str(caught.value)


def test_quotes_stand_beside_the_bars(store: BarStore) -> None:
    plan = plan_of(session_file(["SPY"], ["1m", "quotes"], "2013-10-07", "2013-10-08"), store)
    assert (plan.quotes, plan.derived, plan.warnings) == (True, (), ())
    assert "quotes made of the last close, as none are stored: SPY" in plan.notes
    assert not plan_of(session_file(["SPY"], ["1m"], "2013-10-07", "2013-10-08"), store).quotes


def test_a_weekend_alone_holds_no_trading_day(store: BarStore) -> None:
    with pytest.raises(CalendarError, match=r"2013-10-12.*2013-10-13"):
        plan_of(session_file(["SPY"], ["1m"], "2013-10-12", "2013-10-13"), store)


def test_a_start_time_outside_the_first_days_hours_is_an_error(store: BarStore) -> None:
    with pytest.raises(CalendarError, match="start_time 08:00 is outside the hours of XNYS on 2013-10-07"):
        plan_of(session_file(["SPY"], ["1m"], "2013-10-05", "2013-10-08", start_time="08:00"), store)


def test_a_live_file_without_dates_cannot_be_planned_from_a_store(store: BarStore) -> None:
    document: dict[str, Any] = {
        "session_name": "live",
        "exchange_group": "XNYS",
        "mode": "live",
        "session_data_config": {"symbols": ["SPY"], "streams": ["1m"]},
        "api_config": {"data_api": "alpaca"},
    }
    config = parse_session_config(document, "live.yaml").config
    with pytest.raises(ConfigError, match="backtest_config: is required to play stored sessions"):
        plan_of(config, store)


def test_a_misspelt_symbol_names_the_one_that_was_meant(store: BarStore) -> None:
    with pytest.raises(DataMissingError) as caught:
        plan_of(session_file(["SPY", "IBMM"], ["1m"], "2013-10-07", "2013-10-08"), store)
    assert caught.value.symbols == ("IBMM",)
    assert "IBMM: no stored bars that can make 1m" in str(caught.value)
    assert "IBMM: no bars stored; did you mean IBM?" in str(caught.value)


def test_a_symbol_without_minutes_is_named(store: BarStore) -> None:
    with pytest.raises(DataMissingError) as caught:
        plan_of(session_file(["SPY", "AIG"], ["1m", "1d"], "2013-10-07", "2013-10-08"), store)
    assert caught.value.symbols == ("AIG",)
    assert "  AIG: stored: 1d" in str(caught.value)


def test_symbols_without_bars_in_the_range_are_an_error_with_dates_and_command(store: BarStore) -> None:
    with pytest.raises(DataMissingError) as caught:
        plan_of(session_file(["SPY", "IBM"], ["1m"], "2013-10-21", "2013-10-25"), store)
    lines = str(caught.value).splitlines()
    assert lines[0] == "SPY, IBM: no 1m bars stored from 2013-10-21 to 2013-10-25 in regular hours."
    assert lines[1] == "  SPY: stored from 2013-10-07 to 2013-10-18"
    assert lines[-1] == (
        "Choose other dates, delete the symbols, or import their bars: "
        f"`tapedeck import lean PATH --store {store.location}`, or `import csv`, `import parquet`."
    )
    assert (caught.value.symbols, caught.value.interval) == (("SPY", "IBM"), "1m")


def test_bars_outside_the_hours_do_not_count(store: BarStore) -> None:
    with pytest.raises(
        DataMissingError, match="NIGHT: no 1m bars stored from 2013-10-07 to 2013-10-08 in regular"
    ):
        plan_of(session_file(["SPY", "NIGHT"], ["1m"], "2013-10-07", "2013-10-08"), store)


def test_one_day_with_bars_in_the_range_is_enough(store: BarStore) -> None:
    plan = plan_of(session_file(["BAC"], ["1s"], "2013-10-01", "2013-10-31"), store)
    assert len(plan.sessions) == 23


def test_history_that_cannot_be_made_stops_the_run_before_it_starts(store: BarStore) -> None:
    config = session_file(
        ["AIG"],
        ["1d"],
        "2013-10-07",
        "2013-10-08",
        historical={"data": [{"trailing_days": 1, "intervals": ["1m"]}]},
    )
    with pytest.raises(
        DataMissingError, match="no source for the 1m history of AIG: it needs one of 1s, 1m, stored: 1d"
    ):
        plan_of(config, store)


def test_planning_registers_nothing_and_may_be_done_again(store: BarStore) -> None:
    config = session_file(["SPY"], ["1m"], "2013-10-07", "2013-10-08")
    requirements = StreamRequirements(config, TimeManager("XNYS"), DataManager(store))
    first, second = requirements.plan(), requirements.plan()
    assert first.sessions == second.sessions
    assert first.base == second.base
