"""Pre-market figures: high, low, last and volume of the bars before a session's open, from the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_diff import join, take
from tapedeck.engine.store.bar_store import BarColumns
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.tape.bar_grid import Floats, Ints
from tapedeck.engine.tape.pre_market import PreMarket

# Most bars held at once; more symbols are read in parts.
_BARS_AT_ONCE: Final = 500_000


def pre_market_figures(
    data: DataManager, symbols: Sequence[str], interval: Interval, span: tuple[int, int]
) -> PreMarket:
    """Return the figures of the bars that opened and closed in a span `[start, end)`, seconds UTC.

    Raises StoreError if the store cannot be read.
    """
    found = PreMarket.unknown(len(symbols))
    start, end = span[0], span[1] - interval.seconds + 1
    if not interval.is_intraday or start >= end:
        return found
    size = max(1, _BARS_AT_ONCE * interval.seconds // (span[1] - start))
    for first in range(0, len(symbols), size):
        _fill(found, data, symbols[first : first + size], interval, (start, end), first)
    return found


class PreMarketBars:
    """Takes the pre-market bars of several sessions, which a read of their slots finds (`OtherBars`).

    `spans`: `[start, end)` of each session's pre-market, ascending, seconds UTC.
    """

    def __init__(self, spans: Sequence[tuple[int, int]], interval: Interval) -> None:
        self._starts: Ints = np.array([start for start, _ in spans], dtype=np.int64)
        # A bar has to close by the end.
        self._ends: Ints = np.array([end for _, end in spans], dtype=np.int64) - interval.seconds + 1
        self._found: list[tuple[Ints, Ints, BarColumns]] = []

    @property
    def start(self) -> int:
        """Begin of the first pre-market, seconds UTC."""
        return int(self._starts[0])

    def add(self, rows: int | Ints, bars: BarColumns) -> None:
        """Take those of the bars that are in a pre-market; readers in several threads call it."""
        spans = np.searchsorted(self._starts, bars.opened_at, side="right") - 1
        inside = np.flatnonzero((spans >= 0) & (bars.opened_at < self._ends[spans]))
        if len(inside):
            own = np.broadcast_to(np.asarray(rows, dtype=np.int64), len(bars))[inside]
            self._found.append((spans[inside], own, take(bars, inside)))

    def figures(self, symbols: int) -> list[PreMarket]:
        """Return the figures of each session, for so many rows."""
        made = [PreMarket.unknown(symbols) for _ in self._starts]
        if not self._found:
            return made
        spans, rows = (np.concatenate([part[at] for part in self._found]) for at in range(2))
        bars = join([part for _, _, part in self._found])
        for at in np.unique(spans).tolist():
            own = np.flatnonzero(spans == at)
            put_figures(made[at], rows[own], bars.opened_at[own], _values(take(bars, own)))
        return made


def _fill(
    found: PreMarket,
    data: DataManager,
    symbols: Sequence[str],
    interval: Interval,
    labels: tuple[int, int],
    first: int,
) -> None:
    """Write the figures of some symbols into the rows from `first` on; `labels`: of the bars, half-open."""
    rows, bars = data.bars_between(symbols, interval, *labels)
    put_figures(found, rows + first, bars.opened_at, _values(bars))


def _values(bars: BarColumns) -> Floats:
    return np.array([bars.high, bars.low, bars.close, bars.volume])


def put_figures(found: PreMarket, rows: Ints, opened_at: Ints, values: Floats) -> None:
    """Write the figures of bars into their rows; those of other rows stay.

    `rows`, `opened_at`: int64 (m,), in any order; `values`: float64 (4, m), high, low, close and volume.
    """
    if not len(rows):
        return
    # Volumes are summed by time, so that every order gives the same bits.
    order = np.lexsort((opened_at, rows))
    begins = np.flatnonzero(np.diff(rows[order], prepend=-1))
    own, (high, low, close, volume) = rows[order][begins], values[:, order]
    found.high[own] = np.maximum.reduceat(high, begins)
    found.low[own] = np.minimum.reduceat(low, begins)
    found.last[own] = close[np.append(begins[1:], len(order)) - 1]
    volumes: Floats = np.add.reduceat(volume, begins)
    found.volume[own] = volumes
