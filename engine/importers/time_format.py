"""Format of the times of a table, as the user describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal
from zoneinfo import ZoneInfo

from tapedeck.engine.intervals import MINUTE, Interval

Label = Literal["open", "close"]
Order = Literal["ymd", "dmy", "mdy"]
EPOCH_UNITS: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
DATE_ORDERS: Final[Mapping[Order, str]] = {
    "ymd": "year, month, day",
    "dmy": "day, month, year",
    "mdy": "month, day, year",
}


@dataclass(frozen=True, slots=True)
class TimeFormat:
    """Format of the times of a table.

    `pattern` is an epoch unit (s, ms, us, ns), an order of numeric dates (ymd, dmy, mdy) or a strptime
    pattern; None recognises them. `zone` is the time zone of times without an offset, and that in which the
    date of daily bars is looked up. `label` is the end of the bar that its time names, `exchange` the one
    whose sessions hold daily bars; None: not given (open, and DEFAULT_EXCHANGE).
    """

    pattern: str | None = None
    zone: ZoneInfo | None = None
    label: Label | None = None
    exchange: str | None = None
    interval: Interval = MINUTE

    @property
    def unit(self) -> str | None:
        """The epoch unit given, or None."""
        return self.pattern if self.pattern in EPOCH_UNITS else None

    @property
    def orders(self) -> frozenset[Order]:
        """The orders that numeric dates may have: the one given, else all."""
        return frozenset(order for order in DATE_ORDERS if self.pattern in (None, order))

    @property
    def strptime_pattern(self) -> str | None:
        """The strptime pattern given, or None."""
        is_word = self.pattern in EPOCH_UNITS or self.pattern in DATE_ORDERS
        return None if is_word else self.pattern
