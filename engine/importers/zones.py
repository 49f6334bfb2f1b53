"""Conversion of local times to UTC, with the local times that a clock change skips or repeats."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import numpy as np

from tapedeck.engine.errors import BarImportError, nearest
from tapedeck.engine.store.bar_store import Ints

DAY_SECONDS = 86400
FIRST_YEAR, LAST_YEAR = 1900, 2199
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - local times have no zone here


def find_zone(name: str) -> ZoneInfo:
    """Return the zone of an IANA name; BarImportError suggests the nearest known name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        match = nearest(name, available_timezones())
        hint = (
            f"did you mean {match!r}?" if match else "use an IANA name, such as 'America/New_York' or 'UTC'"
        )
        raise BarImportError(f"unknown time zone {name!r}; {hint}") from error


def zone_of_column(name: str) -> tzinfo:
    """Return the zone of a column type: an IANA name, or an offset such as `-05:00`."""
    if name[:1] not in ("+", "-"):
        return find_zone(name)
    hours, _, minutes = name[1:].partition(":")
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
    return timezone(-offset if name[0] == "-" else offset)


def localise(wall: Ints, zone: tzinfo) -> tuple[Ints, dict[int, str]]:
    """Return local times (seconds since 1970 in local time) as UTC, and the faults.

    The dict maps the position of a local time that a clock change skipped or repeated to the reason; its
    entry in the array is invalid.
    """
    days, day_of = np.unique(wall // DAY_SECONDS, return_inverse=True)
    offsets = [_offset_of_day(int(day), zone) for day in days]
    if None not in offsets:
        return wall - np.array(offsets, dtype=np.int64)[day_of], {}
    steady = np.array([0 if offset is None else offset for offset in offsets], dtype=np.int64)
    instants = wall - steady[day_of]
    ambiguous = np.array([offset is None for offset in offsets])[day_of]
    faults: dict[int, str] = {}
    for i in np.flatnonzero(ambiguous):
        first, second = _offsets(_wall_clock(int(wall[i])), zone)
        instants[i] = wall[i] - first
        if first != second:
            faults[int(i)] = _ambiguity(_wall_clock(int(wall[i])), zone, is_repeated=first > second)
    return instants, faults


def wall_of(instants: Ints, zone: tzinfo) -> Ints:
    """Return the local times in `zone` at the instants, as seconds since 1970 in local time."""
    days, day_of = np.unique(instants // DAY_SECONDS, return_inverse=True)
    first = np.array([_offset_at(int(day) * DAY_SECONDS, zone) for day in days], np.int64)
    last = np.array([_offset_at(int(day + 1) * DAY_SECONDS - 1, zone) for day in days], np.int64)
    offsets = first[day_of]
    for i in np.flatnonzero((first != last)[day_of]):
        offsets[i] = _offset_at(int(instants[i]), zone)
    return instants + offsets


def _offset_at(instant: int, zone: tzinfo) -> int:
    return _seconds(datetime.fromtimestamp(instant, UTC).astimezone(zone).utcoffset())


@lru_cache(maxsize=65536)
def _offset_of_day(day: int, zone: tzinfo) -> int | None:
    # None on a day with a clock change.
    start = _wall_clock(day * DAY_SECONDS)
    offsets = {*_offsets(start, zone), *_offsets(start + timedelta(seconds=DAY_SECONDS - 1), zone)}
    return offsets.pop() if len(offsets) == 1 else None


def _offsets(wall: datetime, zone: tzinfo) -> tuple[int, int]:
    first, second = (_seconds(wall.replace(tzinfo=zone, fold=fold).utcoffset()) for fold in (0, 1))
    return first, second


def _wall_clock(seconds: int) -> datetime:
    return _EPOCH + timedelta(seconds=seconds)


def _seconds(offset: timedelta | None) -> int:
    return 0 if offset is None else int(offset.total_seconds())


def _ambiguity(wall: datetime, zone: tzinfo, *, is_repeated: bool) -> str:
    if is_repeated:
        return f"ambiguous local time {wall} in {zone}: the clock was set back; add the UTC offset"
    return f"nonexistent local time {wall} in {zone}: the clock was set forward"
