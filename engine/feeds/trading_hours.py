"""Trading hours of the sessions that are recorded, as the calendar gives them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from tapedeck.engine.clock.trading_session import TradingSession


class TradingHours:
    """Spans of trading hours, seconds UTC, in order; a break lies between two spans."""

    def __init__(self, sessions: Iterable[TradingSession]) -> None:
        spans = sorted(
            (start.timestamp(), stop.timestamp()) for session in sessions for start, stop in session.segments
        )
        self._starts = [start for start, _ in spans]
        self._stops = [stop for _, stop in spans]

    def open_since(self, seconds: float) -> float | None:
        """Return the start of the span that holds at an instant, or None while the market is closed."""
        i = bisect_right(self._starts, seconds) - 1
        return self._starts[i] if i >= 0 and seconds < self._stops[i] else None

    def open_seconds(self, start: float, stop: float) -> float:
        """Return how long the market is open between two instants, in seconds."""
        spans = zip(self._starts, self._stops, strict=True)
        return sum(max(0.0, min(stop, b) - max(start, a)) for a, b in spans)
