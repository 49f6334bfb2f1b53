"""Trading session: one trading day of one exchange."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class TradingSession:
    """Bounds of the regular hours of `trading_day`; instants are UTC and zone-aware.

    `break_start` and `break_end`: the lunch break, or None without one. `exchange`: the exchange_calendars
    code. `zone`: the exchange's time zone, for display and export.
    """

    exchange: str
    zone: ZoneInfo
    trading_day: date
    regular_open: datetime
    regular_close: datetime
    is_early_close: bool
    break_start: datetime | None = None
    break_end: datetime | None = None

    @property
    def segments(self) -> tuple[tuple[datetime, datetime], ...]:
        """The half-open spans of trading hours: one, or two around a break."""
        if self.break_start is None or self.break_end is None:
            return ((self.regular_open, self.regular_close),)
        return ((self.regular_open, self.break_start), (self.break_end, self.regular_close))
