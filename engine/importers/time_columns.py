"""Columns of the time of a bar: an instant, a date and time, or a date with a time of day beside it."""

from __future__ import annotations

from typing import Final

from tapedeck.engine.importers.column_names import USUAL, plain_name
from tapedeck.engine.importers.column_sample import ColumnSample

_NAMELESS: Final = ("", "unnamed0", "index", "indexlevel0", "rownames", "row", "level0")
_CLOCKS: Final = (
    "time",
    "t",
    "timeofday",
    "hhmm",
    "hhmmss",
    "hour",
    "minute",
    "clock",
    "timehhmmss",
    "bartime",
    "zeit",
    "uhrzeit",
)


def find_time_columns(sample: ColumnSample, *, daily: bool) -> dict[str, str]:
    """Return the columns of `time` and `date`, at least one of them, or none where no column is known.

    A column of instants comes first, then one of date and time, then a date beside a time of day. Of daily
    bars a date comes first where it tells the rows apart as well.
    """
    named = _named(sample, "time") + _named(sample, "date")
    nameless = [sample.by_plain[plain] for plain in _NAMELESS if plain in sample.by_plain]
    candidates = named + [name for name in nameless if sample.kind(name) in ("instant", "time", "day")]
    kinds = {name: sample.kind(name) for name in candidates}
    days = [name for name in candidates if kinds[name] == "day"]
    whole = [name for kind in ("instant", "time") for name in candidates if kinds[name] == kind]
    clock = next((name for name in _clocks(sample) if sample.kind(name) == "clock"), None)
    if daily and days:
        others = [name for name in (*whole, clock) if name is not None]
        if all(sample.distinct(other) <= sample.distinct(days[0]) for other in others):
            return {_role(days[0]): days[0]}
    if whole:
        return {_role(whole[0]): whole[0]}
    if days and clock is not None:
        return {"date": days[0], "time": clock}
    if days:
        return {_role(days[0]): days[0]}
    return _by_name(sample)


def _named(sample: ColumnSample, role: str) -> list[str]:
    return [sample.by_plain[plain] for plain in USUAL[role] if plain in sample.by_plain]


def _clocks(sample: ColumnSample) -> list[str]:
    return [sample.by_plain[plain] for plain in _CLOCKS if plain in sample.by_plain]


def _role(name: str) -> str:
    return "date" if plain_name(name) in USUAL["date"] else "time"


def _by_name(sample: ColumnSample) -> dict[str, str]:
    # Where the values have no form that is known here, as with a time format of the user's own.
    times, dates = (
        [name for name in _named(sample, role) if len(plain_name(name)) > 1] for role in ("time", "date")
    )
    found = {"time": times[0]} if times else {}
    # A column called `timestamp` has the date, too; one called `time` needs the column of dates.
    if dates and (not times or plain_name(times[0]) == "time"):
        found["date"] = dates[0]
    return found
