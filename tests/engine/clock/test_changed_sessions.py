"""Days that a session file changes in the calendar: hours, holidays, and what does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.clock.changed_sessions import change_faults
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.config import ChangedSession
from tapedeck.engine.errors import CalendarError
from tests.support.tapes import exchange_time, slots_of


def changed(exchange: str, changes: Mapping[str, Mapping[str, object]]) -> TimeManager:
    """Return a calendar with changed days."""
    read = {date.fromisoformat(day): ChangedSession.model_validate(change) for day, change in changes.items()}
    assert change_faults(exchange, read) == []
    return TimeManager(exchange, changes=read)


def hours(time_manager: TimeManager, day: str) -> tuple[str, str, bool]:
    """Return open and close of a day in exchange time, and whether it closes early."""
    session = time_manager.get_trading_session(date.fromisoformat(day))
    opened, closed = (at.astimezone(session.zone) for at in (session.regular_open, session.regular_close))
    return f"{opened:%d %H:%M}", f"{closed:%d %H:%M}", session.is_early_close


def test_the_close_of_juneteenth_in_chicago_can_be_mended() -> None:
    time_manager = changed("CMES", {"2024-06-19": {"close": "12:00"}})
    assert hours(time_manager, "2024-06-19") == ("18 17:00", "19 12:00", True)
    assert len(slots_of("2024-06-19", "1m", "CMES")) == 1440
    for day in ("2024-06-18", "2024-06-20"):
        assert time_manager.get_trading_session(date.fromisoformat(day)) == exchange_time(
            "CMES"
        ).get_trading_session(date.fromisoformat(day))


@pytest.mark.parametrize(
    ("exchange", "day", "change", "expected"),
    [
        ("XNYS", "2024-06-12", {"close": "13:00"}, ("12 09:30", "12 13:00", True)),
        ("XNYS", "2024-07-03", {"close": "16:00"}, ("03 09:30", "03 16:00", False)),
        ("XNYS", "2024-07-03", {"open": "10:30"}, ("03 10:30", "03 13:00", True)),
        ("XNYS", "2024-07-04", {"open": "09:30", "close": "16:00"}, ("04 09:30", "04 16:00", False)),
        ("XNYS", "2024-07-06", {"open": "10:00", "close": "12:00"}, ("06 10:00", "06 12:00", True)),
        ("CMES", "2024-06-12", {"open": "08:30", "close": "15:00"}, ("12 08:30", "12 15:00", True)),
        ("CMES", "2024-12-25", {"open": "17:00", "close": "17:00"}, ("24 17:00", "25 17:00", False)),
        ("CMES", "2024-06-12", {"open": "18:00"}, ("11 18:00", "12 17:00", False)),
        ("24/7", "2024-06-12", {"open": "06:00"}, ("12 06:00", "13 00:00", False)),
        ("24/7", "2024-06-12", {"open": "06:00", "close": "00:00"}, ("12 06:00", "13 00:00", False)),
        ("XHKG", "2024-06-12", {"close": "12:00"}, ("12 09:30", "12 12:00", True)),
    ],
)
def test_a_day_has_the_hours_of_the_file(
    exchange: str, day: str, change: Mapping[str, object], expected: tuple[str, str, bool]
) -> None:
    time_manager = changed(exchange, {day: change})
    assert hours(time_manager, day) == expected
    assert time_manager.is_trading_day(date.fromisoformat(day))
    assert not time_manager.is_holiday(date.fromisoformat(day))
    assert time_manager.is_early_close(date.fromisoformat(day)) is expected[2]


def test_a_break_outside_the_changed_hours_is_left_out() -> None:
    day = date(2024, 6, 12)
    half = changed("XHKG", {"2024-06-12": {"close": "12:00"}}).get_trading_session(day)
    late = changed("XHKG", {"2024-06-12": {"open": "13:00"}}).get_trading_session(day)
    longer = changed("XHKG", {"2024-06-12": {"close": "16:30"}}).get_trading_session(day)
    assert [len(session.segments) for session in (half, late, longer)] == [1, 1, 2]


def test_a_day_made_a_holiday_has_no_session() -> None:
    time_manager = changed("XNYS", {"2024-06-12": {"holiday": True}, "2024-06-15": {"holiday": True}})
    day = date(2024, 6, 12)
    assert time_manager.is_holiday(day)
    assert not time_manager.is_holiday(date(2024, 6, 15))  # a Saturday
    assert time_manager.get_next_trading_date(date(2024, 6, 11)) == date(2024, 6, 13)
    assert time_manager.get_previous_trading_date(date(2024, 6, 13)) == date(2024, 6, 11)
    assert time_manager.count_trading_days(date(2024, 6, 10), date(2024, 6, 14)) == 4
    with pytest.raises(CalendarError, match="Wednesday 2024-06-12 is not a trading day of XNYS"):
        time_manager.get_trading_session(day)


def test_changes_hold_in_years_that_are_loaded_later() -> None:
    time_manager = changed("XNYS", {"2010-06-09": {"holiday": True}, "2030-06-12": {"close": "13:00"}})
    assert time_manager.is_trading_day(date(2020, 6, 10))
    assert not time_manager.is_trading_day(date(2010, 6, 9))
    assert hours(time_manager, "2030-06-12") == ("12 09:30", "12 13:00", True)


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["XNYS", "XTKS", "CMES", "24/7"]),
    st.dictionaries(
        st.dates(date(2024, 1, 3), date(2024, 12, 28)),
        st.one_of(
            st.just({"holiday": True}),
            st.tuples(st.integers(9, 11), st.integers(12, 15)).map(
                lambda hour: {"open": time(hour[0]), "close": time(hour[1])}
            ),
        ),
        max_size=8,
    ),
)
def test_all_other_days_stay_those_of_the_calendar(
    exchange: str, changes: dict[date, Mapping[str, object]]
) -> None:
    read = {day: ChangedSession.model_validate(change) for day, change in changes.items()}
    time_manager, span = TimeManager(exchange, changes=read), (date(2024, 1, 1), date(2024, 12, 31))
    expected = {
        session.trading_day: session
        for session in exchange_time(exchange).trading_sessions(*span)
        if session.trading_day not in changes
    }
    found = {session.trading_day: session for session in time_manager.trading_sessions(*span)}
    for day, change in changes.items():
        session = found.pop(day, None)
        assert (session is None) == ("holiday" in change)
        if session is not None:
            wall = [at.astimezone(session.zone).replace(tzinfo=None) for at in session.segments[0]]
            assert wall[0] == datetime.combine(day, change["open"])  # type: ignore[arg-type]
            assert session.regular_close.tzinfo is UTC
    assert found == expected
    assert sorted(found) == list(found)


@pytest.mark.parametrize(
    ("exchange", "changes", "faults"),
    [
        (
            "XNYS",
            {"2024-12-25": {"close": "13:00"}},
            ["2024-12-25: XNYS has no session on Wednesday 2024-12-25: give open, too"],
        ),
        (
            "XNYS",
            {"2024-06-12": {"open": "17:00"}, "2024-06-13": {"close": "09:30"}},
            [
                "2024-06-12.open: the session must close after its open, not open 17:00, close 16:00",
                "2024-06-13.close: the session must close after its open, not open 09:30, close 09:30",
            ],
        ),
        (
            "CMES",
            {"2024-06-12": {"close": "18:00"}},
            ["2024-06-12: ends at 2024-06-12 18:00, after the session of 2024-06-13 opens, 2024-06-12 17:00"],
        ),
        (
            "CMES",
            {"2024-06-12": {"open": "16:00", "close": "12:00"}},
            [
                "2024-06-12: begins at 2024-06-11 16:00, before the session of 2024-06-11 closes, "
                "2024-06-11 17:00"
            ],
        ),
        (
            "XBOM",
            {"2350-06-12": {"holiday": True}},
            ["2350-06-12: is outside the calendar of XBOM: use dates from "],
        ),
    ],
)
def test_what_does_not_fit_the_calendar_is_named(
    exchange: str, changes: Mapping[str, Mapping[str, object]], faults: list[str]
) -> None:
    read = {date.fromisoformat(day): ChangedSession.model_validate(change) for day, change in changes.items()}
    found = [f"{fault.place}: {fault.message}" for fault in change_faults(exchange, read)]
    assert len(found) == len(faults)
    assert all(text.startswith(expected) for text, expected in zip(found, faults, strict=True))


def test_two_changed_days_may_touch_but_not_overlap() -> None:
    late = ChangedSession.model_validate({"close": "23:00"})
    evening = ChangedSession.model_validate({"open": "23:00"})
    day = date(2024, 6, 12)
    assert change_faults("CMES", {day: late, day + timedelta(days=1): evening}) == []
    assert len(change_faults("CMES", {day: late})) == 1
