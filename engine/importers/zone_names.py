"""Time zones by the words of files: `UTC`, `EDT`, `US/Eastern`, `+02:00`, and in names of columns."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from tapedeck.engine.errors import BarImportError

_OFFSET: Final = re.compile(r"(?:UTC|GMT|Z)?\s?([+-])(\d{1,2})(?::?(\d{2}))?", re.ASCII)
_IANA: Final = re.compile(r"[A-Za-z]+(?:/[A-Za-z0-9_+-]+)+")
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_ZERO: Final = frozenset({"Z", "UTC", "GMT", "UT", "ZULU"})
# Abbreviations with one meaning among markets, as hours from UTC.
_HOURS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "EST": -5, "EDT": -4, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
        "AKST": -9, "AKDT": -8, "HST": -10, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3,
        "MSK": 3, "JST": 9, "KST": 9, "HKT": 8, "SGT": 8, "AWST": 8, "ACST": 9.5, "ACDT": 10.5,
        "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13, "SAST": 2, "BRT": -3,
    }
)  # fmt: skip
_REGIONS: Final[Mapping[str, str]] = MappingProxyType(
    {"ET": "America/New_York", "CT": "America/Chicago", "MT": "America/Denver", "PT": "America/Los_Angeles"}
)
_SEVERAL: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "CST": ("America/Chicago", "Asia/Shanghai"),
        "IST": ("Asia/Kolkata", "Asia/Jerusalem", "Europe/Dublin"),
        "BST": ("Europe/London", "Asia/Dhaka"),
        "AST": ("America/Halifax", "Asia/Riyadh"),
        "GST": ("Asia/Dubai", "Atlantic/South_Georgia"),
    }
)
# In a column's name these may mean local time with daylight saving, or an offset that holds all year.
_SEASONAL: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "EST": ("America/New_York", "EST"), "EDT": ("America/New_York", "Etc/GMT+4"),
        "CDT": ("America/Chicago", "Etc/GMT+5"), "MST": ("America/Denver", "MST"),
        "MDT": ("America/Denver", "Etc/GMT+6"), "PST": ("America/Los_Angeles", "Etc/GMT+8"),
        "PDT": ("America/Los_Angeles", "Etc/GMT+7"), "AKST": ("America/Anchorage", "Etc/GMT+9"),
        "AKDT": ("America/Anchorage", "Etc/GMT+8"), "WET": ("Europe/Lisbon", "UTC"),
        "WEST": ("Europe/Lisbon", "Etc/GMT-1"), "CET": ("Europe/Berlin", "Etc/GMT-1"),
        "CEST": ("Europe/Berlin", "Etc/GMT-2"), "EET": ("Europe/Helsinki", "Etc/GMT-2"),
        "EEST": ("Europe/Helsinki", "Etc/GMT-3"), "AEST": ("Australia/Sydney", "Australia/Brisbane"),
        "AEDT": ("Australia/Sydney", "Etc/GMT-11"), "ACST": ("Australia/Adelaide", "Australia/Darwin"),
        "ACDT": ("Australia/Adelaide",), "NZST": ("Pacific/Auckland", "Etc/GMT-12"),
        "NZDT": ("Pacific/Auckland", "Etc/GMT-13"),
    }
)  # fmt: skip
WITHOUT_SUMMER_TIME: Final[Mapping[str, str]] = MappingProxyType(
    {"EST": "America/New_York", "MST": "America/Denver", "HST": "Pacific/Honolulu"}
)
"""IANA zones without daylight saving whose names suggest otherwise, and the zone often meant."""


class AmbiguousZoneError(BarImportError):
    """A zone's name with several meanings; `zones`: the IANA names to choose from."""

    def __init__(self, word: str, zones: Sequence[str]) -> None:
        self.zones = tuple(zones)
        super().__init__(f"time zone {word!r} has several meanings ({', '.join(zones)})")


def zone_of_word(word: str, *, default: tzinfo | None, others: Collection[str]) -> tzinfo | None:
    """Return the zone of a word behind a time, or None for an unknown one.

    `others` are all such words of the file, of which CDT tells what CST is; so does `default`, the zone that
    the user gives. Raises AmbiguousZoneError.
    """
    key = word.upper()
    if key in _ZERO:
        return UTC
    if match := _OFFSET.fullmatch(key):
        return _fixed(match)
    if key in _HOURS:
        return timezone(timedelta(hours=_HOURS[key]))
    if key in _REGIONS:
        return ZoneInfo(_REGIONS[key])
    if key in _SEVERAL:
        return _one_of_several(key, default, others)
    return _iana(word)


def zone_of_name(name: str) -> tzinfo | None:
    """Return the zone that a column's name tells (`Gmt time`, `Date (America/New_York)`), or None.

    Raises AmbiguousZoneError where it has several meanings.
    """
    if (match := _IANA.search(name)) and (zone := _iana(match[0])):
        return zone
    if match := re.search(r"(?:UTC|GMT)\s?([+-])(\d{1,2})(?::?(\d{2}))?", name, re.IGNORECASE):
        return _fixed(match)
    words = _WORDS.findall(name)
    if any(word.upper() in ("UTC", "GMT", "ZULU") for word in words):
        return UTC
    for word in words:
        if word in _SEASONAL or word in _SEVERAL:
            raise AmbiguousZoneError(word, _SEASONAL.get(word) or _SEVERAL[word])
        if word in _REGIONS and f"({word})" in name:
            return ZoneInfo(_REGIONS[word])
        if word in _HOURS:
            return timezone(timedelta(hours=_HOURS[word]))
    return None


def _fixed(match: re.Match[str]) -> tzinfo | None:
    sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
    if offset > timedelta(hours=15) or int(minutes or 0) > 59:
        return None
    return timezone(-offset if sign == "-" else offset)


def _one_of_several(key: str, default: tzinfo | None, others: Collection[str]) -> tzinfo:
    if key == "CST" and "CDT" in others:
        return timezone(timedelta(hours=-6))
    if default is not None:
        for month in (1, 7):
            moment = datetime(2020, month, 15, tzinfo=default)
            offset = moment.utcoffset()
            if moment.tzname() == key and offset is not None:
                return timezone(offset)
    raise AmbiguousZoneError(key, _SEVERAL[key])


@lru_cache(1)
def _zone_keys() -> Mapping[str, str]:
    return {key.casefold(): key for key in available_timezones()}


def _iana(word: str) -> ZoneInfo | None:
    key = _zone_keys().get(word.casefold())
    return None if key is None else ZoneInfo(key)
