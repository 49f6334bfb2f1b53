"""Pre-market figures: high, low, last and volume of the bars before a session's open, from the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from tapedeck.engine.intervals import Interval
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
    values = np.array([bars.high, bars.low, bars.close, bars.volume])
    put_figures(found, rows + first, bars.opened_at, values)


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
