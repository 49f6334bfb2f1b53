"""Calendars against exchange_calendars itself, and against public facts."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime
from zoneinfo import ZoneInfo

import exchange_calendars
import numpy as np
import pandas as pd
import pytest
from exchange_calendars import calendar_utils

from tapedeck.engine.clock import calendars
from tapedeck.engine.clock.calendars import (
    CalendarWindow,
    ExchangeInfo,
    exchange_bounds,
    exchange_zone,
    list_exchanges,
    load_calendar,
)
from tapedeck.engine.errors import CalendarError


@pytest.fixture(scope="module")
def exchanges() -> dict[str, ExchangeInfo]:
    return {info.code: info for info in list_exchanges()}


def seconds(window: CalendarWindow) -> pd.DataFrame:
    """The window as a frame shaped like the library's schedule."""
    index = pd.DatetimeIndex([date.fromordinal(int(day)) for day in window.days])
    columns = {
        "open": window.opens,
        "break_start": window.break_starts,
        "break_end": window.break_ends,
        "close": window.closes,
    }
    return pd.DataFrame(columns, index=index)


@pytest.mark.parametrize(
    "code",
    ["XNYS", "CMES", "IEPA", "XTKS", "XHKG", "XLON", "XASX", "XSAU", "XSHG", "24/7", "24/5", "us_futures"],
)
def test_sessions_hours_breaks_and_early_closes_are_those_of_the_library(code):
    window = load_calendar(code, date(2023, 3, 1), date(2024, 11, 30))
    library = exchange_calendars.get_calendar(
        code, start=window.first.isoformat(), end=window.last.isoformat()
    )
    expected = library.schedule.apply(lambda column: column.dt.tz_localize(None).astype("datetime64[s]"))
    pd.testing.assert_frame_equal(seconds(window), expected, check_freq=False, check_index_type=False)
    early = [date.fromordinal(int(day)) for day in window.days[window.is_early]]
    assert early == [stamp.date() for stamp in library.early_closes]
    assert window.zone == library.tz
    assert "".join("1" if flag else "0" for flag in window.open_weekdays) == library.weekmask


def test_a_calendar_from_1970_to_2049_is_the_same_as_the_library_s_holidays_and_all():
    window = load_calendar("XNYS", date(1970, 1, 1), date(2048, 12, 31))
    library = exchange_calendars.get_calendar("XNYS", start="1970-01-01", end="2049-12-31")
    assert seconds(window).index.equals(library.sessions.as_unit(seconds(window).index.unit))
    assert np.count_nonzero(window.is_early) == len(library.early_closes)


def test_a_window_depends_on_the_requested_dates_only():
    window = load_calendar("XNYS", date(2013, 10, 7), date(2013, 10, 11))
    assert (window.first, window.last) == (date(2011, 1, 1), date(2014, 12, 31))


def test_what_a_window_says_of_a_day_does_not_depend_on_its_length():
    short = load_calendar("XNYS", date(2013, 6, 1), date(2013, 6, 1))
    long = load_calendar("XNYS", date(1998, 1, 1), date(2021, 12, 31))
    begin = long.position(short.first.toordinal())
    assert long.sessions(begin, begin + len(short.days)) == short.sessions(0, len(short.days))


def test_the_last_session_of_a_window_is_not_taken_for_the_late_opening_first_of_a_year_in_seoul():
    # Asked for a calendar up to 2000, the library opens 2000-12-26 an hour late; up to 2001 it does not.
    window = load_calendar("XKRX", date(1999, 6, 15), date(1999, 6, 15))
    (session,) = window.sessions(len(window.days) - 1, len(window.days))
    assert session.trading_day == date(2000, 12, 26)
    assert session.regular_open.astimezone(window.zone).strftime("%H:%M") == "09:00"


def test_the_window_holds_more_than_252_sessions_before_the_first_date():
    window = load_calendar("XNYS", date(2013, 1, 2), date(2013, 1, 2))
    assert window.position(date(2013, 1, 2).toordinal()) >= 252


@pytest.mark.parametrize(
    ("code", "first", "last"),
    [
        ("AIXK", date(2017, 1, 1), date(2199, 12, 31)),
        ("XSAU", date(2021, 1, 1), date(2029, 12, 31)),
        ("XNYS", date(1970, 1, 1), date(2199, 12, 31)),
    ],
)
def test_bounds_are_the_calendar_s_own_where_it_has_some(code, first, last):
    assert exchange_bounds(code) == (first, last)


def test_a_window_is_clipped_to_the_bounds_of_its_calendar():
    window = load_calendar("XSAU", date(2021, 2, 1), date(2029, 11, 30))
    assert (window.first, window.last) == (date(2021, 1, 1), date(2029, 12, 31))


def test_a_date_before_the_bounds_names_them():
    with pytest.raises(
        CalendarError, match="2020-12-31 is outside the calendar of XSAU: use dates from 2021-01-01"
    ):
        load_calendar("XSAU", date(2020, 12, 31), date(2021, 6, 1))


def test_a_date_after_the_bounds_names_them():
    with pytest.raises(CalendarError, match=r"2030-01-01 is outside the calendar of XSAU.* to 2029-12-31"):
        load_calendar("XSAU", date(2029, 12, 31), date(2030, 1, 1))


def test_dates_in_the_wrong_order_are_refused():
    with pytest.raises(CalendarError, match="invalid range 2013-10-11 to 2013-10-07"):
        load_calendar("XNYS", date(2013, 10, 11), date(2013, 10, 7))


def test_the_zone_is_the_exchange_s_own():
    assert exchange_zone("XNYS") == ZoneInfo("America/New_York")
    assert exchange_zone("JPX") == ZoneInfo("Asia/Tokyo")
    assert exchange_zone("24/7") == ZoneInfo("UTC")


