"""Times in the layouts that files have: any instant, in any layout, zone and unit, is read exactly or refused."""

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
    "offset with a colon": lambda t: f"{t:%:z}" if False else _colon(f"{t:%z}"),
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
@settings(max_examples=12, deadline=None)
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
@settings(max_examples=25, deadline=None)
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
