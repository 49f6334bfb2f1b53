"""Average volume to now: mean of the volumes of earlier days at the same time after the open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.errors import EngineError
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.tape.bar_grid import VOLUME, BarGrid, Floats, Ints, Mask

_MOST_COMPACT: Final = 2**32 - 1


def moments_of(sessions: Iterable[TradingSession], wanted: Ints | None = None) -> Ints:
    """Return the seconds after the open at which volumes are to be known, int64, ascending.

    Those of the last minute that is over at each of the `wanted` seconds in any of the sessions, and of the
    minute before, which crosses read; by default those of every minute.
    """
    found = [np.zeros(1, dtype=np.int64)]
    for session in sessions:
        slots = SessionSlots(session, MINUTE)
        times = slots.clock_times() - slots.clock(0)
        if wanted is None:
            found.append(times)
        else:
            over = np.searchsorted(times, wanted, side="right") - 1
            found.append(times[np.maximum(np.concatenate([over, over - 1]), 0)])
    return np.unique(np.concatenate(found))


@dataclass(frozen=True, slots=True, eq=False)
class VolumeDay:
    """Volumes of one trading day.

    `so_far`: sums of the bars that had closed, shape (moments, S); whole numbers take 32 bits. `has_bars`:
    whether each symbol has a bar in the day, bool (S,).
    """

    so_far: NDArray[np.uint32] | Floats
    has_bars: Mask

    @classmethod
    def of(cls, slots: SessionSlots, grid: BarGrid, moments: Ints) -> VolumeDay:
        """Return the day of 1m bars; `moments`: seconds after the open, int64, ascending.

        Sums run from the first bar to the last. After the close of a shorter day they are those of its close.
        """
        over = np.searchsorted(slots.closed_at, slots.clock(0) + moments, side="right")
        sums = np.zeros((len(slots) + 1, grid.shape[0]))
        np.cumsum(np.where(grid.present, grid.values[VOLUME], 0.0).T, axis=0, out=sums[1:])
        so_far = sums[over]
        is_whole = not len(moments) or (so_far[-1].max(initial=0.0) <= _MOST_COMPACT and _is_whole(so_far))
        has_bars: Mask = np.logical_or.reduce(grid.present, axis=1)
        return cls(so_far.astype(np.uint32) if is_whole else so_far, has_bars)

    @property
    def nbytes(self) -> int:
        """Size of the arrays in bytes."""
        return self.so_far.nbytes + self.has_bars.nbytes


class VolumeToNow:
    """Returns the mean volume of some days at the time of a frontier of a session's 1m tape.

    `days`: oldest first, at least one; `moments`: those of their sums.
    """

    __slots__ = ("_days", "_moments", "_slots")

    def __init__(self, days: Sequence[VolumeDay], slots: SessionSlots, moments: Ints) -> None:
        self._days = tuple(days)
        self._slots = slots
        self._moments = moments

    def __call__(self, frontier: int) -> Floats:
        """Return the mean over the days in which a symbol has a bar, float64 (S,); NaN without such a day.

        EngineError at a moment that is not kept.
        """
        at = position_of(self._moments, self._slots, frontier)
        if at is None:
            raise EngineError(f"volumes at frontier {frontier} are not kept: no scan was planned there")
        symbols = len(self._days[0].has_bars)
        total, count = np.zeros(symbols), np.zeros(symbols)
        for day in self._days:
            total += day.so_far[at]
            count += day.has_bars
        mean: Floats = np.divide(total, count, out=np.full(symbols, np.nan), where=count > 0)
        return mean


class DayVolume:
    """Returns the volume of a session so far at a frontier, float64 (S,), None at one that is not kept.

    `day`: the session, with sums at `moments`.
    """

    __slots__ = ("_day", "_moments", "_slots")

    def __init__(self, day: VolumeDay, slots: SessionSlots, moments: Ints) -> None:
        self._day = day
        self._slots = slots
        self._moments = moments

    def __call__(self, frontier: int) -> Floats | None:
        """Return the sums, 0 for a symbol without bars."""
        at = position_of(self._moments, self._slots, frontier)
        return None if at is None else self._day.so_far[at].astype(np.float64)


def unknown_volume(symbols: int) -> Callable[[int], Floats]:
    """Return missing volumes of so many symbols."""
    return lambda frontier: np.full(symbols, np.nan)


def position_of(moments: Ints, slots: SessionSlots, frontier: int) -> int | None:
    """Return the position of the seconds from the open to a frontier in `moments`, None if they lack it."""
    seconds = slots.clock(frontier) - slots.clock(0)
    at = int(np.searchsorted(moments, seconds))
    return at if at < len(moments) and moments[at] == seconds else None


def _is_whole(values: Floats) -> bool:
    return bool((values == np.floor(values)).all())
