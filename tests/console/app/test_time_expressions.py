"""Time expressions."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapedeck.console.actions.time_expressions import ReferenceTime, parse_time_expression
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.errors import CalendarError, ConfigError

NEW_YORK = ZoneInfo("America/New_York")
TIME = TimeManager("XNYS")
# Tuesday, 8 October 2013, half past ten in New York.
SESSION = TIME.get_trading_session(date(2013, 10, 8))
HERE = ReferenceTime(SESSION, datetime(2013, 10, 8, 10, 30, tzinfo=NEW_YORK))


def read(text: str) -> str:
    return parse_time_expression(text, HERE, TIME).astimezone(NEW_YORK).strftime("%m-%d %H:%M:%S")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10:45", "10-08 10:45:00"),
        ("10.45", "10-08 10:45:00"),
        ("1045", "10-08 10:45:00"),
        (" 9:45:30 ", "10-08 09:45:30"),
        ("14h", "10-08 14:00:00"),
        ("14h30", "10-08 14:30:00"),
        ("2pm", "10-08 14:00:00"),
        ("2:30 PM", "10-08 14:30:00"),
        ("12am", "10-08 00:00:00"),
        ("noon", "10-08 12:00:00"),
        ("open", "10-08 09:30:00"),
        ("close", "10-08 16:00:00"),
        ("now", "10-08 10:30:00"),
        ("next open", "10-09 09:30:00"),
        ("next close", "10-08 16:00:00"),
        ("prev open", "10-08 09:30:00"),
        ("previous close", "10-07 16:00:00"),
        ("+15", "10-08 10:45:00"),
        ("+15m", "10-08 10:45:00"),
        ("-1h", "10-08 09:30:00"),
        ("+90s", "10-08 10:31:30"),
        ("+1d", "10-09 10:30:00"),
        ("-1d", "10-07 10:30:00"),
        ("+0d", "10-08 10:30:00"),
        ("50%", "10-08 12:45:00"),
        ("today", "10-08 09:30:00"),
        ("tomorrow", "10-09 09:30:00"),
        ("yesterday close", "10-07 16:00:00"),
        ("fri", "10-11 09:30:00"),
        ("tuesday 11:00", "10-08 11:00:00"),
        ("2013-10-10", "10-10 09:30:00"),
        ("2013-10-10T10:00", "10-10 10:00:00"),
        ("2013-10-10 10:00", "10-10 10:00:00"),
        ("10:00 2013-10-10", "10-10 10:00:00"),
        ("10-09", "10-09 09:30:00"),
        ("9 oct", "10-09 09:30:00"),
        ("oct 9, 2013 2pm", "10-09 14:00:00"),
        ("9 oct close", "10-09 16:00:00"),
        ("oct 9 noon", "10-09 12:00:00"),
        ("close 9 oct", "10-09 16:00:00"),
        ("noon 10-09", "10-09 12:00:00"),
        ("10-09 close", "10-09 16:00:00"),
        ("9th october 15:30", "10-09 15:30:00"),
        ("Wed, Oct 9th, 2013", "10-09 09:30:00"),
        ("15:30 wednesday 9-oct-2013", "10-09 15:30:00"),
        ("oct 9 1030", "10-09 10:30:00"),
        ("10/9/2013", "10-09 09:30:00"),
        ("monday", "10-14 09:30:00"),
        ("last monday", "10-07 09:30:00"),
        ("last friday close", "10-04 16:00:00"),
        ("noon previous fri", "10-04 12:00:00"),
        ("last tuesday", "10-01 09:30:00"),
        ("next tuesday", "10-15 09:30:00"),
        ("next thu", "10-10 09:30:00"),
    ],
)
def test_times_and_dates_are_read_as_a_trader_writes_them(text: str, expected: str) -> None:
    assert read(text) == expected


@pytest.mark.parametrize("text", ["", "  ", "soon", "25:00", "13pm", "120%", "2013-13-01", "oct", "99"])
def test_invalid_times_are_errors_with_examples(text: str) -> None:
    with pytest.raises(ConfigError, match="invalid time or date"):
        read(text)


@pytest.mark.parametrize(
    "text",
    [
        "oct octopus 9",
        "9 oct 2013/2014",
        "9 xx",
        "31 9",
        "9 oct 99",
        "9thoct",
        "last",
        "+9999999999m",
        "9999999999 feb",
    ],
)
def test_almost_valid_dates_are_invalid(text: str) -> None:
    with pytest.raises(ConfigError, match="invalid time or date"):
        read(text)


def test_letters_that_mean_nothing_are_named_instead_of_passed_over() -> None:
    with pytest.raises(
        ConfigError, match=r"invalid time or date '29 nov banana' \(not understood: banana\)\."
    ):
        read("29 nov banana")


def test_a_date_with_a_wrong_weekday_is_an_error_with_the_right_one() -> None:
    for text in ("mon 9 oct", "monday, oct 9th 2013 10:30"):
        with pytest.raises(ConfigError, match=r"2013-10-09 is a Wednesday, not a Monday\."):
            read(text)


def test_a_weekday_past_the_end_of_the_run_is_the_one_before() -> None:
    def day(text: str, last: date) -> date:
        here = ReferenceTime(SESSION, HERE.clock, last)
        return parse_time_expression(text, here, TIME).astimezone(NEW_YORK).date()

    week_end, later = date(2013, 10, 11), date(2013, 10, 18)
    assert (day("monday", week_end), day("monday", later)) == (date(2013, 10, 7), date(2013, 10, 14))
    assert (day("friday", week_end), day("last friday", week_end)) == (week_end, date(2013, 10, 4))
    assert day("next monday", week_end) == date(2013, 10, 14)  # explicit


def test_a_misspelt_word_names_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'next open'"):
        read("next opne")


def test_a_day_without_trading_has_the_error_of_the_calendar() -> None:
    with pytest.raises(CalendarError):
        read("2013-10-12")


@given(st.integers(0, 23), st.integers(0, 59))
def test_every_time_of_day_is_read_in_every_spelling(hour: int, minute: int) -> None:
    expected = f"10-08 {hour:02}:{minute:02}:00"
    for text in (f"{hour}:{minute:02}", f"{hour:02}h{minute:02}", f"{hour:02}{minute:02}"):
        assert read(text) == expected


def test_a_time_after_midnight_is_of_a_session_that_opened_the_day_before() -> None:
    futures = TimeManager("CMES")
    session = futures.get_trading_session(date(2013, 10, 8))
    zone = session.zone
    found = parse_time_expression("9:00", ReferenceTime(session, session.regular_open), futures).astimezone(
        zone
    )
    assert session.regular_open < found < session.regular_close
