"""Average volume to now: mean of the volumes of earlier days at the same time after the open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


def moments_of(sessions: Iterable[TradingSession]) -> Ints:
    """Return the seconds after the open at which a minute of the sessions is over, ascending, with 0."""
    slots = (SessionSlots(session, MINUTE) for session in sessions)
    return np.unique(np.concatenate([np.zeros(1, dtype=np.int64), *map(_after_open, slots)]))


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
    """Returns `avg_volume_to_now` at a frontier of a session's 1m tape.

    `days`: the trading days before, oldest first; `moments`: those of their sums.
    """

    __slots__ = ("_days", "_moments", "_slots", "_symbols")

    def __init__(self, days: Sequence[VolumeDay], slots: SessionSlots, moments: Ints, symbols: int) -> None:
        self._days = tuple(days)
        self._slots = slots
        self._moments = moments
        self._symbols = symbols

    def __call__(self, frontier: int) -> Floats:
        """Return the mean over the days in which a symbol has a bar, float64 (S,); NaN without such a day.

        EngineError at a moment that is not kept.
        """
        seconds = self._slots.clock(frontier) - self._slots.clock(0)
        at = int(np.searchsorted(self._moments, seconds))
        if at == len(self._moments) or self._moments[at] != seconds:
            raise EngineError(f"avg_volume_to_now is not kept for {seconds} s after the open")
        total, count = np.zeros(self._symbols), np.zeros(self._symbols)
        for day in self._days:
            total += day.so_far[at]
            count += day.has_bars
        mean: Floats = np.divide(total, count, out=np.full(self._symbols, np.nan), where=count > 0)
        return mean


def _after_open(slots: SessionSlots) -> Ints:
    return slots.closed_at - slots.clock(0)


def _is_whole(values: Floats) -> bool:
    return bool((values == np.floor(values)).all())
