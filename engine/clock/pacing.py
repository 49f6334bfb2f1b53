"""When slots fall due while a clock drives the play: arithmetic alone, no waiting.

Wall time is monotonic seconds, handed in by who waits. Paced time is seconds of trading since the open: a
lunch break takes none. Which frontier is due follows from one anchor, never from the wait before, so that
late wake-ups do not add up.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tapedeck.engine.errors import ClockError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def achieved_speed(traded_seconds: float, elapsed_seconds: float) -> float | None:
    """Return how many times real time was played; None as long as no time has passed."""
    return traded_seconds / elapsed_seconds if elapsed_seconds > 0 else None


class Pace:
    """The times at which the frontiers of one session fall due, at `speed` times real time.

    `offsets`: int64, shape (n + 1,), ascending, the trading seconds from the open to clock(k), as
    `SessionSlots.paced_seconds` gives them. Frontier `frontier` stands at monotonic second `now`. Frontiers
    already reached are due at once. Has one owner: not to be shared between threads.
    """

    __slots__ = ("_anchor", "_deadlines", "_offsets", "_position", "_speed")

    def __init__(self, offsets: Ints, *, speed: float, now: float, frontier: int = 0) -> None:
        self._offsets: Floats = np.asarray(offsets, dtype=np.float64)
        self._start(now, float(self._offsets[frontier]), frontier, _checked(speed))

    @property
    def speed(self) -> float:
        """Times real time; 0 while held."""
        return self._speed

    def due(self, now: float) -> int:
        """Return how many slots are over at `now`: the greatest frontier whose deadline has come."""
        return int(np.searchsorted(self._deadlines, now, side="right")) - 1

    def deadline(self, frontier: int) -> float:
        """Return the monotonic second at which the first `frontier` slots are over.

        Infinite while held, and minus infinity for frontiers reached before the pace was last set.
        """
        return float(self._deadlines[frontier])

    def hold(self, now: float) -> None:
        """Stand still from `now` on; what was played of the slot that is under way is kept."""
        frontier = self.due(now)
        self._start(now, self._position_at(now, frontier), frontier, 0.0)

    def rebase(self, now: float, frontier: int, speed: float) -> None:
        """Go on from `frontier` at `now`, at another speed or after a hold, without a jump.

        What was played of the slot under way counts: changing speed often delays nothing. Where the owner's
        frontier is ahead (it stepped) the slot begins now; where it lags behind, the backlog is dropped and
        the next slot is due at once.
        """
        self._start(now, self._position_at(now, frontier), frontier, _checked(speed))

    def achieved(self, now: float, frontier: int) -> float | None:
        """Return the speed since the pace was last set, for an owner at `frontier`; None at that moment.

        It is `speed` as long as the owner keeps up, and less where slots that are due have not been played.
        """
        behind = frontier < self.due(now)
        reached = float(self._offsets[frontier]) if behind else self._position_at(now, frontier)
        return achieved_speed(max(0.0, reached - self._position), now - self._anchor)

    def _position_at(self, now: float, frontier: int) -> float:
        """Return the trading seconds played at `now`, kept within the slot that follows `frontier`."""
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
            f"A clock cannot drive the play at speed {speed}: give a number above 0. "
            "Speed 0, as fast as data allows, is played without a clock."
        )
    return speed
