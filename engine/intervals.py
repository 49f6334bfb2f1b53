"""Bar intervals: a whole number and a unit; base and derived intervals."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, total_ordering
from typing import Final

_UNIT_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_PATTERN: Final = re.compile(r"([1-9][0-9]{0,4})([smhdw])")


@cache
def _spelled(seconds: int) -> str:
    for unit in ("w", "d", "h", "m"):
        if seconds % _UNIT_SECONDS[unit] == 0:
            return f"{seconds // _UNIT_SECONDS[unit]}{unit}"
    return f"{seconds}s"


@total_ordering
@dataclass(frozen=True, slots=True)
class Interval:
    """Length of a bar in seconds; `1d` is a trading day and `1w` a calendar week, whatever their hours.

    Spellings of the same length are equal (`60m` is `1h`); the text form is the shortest.
    """

    seconds: int

    @classmethod
    def parse(cls, text: str) -> Interval:
        """Return the interval written as `text`, for example `5m`; ValueError lists the allowed forms."""
        match = _PATTERN.fullmatch(text.strip())
        if match is None:
            raise ValueError(
                f"invalid interval {text!r}: use a whole number and s, m, h, d or w, such as 1m, 15m, 1h, 1d"
            )
        count, unit = int(match[1]), match[2]
        seconds = count * _UNIT_SECONDS[unit]
        if unit in "dw" and count != 1:
            raise ValueError(f"invalid interval {text!r}: days and weeks must be single, 1d or 1w")
        if unit in "smh" and seconds >= _UNIT_SECONDS["d"]:
            raise ValueError(f"invalid interval {text!r}: a day or longer must be 1d or 1w")
        return cls(seconds)

    @property
    def is_base(self) -> bool:
        """Whether bars of this interval are stored and streamed, rather than derived."""
        return self in BASE_INTERVALS

    @property
    def is_intraday(self) -> bool:
        """Whether several bars of this interval fit into one session."""
        return self.seconds < _UNIT_SECONDS["d"]

    def can_be_made_from(self, finer: Interval) -> bool:
        """Whether bars of this interval can be made exactly from bars of a `finer` (or equal) one."""
        if finer.is_intraday:
            return self.seconds % finer.seconds == 0
        return self.seconds >= finer.seconds

    def __str__(self) -> str:
        return _spelled(self.seconds)

    def __repr__(self) -> str:
        return f"Interval({str(self)!r})"

    def __lt__(self, other: Interval) -> bool:
        return self.seconds < other.seconds


SECOND: Final = Interval(1)
MINUTE: Final = Interval(60)
DAY: Final = Interval(86400)
WEEK: Final = Interval(604800)
BASE_INTERVALS: Final = (SECOND, MINUTE, DAY)
COMMON_SPELLINGS: Final = (
    "1s",
    "5s",
    "10s",
    "15s",
    "30s",
    "1m",
    "2m",
    "3m",
    "5m",
    "10m",
    "15m",
    "30m",
    "1h",
    "2h",
    "4h",
    "1d",
    "1w",
)
