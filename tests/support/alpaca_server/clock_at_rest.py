"""A clock that stands still until it is set going: what a client takes to connect is no time."""

from __future__ import annotations

from tapedeck.engine.clock.live_clock import LiveClock


class ClockAtRest(LiveClock):
    """A market's clock at its start, until `go`."""

    is_going = False

    def go(self) -> None:
        """Set it going, once."""
        if not self.is_going:
            LiveClock.__init__(self, speed=self.speed, start=self.start)
            self.is_going = True

    def now(self) -> float:
        """Return the market's time."""
        return super().now() if self.is_going else self.start

    def wait_seconds(self, instant: float) -> float:
        """Return how long to wait for a time of the market; a short time while it stands still."""
        return super().wait_seconds(instant) if self.is_going else 0.001 * (instant > self.start)
