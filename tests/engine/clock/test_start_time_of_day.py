"""Start time in mid-session: the instant of a time of day."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from tapedeck.engine.clock.start_time import start_instant
from tapedeck.engine.errors import CalendarError
from tests.support.tapes import session_of


def test_half_past_ten_in_new_york_is_14_30_utc_in_summer_and_15_30_in_winter() -> None:
    summer = start_instant(session_of("2013-10-07"), time(10, 30))
    winter = start_instant(session_of("2013-12-09"), time(10, 30))
    assert summer == datetime(2013, 10, 7, 14, 30, tzinfo=UTC)
    assert winter == datetime(2013, 12, 9, 15, 30, tzinfo=UTC)


def test_the_open_itself_is_inside_the_hours() -> None:
    session = session_of("2013-10-07")
    assert start_instant(session, time(9, 30)) == session.regular_open


@pytest.mark.parametrize("moment", [time(9, 29, 59), time(16, 0), time(0, 0), time(23, 59)])
def test_a_time_outside_the_hours_is_refused_and_the_hours_are_named(moment: time) -> None:
    with pytest.raises(CalendarError) as caught:
        start_instant(session_of("2013-10-07"), moment)
    text = str(caught.value)
    assert f"start_time {moment:%H:%M} is outside the hours of XNYS on 2013-10-07" in text
    assert "09:30 to before 16:00" in text
    assert "or delete it" in text


def test_an_early_close_moves_the_end_of_the_hours() -> None:
    with pytest.raises(CalendarError, match="2013-11-29: use a time from 09:30 to before 13:00"):
        start_instant(session_of("2013-11-29"), time(13, 0))


def test_a_futures_evening_belongs_to_the_session_of_the_next_day() -> None:
    session = session_of("2023-06-01", "CMES")
    evening = start_instant(session, time(20, 0))
    morning = start_instant(session, time(8, 0))
    assert evening == datetime(2023, 6, 1, 1, 0, tzinfo=UTC)
    assert morning == datetime(2023, 6, 1, 13, 0, tzinfo=UTC)


def test_any_time_is_inside_the_hours_of_a_market_that_never_closes() -> None:
    session = session_of("2023-06-03", "24/7")
    assert start_instant(session, time(0, 0)) == session.regular_open
    assert start_instant(session, time(23, 59)) == datetime(2023, 6, 3, 23, 59, tzinfo=UTC)


def test_a_time_within_the_lunch_break_is_inside_the_hours() -> None:
    assert start_instant(session_of("2023-06-01", "XTKS"), time(12, 0)) == datetime(
        2023, 6, 1, 3, 0, tzinfo=UTC
    )