def test_every_exchange_of_the_library_is_listed_once(exchanges):
    assert list(exchanges) == sorted(exchange_calendars.get_calendar_names(include_aliases=False))
    assert set(exchanges["XNYS"].aliases) == set(exchange_calendars.names_to_aliases()["XNYS"])
    assert exchanges["XTKS"].zone == "Asia/Tokyo"


@pytest.mark.parametrize(
    ("code", "holiday"),
    [
        ("ASEX", date(2024, 5, 3)),  # Orthodox Good Friday
        ("XBEL", date(2024, 5, 3)),
        ("XBSE", date(2024, 5, 3)),
        ("XCYS", date(2024, 5, 3)),
        ("XTAE", date(2024, 10, 3)),  # Rosh Hashanah
    ],
)
def test_calendars_of_orthodox_easter_and_of_tel_aviv_are_built(code, holiday):
    window = load_calendar(code, date(2024, 1, 2), date(2024, 12, 30))
    library = exchange_calendars.get_calendar(
        code, start=window.first.isoformat(), end=window.last.isoformat()
    )
    assert seconds(window).index.equals(library.sessions.as_unit(seconds(window).index.unit))
    assert not window.has_session(holiday.toordinal())
    assert window.has_session(date(2024, 4, 30).toordinal())


def test_every_calendar_can_be_built(exchanges):
    for info in exchanges.values():
        day = min(max(date(2024, 7, 1), info.first), info.last)
        assert len(load_calendar(info.code, day, day).days)


class Unbuildable(calendar_utils._default_calendar_factories["XNYS"]):
    @property
    def day(self):
        raise NotImplementedError("implemented by subclasses")


def test_a_calendar_that_cannot_be_built_is_an_error_with_the_versions(monkeypatch):
    monkeypatch.setitem(calendars._factories(), "XPHS", Unbuildable)
    with pytest.raises(CalendarError) as caught:
        load_calendar("XPHS", date(2024, 1, 2), date(2024, 1, 2))
    versions = f"exchange_calendars {exchange_calendars.__version__} with pandas {pd.__version__}"
    assert str(caught.value).startswith(
        f"cannot build the calendar of XPHS by {versions} (NotImplementedError: implemented by subclasses)"
    )


# Sessions on weekends


def test_the_budget_saturday_of_2025_is_a_session_in_bombay():
    # BSE and NSE held a regular session on Saturday, 1 February 2025, for the budget of the Union of India.
    window = load_calendar("XBOM", date(2025, 2, 1), date(2025, 2, 1))
    at = window.position(date(2025, 2, 1).toordinal())
    assert [session.trading_day for session in window.sessions(at - 1, at + 2)] == [
        date(2025, 1, 31),
        date(2025, 2, 1),
        date(2025, 2, 3),
    ]
    (saturday,) = window.sessions(at, at + 1)
    assert saturday.regular_open.astimezone(window.zone).strftime("%H:%M") == "09:15"
    assert saturday.regular_close.astimezone(window.zone).strftime("%H:%M") == "15:30"


@pytest.mark.parametrize(
    ("code", "first", "last", "count"),
    [
        ("XKRX", date(1998, 1, 1), date(1998, 12, 31), 46),  # Seoul traded on Saturdays until 5 December 1998
        ("XMOS", date(2008, 1, 1), date(2012, 12, 31), 11),  # Moscow moves working days to Saturdays
        ("XBOM", date(2024, 1, 1), date(2025, 12, 31), 2),  # 20 January 2024 and 1 February 2025
    ],
)
def test_sessions_on_weekends_are_all_there(code, first, last, count):
    window = load_calendar(code, first, last)
    days = [date.fromordinal(int(day)) for day in window.days]
    assert sum(first <= day <= last and day.weekday() >= 5 for day in days) == count


class BombayWithoutSpecialSessions(calendar_utils._default_calendar_factories["XBOM"]):
    special_weekmasks = ()


def test_libraries_that_leave_out_sessions_on_weekends_are_refused(monkeypatch):
    # As exchange_calendars 4.13 does with pandas 3.1, without an error.
    monkeypatch.setitem(calendar_utils._default_calendar_factories, "XBOM", BombayWithoutSpecialSessions)
    calendars._factories.cache_clear()
    try:
        with pytest.raises(CalendarError, match=r"leaves out sessions on weekends.*'pandas<3\.1'"):
            load_calendar("XNYS", date(2024, 1, 2), date(2024, 1, 2))
    finally:
        calendars._factories.cache_clear()


def test_sessions_follow_each_other_without_overlap():
    for code in ("XNYS", "CMES", "IEPA", "us_futures", "24/7", "24/5", "XASX", "XSAU"):
        window = load_calendar(code, date(2024, 1, 2), date(2024, 1, 2))
        assert (window.opens < window.closes).all()
        assert (window.closes[:-1] <= window.opens[1:]).all()


def test_importing_the_clock_does_not_load_the_calendar_library():
    code = (
        "import sys, tapedeck.engine.clock.time_manager\n"
        "print('exchange_calendars' in sys.modules, 'pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_sessions_come_as_plain_zone_aware_datetimes():
    window = load_calendar("XNYS", date(2013, 10, 7), date(2013, 10, 7))
    at = window.position(date(2013, 10, 7).toordinal())
    (session,) = window.sessions(at, at + 1)
    assert type(session.regular_open) is datetime
    assert session.regular_open.isoformat() == "2013-10-07T13:30:00+00:00"
    assert type(session.trading_day) is date
    assert session.is_early_close is False
