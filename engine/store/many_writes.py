"""Writes of bars of many symbols to any store."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_diff import take
from tapedeck.engine.store.bar_store import BarColumns, BarStore, Ints, ManySymbolWriter


def write_many(
    store: BarStore, symbols: Sequence[str], interval: Interval, rows: Ints, bars: BarColumns
) -> None:
    """Store bars of many symbols, over other values; see `ManySymbolWriter`. Use a batch for other stores."""
    if isinstance(store, ManySymbolWriter):
        store.write_many(symbols, interval, rows, bars)
        return
    edges = np.append(np.flatnonzero(np.diff(rows, prepend=-1)), len(rows)).tolist()
    for first, after in pairwise(edges):
        store.write(symbols[int(rows[first])], interval, take(bars, slice(first, after)), replace=True)
