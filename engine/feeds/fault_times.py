"""Times of fault scripts: moments by the exchange's clock, lengths in seconds, and lists of symbols."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, Literal

from tapedeck.engine.config.faults import fault, shown
from tapedeck.engine.config.readers import read_symbol
from tapedeck.engine.errors import nearest

_MOMENT: Final = re.compile(r"(?:(\d{4}-\d\d-\d\d)[ T])?(\d\d:\d\d(?::\d\d)?)")
_LENGTH: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([smh]?)")
_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, slots=True)
class Moment:
    """A time of day by the exchange's clock, on one date, or on each if `day` is None."""

    time: time
    day: date | None = None

    def between(self, first: float, last: float, zone: tzinfo) -> list[float]:
        """Return the instants of the moment with `first <= instant <= last`, seconds UTC, in order."""
        days = [self.day] if self.day is not None else _dates(first, last, zone)
        instants = (datetime.combine(day, self.time, zone).timestamp() for day in days)
        return [instant for instant in instants if first <= instant <= last]


def _dates(first: float, last: float, zone: tzinfo) -> list[date]:
    start = datetime.fromtimestamp(first, UTC).astimezone(zone).date()
    end = datetime.fromtimestamp(last, UTC).astimezone(zone).date()
    return [start + timedelta(days=n) for n in range((end - start).days + 1)]


def read_moment(value: object) -> Moment:
    """Return the moment in a field, such as `10:31`, or `2013-10-07 10:31:20`."""
    if isinstance(value, Moment):
        return value
    match = _MOMENT.fullmatch(value.strip()) if isinstance(value, str) else None
    try:
        if match is not None:
            day = date.fromisoformat(match[1]) if match[1] else None
            return Moment(time.fromisoformat(match[2]), day)
    except ValueError:
        pass  # no such date or time of day: the same remedy
    raise fault(f"must be a time, such as 10:31 or 2013-10-07 10:31, not {shown(value)}")


def read_seconds(value: object) -> float:
    """Return a length of time in seconds: a number, or text such as `90s`, `5m`, `1h`."""
    match = _LENGTH.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is not None:
        return float(match[1]) * _UNITS[match[2]]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise fault(f"must be a length of time, such as 90, 90s, 5m or 1h, not {shown(value)}")
    return float(value)


def read_seconds_or_never(value: object) -> float | Literal["never"]:
    """Return a length of time that is not negative, in seconds, or the word `never`."""
    if value == "never":
        return "never"
    if isinstance(value, str) and nearest(value, ["never"]):
        raise fault(f"must be a length of time, such as 90, 90s, 5m or 1h, or never, not {value!r}", "never")
    seconds = read_seconds(value)
    if not 0 <= seconds < float("inf"):
        raise fault(f"must be at least 0, not {shown(value)}")
    return seconds


def read_symbol_list(value: object) -> tuple[str, ...]:
    """Return the symbols in a field: one, or a list of them."""
    values = value if isinstance(value, list | tuple) else [value]
    return tuple(read_symbol(one) for one in values)
