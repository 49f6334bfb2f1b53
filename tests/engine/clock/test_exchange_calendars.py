"""Calendars against exchange_calendars itself, asked the plain way, and against facts anyone can look up."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime
from zoneinfo import ZoneInfo

import exchange_calendars
import numpy as np
import pandas as pd
import pytest

from tapedeck.engine.clock.calendars import (
    CalendarWindow,
    ExchangeInfo,
    exchange_bounds,
    exchange_zone,
    list_exchanges,
    load_calendar,
    resolve_exchange,
)
from tapedeck.engine.errors import CalendarError

# These calendars need what the pandas installed does not do; the library lists them all the same.
UNLOADABLE = {"ASEX", "XBEL", "XBSE", "XCYS", "XTAE"}


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


def test_a_window_depends_on_the_dates_asked_and_on_nothing_else():
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
        CalendarError, match="2020-12-31 is outside the calendar of XSAU, which runs from 2021-01-01"
    ):
        load_calendar("XSAU", date(2020, 12, 31), date(2021, 6, 1))


def test_a_date_after_the_bounds_names_them():
    with pytest.raises(CalendarError, match=r"2030-01-01 is outside the calendar of XSAU.* to 2029-12-31"):
        load_calendar("XSAU", date(2029, 12, 31), date(2030, 1, 1))


def test_dates_in_the_wrong_order_are_refused():
    with pytest.raises(CalendarError, match="2013-10-11 to 2013-10-07 runs backwards"):
        load_calendar("XNYS", date(2013, 10, 11), date(2013, 10, 7))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("XNYS", "XNYS"),
        ("xnys", "XNYS"),
        ("NASDAQ", "XNYS"),
        ("nyse ", "XNYS"),
        ("CME", "CMES"),
        ("24/7", "24/7"),
    ],
)
def test_an_exchange_is_found_by_code_or_other_name_in_any_case(name, code):
    assert resolve_exchange(name) == code


def test_a_misspelt_exchange_names_the_nearest():
    with pytest.raises(
        CalendarError, match=r"'XNYSS' is no exchange with a calendar\. Did you mean 'XNYS'\?"
    ):
        resolve_exchange("XNYSS")


def test_an_exchange_like_no_other_gets_examples_and_the_way_to_the_list():
    with pytest.raises(
        CalendarError, match=r"Examples are XNYS, .*24/7\. `tapedeck calendar` lists them all"
    ):
        resolve_exchange("???????")


def test_the_zone_is_the_exchange_s_own():
    assert exchange_zone("XNYS") == ZoneInfo("America/New_York")
    assert exchange_zone("JPX") == ZoneInfo("Asia/Tokyo")
    assert exchange_zone("24/7") == ZoneInfo("UTC")


def test_every_exchange_of_the_library_is_listed_once(exchanges):
    assert list(exchanges) == sorted(exchange_calendars.get_calendar_names(include_aliases=False))
    assert set(exchanges["XNYS"].aliases) == set(exchange_calendars.names_to_aliases()["XNYS"])
    assert exchanges["XTKS"].zone == "Asia/Tokyo"


def test_all_exchanges_but_the_known_five_can_be_loaded(exchanges):
    loadable = {code for code, info in exchanges.items() if info.loadable}
    # Another pandas may do what these five need; it must not break any other.
    assert set(exchanges) - loadable <= UNLOADABLE
    assert all(not exchanges[code].reason for code in loadable)


def test_an_exchange_is_listed_as_unloadable_exactly_if_the_library_fails_to_build_it(exchanges):
    for code in UNLOADABLE:
        try:
            exchange_calendars.get_calendar(code, start="2024-01-01", end="2024-12-31")
        except (NotImplementedError, ValueError):
            assert not exchanges[code].loadable
        else:
            assert exchanges[code].loadable


def test_the_exchanges_that_errors_recommend_can_all_be_loaded(exchanges):
    with pytest.raises(CalendarError) as caught:
        resolve_exchange("???????")
    recommended = str(caught.value).split("Examples are ")[1].split(". ")[0].split(", ")
    assert len(recommended) > 5
    assert all(exchanges[code].loadable for code in recommended)


def test_loading_an_unloadable_calendar_names_it_the_reason_and_usable_ones(exchanges):
    unloadable = [code for code, info in exchanges.items() if not info.loadable]
    if not unloadable:
        pytest.skip("the pandas installed can build every calendar")
    for code in unloadable:
        with pytest.raises(CalendarError) as caught:
            load_calendar(code, date(2024, 1, 2), date(2024, 1, 2))
        text = str(caught.value)
        assert text.startswith(f"The calendar of {code} cannot be used: exchange_calendars ")
        assert f"cannot build it with pandas {pd.__version__}" in text
        assert "for example XNYS" in text
        assert len(text) < 500
        assert exchanges[code].reason in text or code == "XTAE"  # its reason lists dates of the window


def test_sessions_of_every_listed_calendar_follow_each_other_without_overlap(exchanges):
    for code in ("XNYS", "CMES", "IEPA", "us_futures", "24/7", "24/5", "XASX", "XSAU"):
        assert exchanges[code].loadable
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
