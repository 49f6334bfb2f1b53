"""Pace of a clock-driven session: computes when slots fall due, without waiting.

Wall time is given by the caller as monotonic seconds. Paced time is trading seconds since the open; a lunch
break takes none. The due frontier is computed from one anchor, not from the previous wait, so that late
wake-ups do not add up.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tapedeck.engine.errors import ClockError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def achieved_speed(traded_seconds: float, elapsed_seconds: float) -> float | None:
    """Return the measured speed as a multiple of real time; None if no time has passed."""
    return traded_seconds / elapsed_seconds if elapsed_seconds > 0 else None


class Pace:
    """The times at which the frontiers of one session fall due, at `speed` times real time.

    `offsets`: int64, shape (n + 1,), ascending, the trading seconds from the open to clock(k), from
    `SessionSlots.paced_seconds`. `frontier` is reached at monotonic second `now`; it and earlier ones are due
    at once. Not thread-safe: it has one owner.
    """

    __slots__ = ("_anchor", "_deadlines", "_offsets", "_position", "_speed")

    def __init__(self, offsets: Ints, *, speed: float, now: float, frontier: int = 0) -> None:
        self._offsets: Floats = np.asarray(offsets, dtype=np.float64)
        self._start(now, float(self._offsets[frontier]), frontier, _checked(speed))

    @property
    def speed(self) -> float:
        """Multiple of real time; 0 while held."""
        return self._speed

    def due(self, now: float) -> int:
        """Return the frontier due at `now`: the greatest one whose deadline has passed."""
        return int(np.searchsorted(self._deadlines, now, side="right")) - 1

    def deadline(self, frontier: int) -> float:
        """Return the monotonic second at which the first `frontier` slots are over.

        Infinite while held, and minus infinity for frontiers reached before the pace was last set.
        """
        return float(self._deadlines[frontier])

    def hold(self, now: float) -> None:
        """Stop at `now`; the elapsed part of the current slot is kept."""
        frontier = self.due(now)
        self._start(now, self._position_at(now, frontier), frontier, 0.0)

    def rebase(self, now: float, frontier: int, speed: float) -> None:
        """Continue from `frontier` at `now`, at another speed or after a hold, without a jump.

        The elapsed part of the current slot counts, so that frequent changes of speed cause no delay. If the
        owner's frontier is ahead (after a step) the slot starts now; if it lags behind, the backlog is
        dropped and the next slot is due at once.
        """
        self._start(now, self._position_at(now, frontier), frontier, _checked(speed))

    def achieved(self, now: float, frontier: int) -> float | None:
        """Return the measured speed since the pace was set, for an owner at `frontier`; None at that moment.

        It equals `speed` while the owner keeps up, and is less if due slots have not been played.
        """
        behind = frontier < self.due(now)
        reached = float(self._offsets[frontier]) if behind else self._position_at(now, frontier)
        return achieved_speed(max(0.0, reached - self._position), now - self._anchor)

    def _position_at(self, now: float, frontier: int) -> float:
        """Return the trading seconds played at `now`, limited to the slot after `frontier`."""
        begun = float(self._offsets[frontier])
        over = float(self._offsets[min(frontier + 1, len(self._offsets) - 1)])
        played = self._position + (now - self._anchor) * self._speed
        return min(max(played, begun), over)

    def _start(self, now: float, position: float, frontier: int, speed: float) -> None:
        self._anchor, self._position, self._speed = now, position, speed
        ahead = (self._offsets - position) / speed if speed else np.full(len(self._offsets), math.inf)
        self._deadlines = now + ahead
        self._deadlines[: frontier + 1] = -math.inf


def _checked(speed: float) -> float:
    if not (math.isfinite(speed) and speed > 0):
        raise ClockError(
            f"invalid speed {speed} for a clock-driven session: it must be above 0 "
            "(0, maximum speed, is not driven by a clock)"
        )
    return speed
