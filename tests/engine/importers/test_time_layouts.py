"""Times in the layouts that files have: an instant in any layout, zone, unit is read exactly or refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.importers.bar_times import opening_times
from tapedeck.engine.importers.file_rows import UnclearFileError
from tapedeck.engine.importers.table_format import make_format
from tapedeck.engine.importers.value_survey import ValueSurvey
from tapedeck.engine.intervals import DAY, MINUTE, SECOND, Interval

FILE = Path("bars.csv")
NEW_YORK = ZoneInfo("America/New_York")
OPEN = int(datetime(2013, 10, 7, 9, 30, tzinfo=NEW_YORK).timestamp())
ZONES = ("America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "UTC")
Written = Callable[[datetime], str]


def read(
    column: Sequence[object] | pa.Array,
    *,
    interval: Interval = MINUTE,
    names: Mapping[str, str] | None = None,
    cut: int | None = None,
    **options: str,
) -> list[int | str]:
    """Return the opening time of each row, or the reason why it has none; the column is read in two parts."""
    form = make_format(interval, **options)
    whole = column if isinstance(column, pa.Array) else pa.array(column)
    parts = [whole] if cut is None else [whole[:cut], whole[cut:]]
    survey = ValueSurvey(FILE, form, names or {"time": "time"})
    for place, part in enumerate(parts):
        if place == 0 or not survey.is_decided:
            survey.add(part, {"open": pa.array([1.0] * len(part))})
    formats = survey.formats()
    found: list[int | str] = []
    for part in parts:
        times, faults = opening_times(formats.read_times(part), interval, form.times, where=str(FILE))
        found += [faults.get(i, int(time)) for i, time in enumerate(times)]
    return found


def _clock(moment: datetime) -> str:
    return f"{moment.hour % 12 or 12}:{moment:%M:%S} {'PM' if moment.hour >= 12 else 'AM'}"


# Layouts that have one reading, whatever the rows; the day of the last ones is above 12 in some row.
NAIVE: Mapping[str, Written] = {
    "iso": lambda t: t.isoformat(),
    "iso with a blank": lambda t: t.isoformat(" "),
    "iso basic": lambda t: f"{t:%Y%m%dT%H%M%S}",
    "iso with a comma": lambda t: f"{t:%Y-%m-%dT%H:%M:%S},000",
    "iso with nanoseconds": lambda t: f"{t:%Y-%m-%d %H:%M:%S}.000000000",
    "iso weeks": lambda t: f"{t:%G-W%V-%u}T{t:%H:%M:%S}",
    "iso days of the year": lambda t: f"{t:%Y-%j}T{t:%H:%M:%S}",
    "points": lambda t: f"{t:%Y.%m.%d %H:%M:%S}",
    "slashes": lambda t: f"{t.year}/{t.month}/{t.day} {t.hour}:{t:%M:%S}",
    "two blanks": lambda t: f"{t:%Y%m%d  %H:%M:%S}",
    "compact": lambda t: f"{t:%Y%m%d %H%M%S}",
    "14 digits": lambda t: f"{t:%Y%m%d%H%M%S}",
    "17 digits": lambda t: f"{t:%Y%m%d%H%M%S}000",
    "dashes in the clock": lambda t: f"{t:%Y/%m/%d %H-%M-%S}",
    "german": lambda t: f"{t:%d.%m.%Y %H:%M:%S}.000",
    "month's name": lambda t: f"{t:%b} {t.day}, {t:%Y} {_clock(t)}",
    "month's name in the middle": lambda t: f"{t:%d-%b-%Y %H:%M:%S}",
    "sas": lambda t: f"{t:%d%b%Y:%H:%M:%S}".upper(),
    "year behind the clock": lambda t: f"{t:%a %b} {t.day:2} {t:%H:%M:%S %Y}",
    "weekday": lambda t: f"{t:%A, %d %B %Y %H:%M:%S}",
    "american": lambda t: f"{t.month}/{t.day}/{t.year} {_clock(t)}",
    "british": lambda t: f"{t:%d/%m/%Y %H:%M:%S}",
    "american, two digits": lambda t: f"{t:%m/%d/%y %H:%M:%S}",
}
OFFSETS: Mapping[str, Callable[[datetime], str]] = {
    "offset": lambda t: f"{t:%z}",
    "offset with a colon": lambda t: _colon(f"{t:%z}"),
    "offset behind GMT": lambda t: f" GMT{t:%z}",
    "zone's name": lambda t: f" {t.tzinfo}",
    "offset and zone": lambda t: f"{_colon(f'{t:%z}')}[{t.tzinfo}]",
}


def _colon(offset: str) -> str:
    return f"{offset[:3]}:{offset[3:]}"


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


@st.composite
def minutes(draw: st.DrawFn, *, first: int = 1971, last: int = 2068) -> list[datetime]:
    """Whole seconds of one year and around it, naive; one day is after the 12th."""
    start = draw(st.datetimes(datetime(first, 1, 1), datetime(last, 11, 1)))  # noqa: DTZ001 - naive by intent
    gaps = draw(st.lists(st.integers(0, 40 * 86400), max_size=6))
    days = [start.replace(microsecond=0), start.replace(day=13 + start.day % 16, microsecond=0)]
    return [*days, *(start.replace(microsecond=0) + timedelta(seconds=gap) for gap in gaps)]


@pytest.mark.parametrize("layout", NAIVE)
@given(moments=minutes(), zone=st.sampled_from(ZONES), cut=st.integers(1, 3), seconds=st.booleans())
@settings(max_examples=6, deadline=None)
def test_a_local_time_in_any_layout_is_the_instant_that_the_zone_database_says(
    layout, moments, zone, cut, seconds
):
    texts = [NAIVE[layout](moment) for moment in moments]
    try:
        found = read(texts, interval=SECOND if seconds else MINUTE, zone=zone, cut=cut)
    except UnclearFileError:
        assert layout in ("american", "british", "american, two digits")
        return
    for moment, time in zip(moments, found, strict=True):
        first, second = (_seconds(moment.replace(tzinfo=ZoneInfo(zone), fold=fold)) for fold in (0, 1))
        assert time == first if first == second else isinstance(time, str), moment


@pytest.mark.parametrize("offset", OFFSETS)
@given(
    moments=minutes(),
    layout=st.sampled_from([name for name in NAIVE if "digits" not in name and "behind" not in name]),
    zones=st.lists(st.sampled_from(ZONES), min_size=8, max_size=8),
)
@settings(max_examples=10, deadline=None)
def test_an_offset_or_zone_behind_a_time_decides_row_by_row(offset, moments, layout, zones):
    local = [
        moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
        for moment, zone in zip(moments, zones, strict=False)
    ]
    texts = [NAIVE[layout](moment.replace(tzinfo=None)) + OFFSETS[offset](moment) for moment in local]
    try:
        found = read(texts, zone="Asia/Tokyo")
    except UnclearFileError:
        assert layout in ("american", "british")
        return
    for moment, text, time in zip(local, texts, found, strict=True):
        twice = moment.replace(fold=0).utcoffset() != moment.replace(fold=1).utcoffset()
        if twice and "zone's" in offset:
            assert isinstance(time, str)
        elif layout.startswith("iso ") and isinstance(time, str):
            assert layout in ("iso weeks", "iso days of the year"), text  # with words, these are refused
        else:
            assert time == _seconds(moment), text


# The order of dates, clocks, zones


@pytest.mark.parametrize(
    "texts",
    [
        ["03/04/2024 09:31", "03/05/2024 09:31"],
        ["3-4-24", "3-5-24"],
        ["03/04/2024 9:31 AM"],
        ["13/10/07 09:31", "13/11/07 09:31"],
    ],
)
def test_an_order_that_no_row_decides_is_asked_with_each_way(texts):
    with pytest.raises(UnclearFileError, match="name the order") as asked:
        read(texts, zone="UTC")
    assert len(asked.value.ways) > 1
    for way in asked.value.ways:
        assert len(read(texts, zone="UTC", time_format=way["--time-format"])) == len(texts)


def test_each_way_of_an_asked_order_means_what_it_says():
    texts = ["03/04/2024 09:31", "03/05/2024 09:31"]
    american, british = (
        [_seconds(datetime(2024, month, day, 9, 31, tzinfo=UTC)) for month, day in dates]
        for dates in ([(3, 4), (3, 5)], [(4, 3), (5, 3)])
    )
    assert read(texts, zone="UTC", time_format="mdy") == american
    assert read(texts, zone="UTC", time_format="dmy") == british
    assert read([*texts, "03/13/2024 09:31"], zone="UTC", cut=2)[:2] == american
    assert read([*texts, "13/03/2024 09:31"], zone="UTC", cut=2)[:2] == british
    assert read(["10/10/2024 09:31"], zone="UTC") == [_seconds(datetime(2024, 10, 10, 9, 31, tzinfo=UTC))]


@pytest.mark.parametrize(
    "texts",
    [
        ["10/13/2013 09:30", "13/10/2013 09:30"],
        ["2013-10-07 09:30", "10/13/2013 09:30"],
        ["10/13/2013 09:30", "2013-10-07 09:30"],
        ["13.10.2013 09:30", "10/13/2013 09:30"],
    ],
)
@pytest.mark.parametrize("cut", [None, 1])
def test_dates_of_two_formats_are_refused_with_a_row_of_each(texts, cut):
    with pytest.raises(UnclearFileError, match="two formats of dates") as refused:
        read(texts, zone="UTC", cut=cut)
    assert any(repr(text) in refused.value.reason for text in texts)


@pytest.mark.parametrize(
    ("clocks", "expected"),
    [
        (["930", "1000", "0"], ["09:30:00", "10:00:00", "00:00:00"]),
        (["0930", "1000"], ["09:30:00", "10:00:00"]),
        (["93000", "100000", "0", "500"], ["09:30:00", "10:00:00", "00:00:00", "00:05:00"]),
        (["093000", "100000"], ["09:30:00", "10:00:00"]),
        (["9:30", "10:00:00"], ["09:30:00", "10:00:00"]),
        (["09:30:00.000", "10:00:00.000"], ["09:30:00", "10:00:00"]),
        (["9:30 AM", "12:30 PM", "12:30 AM"], ["09:30:00", "12:30:00", "00:30:00"]),
        (["10", "11"], ["00:10:00", "00:11:00"]),
    ],
)
@pytest.mark.parametrize("day", ["20131007", "2013-10-07", "2013.10.07", "10/17/2013", "2013-10-07 00:00:00"])
def test_a_clock_of_its_own_is_read_without_leading_zeros(clocks, expected, day):
    found = read([f"{day} {clock}" for clock in clocks], names={"date": "date", "time": "time"}, zone="UTC")
    whole = "2013-10-17" if "/" in day else "2013-10-07"
    assert found == [_seconds(datetime.fromisoformat(f"{whole}T{clock}+00:00")) for clock in expected]


@pytest.mark.parametrize("clocks", [["0", "100", "200"], ["0", "1", "2"]])
def test_clocks_that_can_be_hours_or_minutes_are_refused(clocks):
    interval = SECOND if "1" in clocks else MINUTE
    with pytest.raises(UnclearFileError, match="write them with leading zeros"):
        read(
            [f"20131007 {clock}" for clock in clocks],
            names={"date": "date", "time": "time"},
            zone="UTC",
            interval=interval,
        )


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("2013-10-07 13:30:00 UTC", {}),
        ("2013-10-07 13:30:00 GMT", {}),
        ("2013-10-07 09:30:00 EDT", {}),
        ("2013-10-07 08:30:00 EST", {}),
        ("2013-10-07 08:30:00 CDT", {}),
        ("2013-10-07 06:30:00 PDT", {}),
        ("2013-10-07 09:30 ET", {}),
        ("20131007 09:30:00 US/Eastern", {}),
        ("20131007  09:30:00 america/new_york", {"zone": "UTC"}),
        ("2013-10-07 22:30:00 JST", {}),
        ("2013-10-07 19:00:00 IST", {"zone": "Asia/Kolkata"}),
        ("2013-10-07 14:30:00 IST", {"zone": "Europe/Dublin"}),
        ("2013-10-07 21:30:00 CST", {"zone": "Asia/Shanghai"}),
        ("2013-10-07 07:30:00 CST", {"zone": "America/Chicago"}),
        ("Mon Oct 07 2013 09:30:00 GMT-0400 (Eastern Daylight Time)", {}),
        ("Mon, 07 Oct 2013 13:30:00 GMT", {}),
        ("Mon Oct  7 13:30:00 UTC 2013", {}),
        ("07/Oct/2013:13:30:00 +0000", {}),
        ("07.10.2013 15:30:00.000 GMT+0200", {}),
        ("10/7/2013, 9:30:00 AM EDT", {"time_format": "mdy"}),
        ("2013-10-07 13:30:00 UTC", {"time_format": "%Y-%m-%d %H:%M:%S %Z"}),
        ("2013-10-07 09:30:00 EDT", {"time_format": "%Y-%m-%d %H:%M:%S %Z"}),
        ("20131007 09:30 America/New_York", {"time_format": "%Y%m%d %H:%M %Z"}),
        ("Mon Oct 07 13:30:00 UTC 2013", {"time_format": "%a %b %d %H:%M:%S %Z %Y"}),
        ("07.10.2013 15:30 +0200", {"time_format": "%d.%m.%Y %H:%M %z"}),
    ],
)
def test_a_zone_behind_the_time_is_known_by_its_name(text, options):
    assert read([text], **options) == [OPEN]


@pytest.mark.parametrize(
    ("texts", "ways"),
    [
        (["2013-12-09 09:30 CST"], ["America/Chicago", "Asia/Shanghai"]),
        (["2013-12-09 09:30 IST"], ["Asia/Kolkata", "Asia/Jerusalem", "Europe/Dublin"]),
    ],
)
def test_an_abbreviation_with_several_meanings_is_asked_about(texts, ways):
    for options in ({}, {"time_format": "%Y-%m-%d %H:%M %Z"}, {"zone": "America/New_York"}):
        with pytest.raises(UnclearFileError, match="several meanings") as asked:
            read(texts, **options)
        assert [way["--zone"] for way in asked.value.ways] == ways


def test_daylight_time_in_the_file_tells_the_standard_time():
    found = read(["2013-10-07 08:30 CDT", "2013-12-09 08:30 CST"])
    assert found == [OPEN, _seconds(datetime(2013, 12, 9, 14, 30, tzinfo=UTC))]


def test_a_word_that_is_no_zone_is_a_fault_of_its_row():
    found = read(["2013-10-07 09:30 XYZ", "2013-10-07 13:30 UTC"])
    assert found == ["unknown time zone 'XYZ' in '2013-10-07 09:30 XYZ'", OPEN]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Gmt time", "07.10.2013 13:30:00.000"),
        ("Time (UTC)", "2013.10.07 13:30:00"),
        ("timestamp_utc", "2013-10-07 13:30:00"),
        ("TimeUTC", "2013-10-07 13:30:00"),
        ("UTCTime", "20131007 133000"),
        ("Date (America/New_York)", "2013-10-07 09:30"),
        ("Time (ET)", "2013-10-07 09:30"),
        ("Time (UTC+2)", "2013-10-07 15:30"),
        ("Time GMT-05:00", "2013-10-07 08:30"),
    ],
)
def test_the_name_of_the_column_tells_the_zone(name, text):
    assert read([text], names={"time": name}) == [OPEN]
    assert read(["2013-10-07 15:30"], names={"time": name}, zone="Europe/Berlin") == [OPEN]


@pytest.mark.parametrize("name", ["Local time", "time", "Date/Time", "getTime", "Estimate", "LATEST_TIME"])
def test_other_names_tell_no_zone(name):
    with pytest.raises(UnclearFileError, match="has no UTC offset") as asked:
        read(["2013-10-07 09:30"], names={"time": name})
    assert asked.value.ways == ({"--zone": "America/New_York"}, {"--zone": "UTC"})


def test_a_name_with_an_abbreviation_is_asked_about():
    with pytest.raises(UnclearFileError, match="several meanings") as asked:
        read(["2013-10-07 09:30"], names={"time": "Time (EST)"})
    assert [way["--zone"] for way in asked.value.ways] == ["America/New_York", "EST"]


@pytest.mark.parametrize("zone", ["EST", "MST", "HST"])
def test_a_zone_without_daylight_saving_is_told(zone):
    form = make_format(MINUTE, zone=zone)
    survey = ValueSurvey(FILE, form, {"time": "time"})
    survey.add(pa.array(["2013-10-07 09:30"]), {"open": pa.array([1.0])})
    [note] = survey.formats().notes
    assert note.startswith(f"zone {zone} has no daylight saving")


@pytest.mark.parametrize("first", [[], [""], ["", " "], ["n/a"]])
@pytest.mark.parametrize(
    "text", ["07.10.2013 13:30", "2013-10-07 13:30", "201310071330", "1381152600", "Oct 7, 2013 13:30"]
)
def test_the_first_rows_with_a_time_decide_whatever_stands_before(first, text):
    found = read(pa.array([*first, text], pa.string()), cut=len(first), zone="UTC")
    assert found[-1] == OPEN
    assert all(isinstance(time, str) for time in found[:-1])


def test_a_date_is_no_instant_in_a_daily_file_whatever_the_column_is_called():
    midnight = _seconds(datetime(2013, 10, 7, tzinfo=UTC))
    for name in ("Gmt time", "Date (America/New_York)"):
        for text in ("07.10.2013 00:00:00.000", "2013-10-07", "20131007"):
            assert read([text], names={"time": name}, interval=DAY) == [midnight]


@pytest.mark.parametrize(
    "text",
    [
        "2013-13-07",
        "2013-02-29",
        "31.04.2013",
        "2013-10-07 25:00",
        "2013-10-07 09:60",
        "13:30 PM",
        "7-Okt-13",
    ],
)
def test_a_date_or_clock_that_does_not_exist_is_a_fault_of_its_row(text):
    found = read([text, "2013-10-17T13:30:00Z" if text[:2] != "31" else "17.10.2013 13:30Z"])
    assert isinstance(found[0], str)
    assert found[1] == _seconds(datetime(2013, 10, 17, 13, 30, tzinfo=UTC))
