"""Live clock: the market's time by the machine's monotonic clock, compared with its wall clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final

from tapedeck.engine.errors import ClockError

STEP_S: Final = 2.0
"""Difference between wall clock and monotonic time, in seconds, from which the wall clock was set."""
LONGEST_WAIT_S: Final = 1.0
"""Most seconds that `wait_seconds` returns."""

# Seconds between the readings of two clocks, up to which they are of the same moment, and tries to get there.
_SAME_MOMENT_S: Final = 0.1
_TRIES: Final = 5


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
    wall time `anchor`, for a replay; by default the wall clock itself. A clock with the speed, start and
    anchor of an earlier one continues it. Real time passes by the monotonic clock, so that a wall clock that
    is set is noticed: `check` reports and follows the step.
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
        self._wall_at, self._monotonic_at = self._read_both()
        self._latest = float("-inf")
        self.anchor = self._wall_at if anchor is None else anchor
        """Wall time at which the market's time was `start`."""
        self.start = self.anchor if start is None else start
        """The market's time at `anchor`."""

    def now(self) -> float:
        """Return the market's time."""
        with self._lock:
            self._latest = max(self._latest, self._market_time())
            return self._latest

    def check(self) -> ClockStep | None:
        """Compare with the wall clock, and follow it; return the step if it is `STEP_S` or more.

        One thread calls it, about once a second. A suspended machine is noticed where the monotonic clock
        stands still meanwhile, as on Linux and macOS; where it runs on, `now` was right all the time. After a
        step back `now` stands still until the wall clock has caught up. Smaller differences, as when a time
        service slews the wall clock, are followed without a report.
        """
        with self._lock:
            wall, monotonic = self._read_both()
            step = wall - (self._wall_at + monotonic - self._monotonic_at)
            self._wall_at, self._monotonic_at = wall, monotonic
            return ClockStep(step) if abs(step) >= STEP_S else None

    def real_seconds(self, market_seconds: float) -> float:
        """Return how long a wait of the market takes in seconds of the machine."""
        return market_seconds / self.speed

    def wait_seconds(self, instant: float) -> float:
        """Return how many seconds of the machine to wait for a market time; 0 if it has come.

        At most `LONGEST_WAIT_S`, after which the caller asks again: a wall clock that is set, or a machine
        that was suspended, changes how long it takes, and wakes no wait.
        """
        with self._lock:
            # Not from `now`, which may stand still.
            market = self._market_time()
            self._latest = max(self._latest, market)
            if self._latest >= instant:
                return 0.0
            return min((instant - market) / self.speed, LONGEST_WAIT_S)

    def _market_time(self) -> float:
        wall = self._wall_at + self._monotonic() - self._monotonic_at
        return self.start + (wall - self.anchor) * self.speed

    def _read_both(self) -> tuple[float, float]:
        """Return wall and monotonic time of the same moment, as far as the machine lets it be one."""
        for _ in range(_TRIES):
            before = self._monotonic()
            wall = self._wall()
            after = self._monotonic()
            if after - before < _SAME_MOMENT_S:
                break
        return wall, (before + after) / 2
