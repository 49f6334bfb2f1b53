"""Daily bars that carry an instant: the trading day of the session that holds it, or of the next one."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from exchange_calendars import ExchangeCalendar, get_calendar
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.importers.file_rows import UnclearFileError
from tapedeck.engine.intervals import DAY
from tests.engine.importers.test_time_layouts import read

NEW_YORK = ZoneInfo("America/New_York")
CALENDARS = ("XNYS", "XTKS", "XLON", "CMES")
# Vendors' labels of the bar of a trading day, in the zone of the exchange.
LABELS = {
    "midnight": lambda day, opened, zone: datetime.combine(day, time(), zone),
    "the evening before": lambda day, opened, zone: datetime.combine(day - timedelta(days=1), time(18), zone),
    "the open": lambda day, opened, zone: opened,
    "an hour before the open": lambda day, opened, zone: opened - timedelta(hours=1),
}


def _midnight(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp())


@cache
def _calendar(code: str) -> ExchangeCalendar:
    return get_calendar(code, start="2012-12-01", end="2014-02-15")


def _days(code: str) -> list[tuple[date, datetime, datetime]]:
    schedule = _calendar(code).schedule.loc["2013"]
    return [
        (day.date(), row.open.to_pydatetime(), row.close.to_pydatetime()) for day, row in schedule.iterrows()
    ]


@pytest.mark.parametrize("code", CALENDARS)
@pytest.mark.parametrize("label", LABELS)
def test_every_session_of_a_year_gets_the_bar_that_vendors_label_for_it(code, label):
    days = _days(code)
    zone = ZoneInfo(_calendar(code).tz.key)
    if code == "CMES" and label != "midnight":
        label = "the open"  # it opens the evening before, within a night of the last close
    instants = [int(LABELS[label](day, opened, zone).timestamp()) for day, opened, _ in days]
    expected = [_midnight(day) for day, _, _ in days]
    assert read(pa.array(instants), interval=DAY, exchange=code) == expected
    assert read(pa.array(instants), interval=DAY, exchange=code, zone=zone.key) == expected


@pytest.mark.parametrize("code", CALENDARS)
@pytest.mark.parametrize("hours", [0, 1, 5])
def test_bars_labelled_at_or_after_the_close_are_of_that_session_or_asked_about(code, hours):
    days = _days(code)
    instants = [int((closed + timedelta(hours=hours)).timestamp()) for _, _, closed in days]
    expected = [_midnight(day) for day, _, _ in days]
    try:
        found = read(pa.array(instants), interval=DAY, exchange=code)
    except UnclearFileError as error:
        found = error.ways[0]
    # An hour after the close of CMES its next session opens.
    assert found == {"--label": "close"} or (code == "CMES" and hours)
    if not (code == "CMES" and hours):
        assert read(pa.array(instants), interval=DAY, exchange=code, label="close") == expected


@pytest.mark.parametrize(
    ("texts", "options", "days"),
    [
        (["2024-03-07 05:00:00+00:00", "2024-03-11 04:00:00+00:00"], {}, ["2024-03-07", "2024-03-11"]),
        (["1583332200", "1583760600"], {}, ["2020-03-04", "2020-03-09"]),
        (["2013-10-06T21:00:00Z", "2013-10-07T21:00:00Z"], {}, ["2013-10-07", "2013-10-08"]),
        (["2013-10-07 00:00:00-04:00"], {}, ["2013-10-07"]),
        (["2013-10-07 00:00:00+09:00", "2013-10-08 00:00:00+09:00"], {}, ["2013-10-07", "2013-10-08"]),
        (["2013-10-05", "2013-10-06"], {"zone": "America/New_York"}, ["2013-10-05", "2013-10-06"]),
        (["1381104000", "1380931200"], {}, ["2013-10-07", "2013-10-05"]),
        (["1381104000000"], {"exchange": "CRYPTO"}, ["2013-10-07"]),
        (["2013-10-07 09:30"], {"zone": "America/New_York"}, ["2013-10-07"]),
        (["1381118400"], {"zone": "America/New_York"}, ["2013-10-07"]),
        (
            ["10/7/2013 16:00:00", "11/29/2013 16:00:00"],
            {"zone": "America/New_York", "label": "close"},
            ["2013-10-07", "2013-11-29"],
        ),
        (["2013-10-05T22:30:00Z"], {"exchange": "24/7"}, ["2013-10-05"]),
    ],
)  # fmt: skip
def test_labels_of_vendors(texts, options, days):
    assert read(texts, interval=DAY, **options) == [_midnight(date.fromisoformat(day)) for day in days]


@pytest.mark.parametrize(
    ("texts", "options", "said", "way"),
    [
        (["2013-10-07 09:30"], {}, "has no UTC offset", {"--zone": "America/New_York"}),
        (
            ["2013-10-05T04:00Z", "2013-10-06T04:00Z"],
            {},
            "belongs to no session of XNYS",
            {"--exchange": "CRYPTO"},
        ),
        (["2013-10-07T15:00Z"], {}, "is in the midst of a session of XNYS", {"--exchange": "CRYPTO"}),
        (["2013-10-07T20:00Z"], {}, "carries the close of XNYS", {"--label": "close"}),
        (
            ["2013-10-07T20:30Z", "2013-10-07T21:30Z", "2013-10-08T19:00Z"],
            {"exchange": "XNYS"},
            "is not the only day on the session of 2013-10-08",
            {"--exchange": "CRYPTO"},
        ),
        (
            # The close of each day, of which that of the day after Thanksgiving is early.
            ["2013-11-27T21:00Z", "2013-11-29T21:00Z", "2013-12-02T21:00Z"],
            {"exchange": "XNYS"},
            "carries the close of XNYS",
            {"--label": "close"},
        ),
        (
            # 17:00 in New York from Monday to Friday.
            ["2013-10-07T21:00Z", "2013-10-08T21:00Z", "2013-10-11T21:00Z"],
            {"exchange": "XNYS"},
            "2013-10-11 21:00:00 UTC is long before the next session",
            {"--label": "close"},
        ),
        (["2013-10-07"], {"label": "close"}, "label close is invalid for daily bars without a time", None),
    ],
)
def test_a_label_with_two_readings_is_asked_about(texts, options, said, way):
    with pytest.raises(UnclearFileError, match=said) as asked:
        read(texts, interval=DAY, **options)
    assert (asked.value.ways or (None,))[0] == way


def test_with_the_exchange_given_a_bar_on_no_session_is_rejected_alone():
    found = read(["2013-10-05T04:00Z", "2013-10-07T04:00Z"], interval=DAY, exchange="NYSE")
    assert found == [
        "time 2013-10-05 04:00:00 UTC belongs to no session of XNYS",
        _midnight(date(2013, 10, 7)),
    ]
    assert "is outside the calendar of XNYS" in str(read(["1950-10-05T04:00Z"], interval=DAY)[0])


@given(
    hours=st.integers(-14, 23),
    start=st.integers(0, 200),
    is_told=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_bars_of_every_day_never_fall_on_a_session_of_another_day(hours, start, is_told):
    # A market that trades every day, read by the calendar of a stock exchange: refused, or each bar on the
    # day that its label names there.
    first = datetime(2013, 1, 1, tzinfo=NEW_YORK) + timedelta(days=start)
    instants = [int((first + timedelta(days=i, hours=hours)).timestamp()) for i in range(8)]
    try:
        found = read(pa.array(instants), interval=DAY, **({"exchange": "XNYS"} if is_told else {}))
    except UnclearFileError:
        return
    stored = [day for day in found if isinstance(day, int)]
    assert len(set(stored)) == len(stored)
