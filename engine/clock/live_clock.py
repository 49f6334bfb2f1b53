"""Live clock: the market's time from an anchor and the machine's monotonic time, checked against its wall clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final

from tapedeck.engine.errors import ClockError

STEP_S: Final = 2.0
"""Difference between wall clock and monotonic time, in seconds, from which the wall clock was set."""


@dataclass(frozen=True, slots=True)
class ClockStep:
    """A step of the wall clock, seconds: positive if it jumped ahead or the machine slept, else set back."""

    seconds: float

    @property
    def is_ahead(self) -> bool:
        """Whether time was lost: bars may have been missed."""
        return self.seconds > 0


class LiveClock:
    """The market's time, seconds since 1970 UTC, which never runs back. Any thread may read it.

    `speed`: market seconds per second; 1 for the present, more for a replay. `start`: the market's time at
    wall time `anchor`, for a replay; by default the wall clock itself. Real time passes by the monotonic
    clock, so that a wall clock that is set is noticed: `check` reports and follows the step.
    """

    def __init__(
        self,
        *,
        speed: float = 1.0,
        start: float | None = None,
        anchor: float | None = None,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if not 0 < speed < float("inf"):
            raise ClockError(f"invalid speed {speed:g} of a live clock: it must be above 0")
        self.speed = speed
        self._wall, self._monotonic = wall, monotonic
        self._lock = Lock()  # guards the next three
        self._wall_at, self._monotonic_at = wall(), monotonic()
        self._latest = float("-inf")
        self.anchor = self._wall_at if anchor is None else anchor
        """Wall time at which the market's time was `start`."""
        self.start = self.anchor if start is None else start
        """The market's time at `anchor`."""

    def now(self) -> float:
        """Return the market's time."""
        with self._lock:
            wall = self._wall_at + self._monotonic() - self._monotonic_at
            self._latest = max(self._latest, self.start + (wall - self.anchor) * self.speed)
            return self._latest

    def check(self) -> ClockStep | None:
        """Compare with the wall clock; on a step of `STEP_S` or more follow it, and return it.

        After a step back `now` stands still until the wall clock has caught up.
        """
        with self._lock:
            wall, monotonic = self._wall(), self._monotonic()
            step = wall - (self._wall_at + monotonic - self._monotonic_at)
            self._wall_at, self._monotonic_at = wall, monotonic  # small differences are followed, too
            return ClockStep(step) if abs(step) >= STEP_S else None

    def real_seconds(self, market_seconds: float) -> float:
        """Return how long a wait of the market takes in seconds of the machine."""
        return market_seconds / self.speed
