"""Depth of history, for the session file and for indicators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from talib.abstract import Function  # type: ignore[attr-defined]  # TA-Lib's annotations lack it

from tapedeck.engine.clock.slots import epoch_seconds
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.intervals import Interval
from tapedeck.engine.streams.history_plan import HistoryPlanner
from tapedeck.engine.streams.requirements import indicator_specs
from tapedeck.engine.streams.store_start import StoreStart
from tapedeck.engine.streams.stream_plan import HistoryPlan
from tests.support.files import session_file
from tests.support.tapes import sessions_of

SYMBOLS = ("SPY", "IBM", "BAC")
EVERYTHING = frozenset(Interval.parse(text) for text in ("1s", "1m", "1d"))


def planned(
    start: str,
    end: str,
    *,
    exchange: str = "XNYS",
    data: Sequence[Mapping[str, Any]] = (),
    trailing: Mapping[str, Any] | None = None,
    indicators: Mapping[str, Any] | None = None,
    stored: frozenset[Interval] = EVERYTHING,
    first: str = "1998-01-02",
) -> tuple[HistoryPlan, list[str]]:
    """Return the history plan of a run, and the notes about additions."""
    historical = {"data": list(data), "indicators": dict(trailing or {})}
    config = session_file(
        SYMBOLS, ["1m"], start, end, exchange=exchange, historical=historical, indicators=indicators
    ).session_data_config
    intervals = dict.fromkeys(SYMBOLS, stored)
    first_bar = epoch_seconds(datetime.fromisoformat(first).replace(tzinfo=UTC))
    planner = HistoryPlanner(
        config,
        indicator_specs(config),
        sessions_of(start, end, exchange),
        TimeManager(exchange),
        StoreStart(SYMBOLS, intervals, lambda symbol, interval: first_bar),
    )
    return planner.plan(intervals), planner.notes


def depth(plan: HistoryPlan, interval: str) -> list[int]:
    """Return the sessions kept per symbol."""
    return list(plan.depths[Interval.parse(interval)].tolist())


def days_of_history(plan: HistoryPlan) -> int:
    """Return the number of earlier days with daily bars."""
    assert plan.daily_from is not None
    return plan.first_played - plan.daily_from


def test_a_file_that_asks_for_nothing_has_the_day_of_the_prior_close_only() -> None:
    plan, notes = planned("2013-10-07", "2013-10-08")
    assert (dict(plan.depths), dict(plan.requested), plan.trailing, plan.daily_from) == ({}, {}, (), None)
    days = [session.trading_day.isoformat() for session in plan.sessions]
    assert days == ["2013-10-04", "2013-10-07", "2013-10-08"]
    assert (plan.first_played, notes) == (1, [])


def test_symbols_get_their_requested_depth() -> None:
    plan, notes = planned(
        "2013-10-07",
        "2013-10-08",
        data=[
            {"trailing_days": 1, "intervals": ["1m"], "apply_to": "all"},
            {"trailing_days": 3, "intervals": ["1m", "5m"], "apply_to": ["IBM"]},
            {"trailing_days": 10, "intervals": ["1d"], "apply_to": ["SPY"]},
        ],
    )
    assert depth(plan, "1m") == [1, 3, 1]
    assert depth(plan, "5m") == [0, 3, 0]
    assert plan.requested[Interval.parse("1d")].tolist() == [10, 0, 0]
    assert Interval.parse("1d") not in plan.depths
    assert days_of_history(plan) == 10
    assert plan.sessions[0].trading_day.isoformat() == "2013-09-23"
    assert notes == []


@pytest.mark.parametrize(
    ("kind", "interval", "parameters", "sessions"),
    [
        ("SMA", "1m", {"timeperiod": 20}, 2),
        ("SMA", "1m", {"timeperiod": 79}, 2),
        ("SMA", "1m", {"timeperiod": 80}, 3),
        # Wilder's average of 14 has forgotten older bars after 325 of them, MACD's after 376.
        ("RSI", "5m", {"timeperiod": 14}, 5),
        ("RSI", "1m", {"timeperiod": 14}, 2),
        ("MACD", "15m", {}, 15),
        ("SAR", "1h", {}, 72),  # 501 bars
        ("SMA", "1h", {"timeperiod": 50}, 71),  # 490 bars, seven a day, and four on the 3rd of July
        ("OBV", "1m", {}, None),  # from the session's open
        ("MEDPRICE", "1m", {}, None),
        ("VWAP", "1m", {}, None),
        ("SESSION_HIGH", "1m", {}, None),
    ],
)
def test_warm_up_takes_the_bars_of_a_kind_in_whole_sessions_two_at_least(
    kind: str, interval: str, parameters: Mapping[str, int], sessions: int | None
) -> None:
    indicator = {"type": kind, "interval": interval, **parameters}
    plan, notes = planned("2013-10-07", "2013-10-08", indicators={"x": indicator})
    if sessions is None:
        assert dict(plan.depths) == {}
        assert notes == []
        return
    assert depth(plan, interval) == [sessions] * 3
    assert notes == [f"history added for x: {sessions} sessions of {interval}"]


def test_warm_up_reaches_further_over_a_short_day() -> None:
    assert Function("SMA", timeperiod=79).lookback == 78  # 780 bars
    indicator = {"x": {"type": "SMA", "interval": "1m", "timeperiod": 79}}
    before, _ = planned("2013-11-29", "2013-11-29", indicators=indicator)
    after, _ = planned("2013-12-02", "2013-12-02", indicators=indicator)
    both, _ = planned("2013-11-29", "2013-12-02", indicators=indicator)
    assert (depth(before, "1m"), depth(after, "1m"), depth(both, "1m")) == ([2] * 3, [3] * 3, [3] * 3)


def test_warm_up_of_an_early_close_played_first_reaches_as_far_as_of_any_day() -> None:
    indicator = {"x": {"type": "SMA", "interval": "1m", "timeperiod": 300}}
    plan, _ = planned("2013-11-29", "2013-11-29", indicators=indicator)
    assert depth(plan, "1m") == [8] * 3  # 2990 bars of 390


def test_warm_up_on_days_is_counted_in_days() -> None:
    plan, notes = planned("2013-10-07", "2013-10-07", indicators={"x": {"type": "RSI", "interval": "1d"}})
    assert days_of_history(plan) == 325
    assert notes == ["history added for x: 325 sessions of 1d"]
    pair, _ = planned(
        "2013-10-07", "2013-10-07", indicators={"x": {"type": "MOM", "interval": "1d", "timeperiod": 1}}
    )
    assert days_of_history(pair) == 10


@pytest.mark.parametrize(("stored", "label"), [("1d", "2013-09-03"), ("1m", "2013-09-03T13:30")])
def test_a_cumulative_indicator_on_days_reaches_back_to_the_stores_first_bar(stored: str, label: str) -> None:
    indicator = {"type": "OBV", "interval": "1d"}
    plan, notes = planned(
        "2013-10-07",
        "2013-10-08",
        indicators={"x": indicator},
        stored=frozenset({Interval.parse(stored), Interval.parse("1m")}),
        first=label,
    )
    assert plan.daily_from is not None
    assert plan.sessions[plan.daily_from].trading_day.isoformat() == "2013-09-03"
    assert notes == ["history added for x: 24 sessions of 1d"]


def test_a_cumulative_indicator_on_days_gets_no_history_before_the_store() -> None:
    plan, notes = planned(
        "2013-10-07", "2013-10-08", indicators={"x": {"type": "AD", "interval": "1d"}}, first="2013-10-07"
    )
    assert (plan.daily_from, notes) == (None, [])


def test_a_store_that_begins_too_late_is_noted_for_kinds_that_remember_their_start() -> None:
    indicators = {name: {"type": name.upper(), "interval": "1d"} for name in ("rsi", "sma", "obv")}
    _, notes = planned("2013-10-07", "2013-10-08", indicators=indicators, first="2013-10-01")
    assert notes == [
        "history added for rsi: 325 sessions of 1d",
        "rsi: of the 325 1d bars that it remembers, 4 before 2013-10-07 are stored for SPY, IBM, BAC; "
        "its first values depend on where the store begins",
    ]


def test_a_store_with_enough_bars_is_not_noted_though_a_session_is_missing() -> None:
    minutes = {"type": "RSI", "interval": "1m"}
    _, notes = planned("2013-10-07", "2013-10-08", indicators={"x": minutes}, first="2013-10-04T13:30")
    assert notes == ["history added for x: 2 sessions of 1m"]
    _, notes = planned("2013-10-07", "2013-10-08", indicators={"x": minutes}, first="2013-10-04T20:00")
    assert "of the 325 1m bars that it remembers, 0 before 2013-10-07 are stored" in notes[1]


def test_what_the_file_asks_for_anyway_is_not_noted_as_added() -> None:
    plan, notes = planned(
        "2013-10-07",
        "2013-10-07",
        data=[{"trailing_days": 5, "intervals": ["1m"]}],
        indicators={"x": {"type": "SMA", "interval": "1m", "timeperiod": 20}},
    )
    assert depth(plan, "1m") == [5, 5, 5]
    assert notes == []


def test_history_requested_for_one_symbol_is_deepened_for_all_by_an_indicator() -> None:
    plan, notes = planned(
        "2013-10-07",
        "2013-10-07",
        data=[{"trailing_days": 5, "intervals": ["1m"], "apply_to": ["SPY"]}],
        indicators={"x": {"type": "SMA", "interval": "1m", "timeperiod": 20}},
    )
    assert depth(plan, "1m") == [5, 2, 2]
    assert plan.requested[Interval.parse("1m")].tolist() == [5, 0, 0]
    assert len(notes) == 1


def test_a_trailing_average_by_minute_needs_minutes_and_by_day_needs_days() -> None:
    minute = {"type": "trailing_average", "period": "4d", "granularity": "minute", "field": "volume"}
    day = {"type": "trailing_average", "period": "10d", "field": "volume"}
    plan, notes = planned("2013-10-07", "2013-10-09", trailing={"a": minute, "b": day})
    assert depth(plan, "1m") == [4, 4, 4]
    assert days_of_history(plan) == 10
    assert notes == ["history added for a: 4 sessions of 1m", "history added for b: 10 sessions of 1d"]
    first, last = plan.trailing[0].sessions[0], plan.trailing[0].sessions[-1]
    assert [plan.sessions[at].trading_day.isoformat() for at in first] == [
        "2013-10-01",
        "2013-10-02",
        "2013-10-03",
        "2013-10-04",
    ]
    assert [plan.sessions[at].trading_day.isoformat() for at in last][-1] == "2013-10-08"


def test_a_calendar_period_reaches_a_year_back_for_every_session() -> None:
    trailing = {"high_52w": {"type": "trailing_max", "period": "52w", "field": "high"}}
    plan, _ = planned("2013-10-07", "2013-10-11", trailing=trailing)
    for number, positions in enumerate(plan.trailing[0].sessions):
        session = sessions_of("2013-10-07", "2013-10-11")[number]
        days = [plan.sessions[at].trading_day for at in positions]
        expected = sessions_of("2012-10-01", "2013-10-11")
        assert days == [
            one.trading_day for one in expected if 0 < (session.trading_day - one.trading_day).days <= 364
        ]
        assert positions[0] >= plan.first_played + number - days_of_history(plan)


@pytest.mark.parametrize(("exchange", "count"), [("XNYS", 10), ("XNYS", 2000), ("CMES", 2000)])
def test_a_period_that_skips_early_closes_has_its_full_length(exchange: str, count: int) -> None:
    trailing = {
        "x": {"type": "trailing_average", "period": f"{count}d", "field": "volume", "skip_early_close": True}
    }
    plan, _ = planned("2023-12-01", "2023-12-01", exchange=exchange, trailing=trailing)
    [positions] = plan.trailing[0].sessions
    assert len(positions) == count
    assert not any(plan.sessions[at].is_early_close for at in positions)
    assert days_of_history(plan) > count


def test_weeks_load_the_days_that_show_whether_the_first_is_whole() -> None:
    plan, _ = planned("2013-10-07", "2013-10-07", data=[{"trailing_days": 7, "intervals": ["1w"]}])
    assert days_of_history(plan) >= 7 + 3  # back to the Monday of the first week touched
    assert plan.sources[Interval.parse("1d")] == (Interval.parse("1d"),) * 3


def test_history_reaches_no_further_than_the_calendar() -> None:
    plan, _ = planned(
        "1970-03-02",
        "1970-03-02",
        data=[{"trailing_days": 250, "intervals": ["1d"]}],
        trailing={"x": {"type": "trailing_max", "period": "1y", "field": "high"}},
    )
    assert plan.sessions[0].trading_day.isoformat() == "1970-01-02"
    assert days_of_history(plan) == plan.first_played
    assert len(plan.trailing[0].sessions[0]) == plan.first_played


@pytest.mark.parametrize(
    ("stored", "sources"),
    [
        ("1s 1m 1d", {"5m": "1m", "1d": "1d"}),
        ("1s 1m", {"5m": "1m", "1d": "1m"}),
        ("1s", {"5m": "1s", "1d": "1s"}),
    ],
)
def test_each_interval_has_its_own_source(stored: str, sources: Mapping[str, str]) -> None:
    plan, _ = planned(
        "2013-10-07",
        "2013-10-07",
        data=[{"trailing_days": 2, "intervals": ["5m", "1d"]}],
        stored=frozenset(Interval.parse(text) for text in stored.split()),
    )
    found = {str(interval): {str(source) for source in of} for interval, of in plan.sources.items()}
    assert found == {interval: {source} for interval, source in sources.items()}
