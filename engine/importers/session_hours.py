"""Sessions of an exchange around given times: opens and closes as arrays, and bars outside all sessions."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from tapedeck.engine.clock.calendars import exchange_bounds
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.clock.unplayed_bars import CalendarSpans, PlaceTally, calendar_spans
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_store import Ints

# A session's hours are within a day and a half of its date, in any zone.
_MARGIN: Final = timedelta(days=2)
_HOUR: Final = 3600


@lru_cache(maxsize=8)
def hours_of(exchange: str) -> SessionHours:
    """Return the regular hours of an exchange, a code or a group; CalendarError for an unknown one."""
    return SessionHours(exchange)


class SessionHours:
    """Regular hours of an exchange; its calendar is loaded by the first query, and kept."""

    def __init__(self, exchange: str) -> None:
        self._time = TimeManager(exchange)
        self._bounds = exchange_bounds(self._time.exchange)
        self._span: tuple[date, date] | None = None
        self._opens: Ints = np.zeros(0, np.int64)
        self._closes: Ints = np.zeros(0, np.int64)
        self._spans: dict[Interval, CalendarSpans] = {}

    @property
    def zone(self) -> ZoneInfo:
        """The exchange's time zone."""
        return self._time.zone

    def around(self, first: int, last: int) -> tuple[Ints, Ints]:
        """Return opens and closes, in seconds UTC, of at least the sessions that `first` to `last` touch.

        Times outside the calendar have no session.
        """
        self._cover(first, last)
        return self._opens, self._closes

    def edge_bars(self, times: Ints) -> Ints:
        """Return the bars in the first and in the last hour of sessions, int64, shape (2,).

        `times`: at least one, oldest first.
        """
        opens, closes = self.around(int(times[0]), int(times[-1]))
        starts, ends = np.stack([opens, closes - _HOUR]), np.stack([opens + _HOUR, closes])
        counts: Ints = (np.searchsorted(times, ends) - np.searchsorted(times, starts)).sum(axis=1)
        return counts

    def tally(self, times: Ints, interval: Interval) -> PlaceTally | None:
        """Return the bars of one series by place in the calendar; `times`: at least one, oldest first.

        None where the calendar has none of their dates.
        """
        first, last = int(times[0]), int(times[-1])
        start, end = self._cover(first, last)
        if end <= start:
            return None
        spans = self._spans.get(interval)
        if spans is None:
            spans = self._spans[interval] = calendar_spans(self._time, interval, start, end)
        own = spans.part(max(0, spans.position(first + 1) - 1), spans.position(last + 1))
        return own.tally(own.count(times)[None, :]) if len(own) else None

    def _cover(self, first: int, last: int) -> tuple[date, date]:
        # Loads more of the calendar where needed, twice as much each time, and returns its bounds.
        low, high = self._bounds
        start, end = (datetime.fromtimestamp(moment, UTC).date() for moment in (first, last))
        start, end = max(low, min(start - _MARGIN, high)), min(high, max(end + _MARGIN, low))
        if self._span is not None and self._span[0] <= start and end <= self._span[1]:
            return self._span
        if self._span is not None:
            length = self._span[1] - self._span[0]
            start = self._span[0] if start >= self._span[0] else max(low, min(start, self._span[0] - length))
            end = self._span[1] if end <= self._span[1] else min(high, max(end, self._span[1] + length))
        self._span = start, end
        sessions = self._time.trading_sessions(start, end)
        self._opens = np.array([int(each.regular_open.timestamp()) for each in sessions], np.int64)
        self._closes = np.array([int(each.regular_close.timestamp()) for each in sessions], np.int64)
        self._spans = {}
        return self._span
