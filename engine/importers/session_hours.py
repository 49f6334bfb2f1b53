"""Opens and closes of an exchange's sessions around given times, as arrays."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from tapedeck.engine.clock.calendars import exchange_bounds
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.store.bar_store import Ints

# A session's hours are within a day and a half of its date, in any zone.
_MARGIN: Final = timedelta(days=2)


@lru_cache(maxsize=8)
def hours_of(exchange: str) -> SessionHours:
    """Return the regular hours of an exchange, a code or a group; CalendarError for an unknown one."""
    return SessionHours(exchange)


class SessionHours:
    """Regular hours of an exchange; the calendar is loaded by the first query, and kept."""

    def __init__(self, exchange: str) -> None:
        self._time = TimeManager(exchange)
        self._bounds = exchange_bounds(self._time.exchange)
        self._span: tuple[date, date] | None = None
        self._opens: Ints = np.zeros(0, np.int64)
        self._closes: Ints = np.zeros(0, np.int64)

    @property
    def zone(self) -> ZoneInfo:
        """The exchange's time zone."""
        return self._time.zone

    def around(self, first: int, last: int) -> tuple[Ints, Ints]:
        """Return opens and closes, in seconds UTC, of at least the sessions that `first` to `last` touch.

        Times outside the calendar have no session.
        """
        start, end = (datetime.fromtimestamp(moment, UTC).date() for moment in (first, last))
        low, high = self._bounds
        wanted = (max(low, min(start - _MARGIN, high)), min(high, max(end + _MARGIN, low)))
        if self._span is None or wanted[0] < self._span[0] or wanted[1] > self._span[1]:
            known = self._span or wanted
            self._span = min(known[0], wanted[0]), max(known[1], wanted[1])
            sessions = self._time.trading_sessions(*self._span)
            self._opens = np.array([int(each.regular_open.timestamp()) for each in sessions], np.int64)
            self._closes = np.array([int(each.regular_close.timestamp()) for each in sessions], np.int64)
        return self._opens, self._closes
