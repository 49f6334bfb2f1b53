"""Trading dates: facts of the calendars, and laws between the queries."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise

import exchange_calendars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.clock.time_manager import CacheInfo, TimeManager
from tapedeck.engine.errors import CalendarError, ClockError


@pytest.fixture(scope="module")
def new_york() -> TimeManager:
    return TimeManager("XNYS")


NEW_YORK = TimeManager("XNYS")
DAYS = st.dates(date(1999, 1, 1), date(2020, 12, 31))
# The first date of a year builds a calendar, which takes a part of a second.
in_any_time = settings(max_examples=50, deadline=None)


@cache
def new_york_days() -> list[date]:
    calendar = exchange_calendars.get_calendar("XNYS", start="1998-01-01", end="2021-12-31")
    return [stamp.date() for stamp in calendar.sessions]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def all_days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


@pytest.mark.parametrize("day", [date(2013, 7, 3), date(2013, 11, 29), date(2013, 12, 24)])
def test_new_york_closed_at_one_o_clock_on_three_days_of_2013(new_york, day):
    session = new_york.get_trading_session(day)
    assert session.is_early_close
    assert new_york.is_early_close(day)
    assert new_york.to_exchange_time(session.regular_close).strftime("%H:%M") == "13:00"
    assert session.regular_close - session.regular_open == timedelta(minutes=210)


def test_2013_had_no_other_early_close_in_new_york(new_york):
    early = [day for day in all_days(date(2013, 1, 1), date(2013, 12, 31)) if new_york.is_early_close(day)]
    assert early == [date(2013, 7, 3), date(2013, 11, 29), date(2013, 12, 24)]


def test_a_regular_day_in_new_york_has_390_minutes_and_no_break(new_york):
    session = new_york.get_trading_session(date(2013, 10, 7))
    assert not session.is_early_close
    assert session.regular_close - session.regular_open == timedelta(minutes=390)
    assert session.segments == ((session.regular_open, session.regular_close),)


def test_the_nine_holidays_of_2013_in_new_york(new_york):
    holidays = [day for day in all_days(date(2013, 1, 1), date(2013, 12, 31)) if new_york.is_holiday(day)]
    assert [day.strftime("%m-%d") for day in holidays] == (
        ["01-01", "01-21", "02-18", "03-29", "05-27", "07-04", "09-02", "11-28", "12-25"]
    )


def test_2013_had_252_trading_days_in_new_york(new_york):
    assert new_york.count_trading_days(date(2013, 1, 1), date(2013, 12, 31)) == 252


def test_a_weekend_is_neither_a_holiday_nor_a_trading_day(new_york):
    saturday = date(2013, 10, 5)
    assert not new_york.is_holiday(saturday)
    assert not new_york.is_trading_day(saturday)
    assert not new_york.is_early_close(saturday)


def test_new_york_stayed_closed_after_11_september_2001_until_the_17th(new_york):
    assert new_york.get_next_trading_date(date(2001, 9, 10)) == date(2001, 9, 17)
    assert new_york.is_holiday(date(2001, 9, 11))


def test_new_york_stayed_closed_for_hurricane_sandy(new_york):
    assert new_york.get_next_trading_date(date(2012, 10, 26)) == date(2012, 10, 31)


def test_the_calendar_reaches_back_to_1998_and_beyond(new_york):
    assert new_york.get_first_trading_date(date(1998, 1, 1)) == date(1998, 1, 2)
    assert new_york.is_holiday(date(1970, 12, 25))


@pytest.mark.parametrize(
    ("day", "opened"),
    [
        (date(2013, 3, 8), "2013-03-08T14:30"),
        (date(2013, 3, 11), "2013-03-11T13:30"),
        (date(2013, 11, 1), "2013-11-01T13:30"),
        (date(2013, 11, 4), "2013-11-04T14:30"),
    ],
)
def test_new_york_opens_at_half_past_nine_on_both_sides_of_a_clock_change(new_york, day, opened):
    session = new_york.get_trading_session(day)
    assert session.regular_open == utc(opened)
    assert new_york.to_exchange_time(session.regular_open).strftime("%H:%M") == "09:30"


@pytest.mark.parametrize(
    ("day", "opened"), [(date(2013, 10, 25), "2013-10-25T07:00"), (date(2013, 10, 28), "2013-10-28T08:00")]
)
def test_london_changes_its_clock_a_week_before_new_york(day, opened):
    assert TimeManager("XLON").get_trading_session(day).regular_open == utc(opened)


def test_tokyo_pauses_from_half_past_eleven_to_half_past_twelve():
    tokyo = TimeManager("XTKS")
    session = tokyo.get_trading_session(date(2013, 10, 7))
    hours = [[tokyo.to_exchange_time(t).strftime("%H:%M") for t in segment] for segment in session.segments]
    assert hours == [["09:00", "11:30"], ["12:30", "15:00"]]


def test_tokyo_closes_half_an_hour_later_since_5_november_2024():
    tokyo = TimeManager("XTKS")
    before, since = (tokyo.get_trading_session(date(2024, 11, day)) for day in (1, 5))
    assert tokyo.to_exchange_time(before.regular_close).strftime("%H:%M") == "15:00"
    assert tokyo.to_exchange_time(since.regular_close).strftime("%H:%M") == "15:30"
    assert not before.is_early_close


def test_hong_kong_pauses_at_noon_and_has_no_pause_on_a_half_day():
    hong_kong = TimeManager("XHKG")
    full, half = (hong_kong.get_trading_session(date(2013, 12, day)) for day in (23, 24))
    assert (full.break_start, full.break_end) == (utc("2013-12-23T04:00"), utc("2013-12-23T05:00"))
    assert len(full.segments) == 2
    assert half.is_early_close
    assert half.segments == ((utc("2013-12-24T01:30"), utc("2013-12-24T04:00")),)


def test_a_round_the_clock_market_trades_every_day_and_knows_no_holiday():
    crypto = TimeManager("24/7")
    days = all_days(date(2013, 12, 20), date(2014, 1, 5))
    assert all(crypto.is_trading_day(day) and not crypto.is_holiday(day) for day in days)
    sessions = crypto.trading_sessions(days[0], days[-1])
    assert [session.trading_day for session in sessions] == days
    for today, tomorrow in pairwise(sessions):
        assert today.regular_close == tomorrow.regular_open


def test_riyadh_trades_on_sunday_and_its_friday_is_not_a_holiday():
    riyadh = TimeManager("XSAU")
    assert riyadh.is_trading_day(date(2024, 1, 7))
    assert not riyadh.is_holiday(date(2024, 1, 5))
    assert not riyadh.is_trading_day(date(2024, 1, 5))


def test_a_monday_of_futures_opens_on_sunday_evening_in_chicago():
    chicago = TimeManager("CMES")
    session = chicago.get_trading_session(date(2013, 10, 7))
    assert chicago.to_exchange_time(session.regular_open).isoformat() == "2013-10-06T17:00:00-05:00"
    assert chicago.to_exchange_time(session.regular_close).isoformat() == "2013-10-07T17:00:00-05:00"


@pytest.mark.parametrize(
    ("exchange", "instant", "day"),
    [
        ("CMES", "2013-10-06T22:00", date(2013, 10, 7)),  # Sunday, 17:00 in Chicago
        ("CMES", "2013-10-07T21:59", date(2013, 10, 7)),
        ("CMES", "2013-10-07T22:00", date(2013, 10, 8)),
        ("XNYS", "2013-10-07T13:29", date(2013, 10, 7)),
        ("XNYS", "2013-10-07T19:59", date(2013, 10, 7)),
        ("XNYS", "2013-10-11T20:00", date(2013, 10, 14)),  # the close of Friday
        ("XNYS", "2013-11-27T23:00", date(2013, 11, 29)),  # Thanksgiving lies between
        ("XASX", "2013-10-06T23:30", date(2013, 10, 7)),  # Monday morning in Sydney
        ("XTKS", "2013-10-07T03:00", date(2013, 10, 7)),  # the lunch break
        ("24/7", "2013-10-05T23:59", date(2013, 10, 5)),
        ("XNYS", "1970-01-01T12:00", date(1970, 1, 2)),  # the first days of the calendar
    ],
)
def test_an_instant_has_the_trading_date_of_its_session_or_of_the_next(exchange, instant, day):
    assert TimeManager(exchange).get_trading_date(utc(instant)) == day


@in_any_time
@given(DAYS)
def test_a_date_is_a_trading_day_exactly_if_the_library_has_a_session_for_it(day):
    assert NEW_YORK.is_trading_day(day) == (day in new_york_days())


@in_any_time
@given(DAYS, st.integers(1, 200))
def test_the_nth_next_trading_date_has_n_trading_days_on_the_way(day, n):
    later = NEW_YORK.get_next_trading_date(day, n)
    assert later == [known for known in new_york_days() if known > day][n - 1]
    assert NEW_YORK.count_trading_days(day + timedelta(days=1), later) == n


@in_any_time
@given(DAYS, st.integers(1, 200))
def test_going_back_from_the_nth_next_trading_date_gives_the_day_itself_or_the_one_before(day, n):
    back = NEW_YORK.get_previous_trading_date(NEW_YORK.get_next_trading_date(day, n), n)
    assert back == max(known for known in new_york_days() if known <= day)


@in_any_time
@given(DAYS)
def test_the_first_trading_date_at_or_after_a_day_is_the_day_itself_if_it_is_one(day):
    assert NEW_YORK.get_first_trading_date(day) == min(known for known in new_york_days() if known >= day)


@in_any_time
@given(DAYS, DAYS)
def test_sessions_of_a_span_are_the_sessions_of_its_days(one, other):
    start, end = min(one, other), max(one, other)
    sessions = NEW_YORK.trading_sessions(start, end)
    expected = [day for day in new_york_days() if start <= day <= end]
    assert [session.trading_day for session in sessions] == expected
    assert NEW_YORK.count_trading_days(start, end) == len(expected)
    for session in sessions[:3]:
        assert session == NEW_YORK.get_trading_session(session.trading_day)


def test_results_do_not_depend_on_earlier_queries():
    narrow, wide = TimeManager("XNYS"), TimeManager("XNYS")
    wide.trading_sessions(date(1990, 1, 1), date(2030, 1, 1))
    for day in (date(2013, 7, 3), date(2020, 2, 29), date(1998, 1, 1), date(2021, 12, 31)):
        assert narrow.is_early_close(day) == wide.is_early_close(day)
        assert narrow.get_next_trading_date(day, 300) == wide.get_next_trading_date(day, 300)
        assert narrow.get_previous_trading_date(day, 300) == wide.get_previous_trading_date(day, 300)


def test_a_long_way_back_makes_the_calendar_grow(new_york):
    far = TimeManager("XNYS").get_previous_trading_date(date(2013, 10, 7), 2500)
    assert new_york.count_trading_days(far, date(2013, 10, 6)) == 2500


def test_threads_that_ask_at_once_get_the_answers_of_one_that_asks_alone():
    shared = TimeManager("XNYS")
    days = [date(year, month, 15) for year in range(2000, 2020) for month in (2, 7, 11)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda day: shared.get_next_trading_date(day, 10), days * 3, timeout=60))
    assert answers == [NEW_YORK.get_next_trading_date(day, 10) for day in days * 3]


def test_a_holiday_has_no_session_and_the_error_names_the_nearest_days(new_york):
    with pytest.raises(CalendarError) as caught:
        new_york.get_trading_session(date(2013, 11, 28))
    assert str(caught.value) == (
        "Thursday 2013-11-28 is not a trading day of XNYS; "
        "the nearest are Wednesday 2013-11-27 and Friday 2013-11-29."
    )


def test_at_the_start_of_the_calendar_only_the_next_trading_day_is_named(new_york):
    with pytest.raises(
        CalendarError, match=r"1970-01-01 is not a trading day of XNYS; the next is Friday 1970-01-02\.$"
    ):
        new_york.get_trading_session(date(1970, 1, 1))


def test_at_the_end_of_the_calendar_only_the_last_trading_day_is_named():
    # Tokyo keeps 31 December free.
    with pytest.raises(
        CalendarError, match=r"2199-12-31 is not a trading day of XTKS; the last is Monday 2199-12-30\.$"
    ):
        TimeManager("XTKS").get_trading_session(date(2199, 12, 31))


def test_a_backtest_on_the_last_free_day_of_the_calendar_has_no_next_day_to_name():
    with pytest.raises(CalendarError, match=r"Tuesday 2199-12-31 is not a trading day of XTKS\.$"):
        TimeManager("XTKS").set_backtest_window(date(2199, 12, 31), date(2199, 12, 31))


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (
            lambda tm: tm.get_next_trading_date(date(2029, 12, 31)),
            "1 trading day after 2029-12-31 would be outside",
        ),
        (lambda tm: tm.get_next_trading_date(date(2029, 1, 1), 900), "900 trading days after 2029-01-01"),
        (
            lambda tm: tm.get_previous_trading_date(date(2021, 1, 1)),
            "1 trading day before 2021-01-01 would be outside",
        ),
        (lambda tm: tm.is_trading_day(date(2020, 12, 31)), "2020-12-31 is outside the calendar"),
        (lambda tm: tm.count_trading_days(date(2029, 1, 1), date(2030, 1, 1)), "2030-01-01 is outside"),
    ],
)
def test_what_the_calendar_does_not_reach_is_an_error_that_names_its_bounds(query, text):
    with pytest.raises(CalendarError, match=f"{text}.* of XSAU: use dates from 2021-01-01 to 2029-12-31"):
        query(TimeManager("XSAU"))


def test_counting_trading_days_starts_from_one(new_york):
    for query in (new_york.get_next_trading_date, new_york.get_previous_trading_date):
        with pytest.raises(CalendarError, match="must be at least 1"):
            query(date(2013, 10, 7), 0)


def test_a_span_given_backwards_is_an_error(new_york):
    with pytest.raises(
        CalendarError, match="invalid range 2013-10-11 to 2013-10-07: the earlier date must be first"
    ):
        new_york.trading_sessions(date(2013, 10, 11), date(2013, 10, 7))


def test_an_instant_is_not_taken_for_a_date(new_york):
    with pytest.raises(CalendarError, match="is an instant, not a date"):
        new_york.get_trading_session(utc("2013-10-07T23:30"))


def test_an_unknown_exchange_is_refused_at_once():
    with pytest.raises(CalendarError, match="Did you mean 'XNYS'"):
        TimeManager("XNYSS")


def test_a_backtest_runs_from_its_first_to_its_last_trading_day():
    clock = TimeManager("XNYS")
    clock.set_backtest_window(date(2013, 10, 5), date(2013, 10, 13))
    assert (clock.backtest_start, clock.backtest_end) == (date(2013, 10, 7), date(2013, 10, 11))


def test_a_weekend_alone_is_an_error_that_names_the_next_trading_day(new_york):
    with pytest.raises(CalendarError) as caught:
        new_york.set_backtest_window(date(2013, 10, 5), date(2013, 10, 6))
    assert str(caught.value) == (
        "XNYS has no trading day from Saturday 2013-10-05 to Sunday 2013-10-06; "
        "the next is Monday 2013-10-07."
    )


def test_a_holiday_alone_is_an_error(new_york):
    with pytest.raises(
        CalendarError, match="Wednesday 2013-12-25 is not a trading day of XNYS; the next is Thursday"
    ):
        new_york.set_backtest_window(date(2013, 12, 25), date(2013, 12, 25))


def test_start_and_end_need_a_window():
    clock = TimeManager("XNYS")
    with pytest.raises(ClockError, match="no backtest window set on the clock of XNYS"):
        _ = clock.backtest_start
    with pytest.raises(ClockError, match="no backtest window"):
        _ = clock.backtest_end


def test_a_second_question_is_answered_from_memory_and_counted():
    clock = TimeManager("XNYS")
    first = clock.get_trading_session(date(2013, 10, 7))
    assert clock.get_trading_session(date(2013, 10, 7)) is first
    assert clock.cache_info()["session"] == CacheInfo(hits=1, misses=1)
    assert clock.cache_info()["count"] == CacheInfo(hits=0, misses=0)


def test_invalidating_the_cache_forgets_answers_and_counts_but_changes_none():
    clock = TimeManager("XNYS")
    before = clock.trading_sessions(date(2013, 10, 7), date(2013, 10, 11))
    clock.invalidate_cache()
    assert set(clock.cache_info().values()) == {CacheInfo(0, 0)}
    after = clock.trading_sessions(date(2013, 10, 7), date(2013, 10, 11))
    assert after == before
    assert after is not before
    assert clock.cache_info()["sessions"] == CacheInfo(hits=0, misses=1)
