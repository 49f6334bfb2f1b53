"""Receipts of a session's bars: when each symbol's last bar came, and how many come a minute."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import numpy as np

from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.feeds.bar_cells import RowChange
from tapedeck.engine.store.bar_store import Ints

_SPAN_S: Final = 300.0


class Receipts:
    """Times of receipt by symbol, market time. One thread writes; any thread may read."""

    def __init__(self, symbols: Sequence[str]) -> None:
        self._symbols = tuple(symbols)
        self._last = np.full(len(self._symbols), np.nan)
        self._batches: deque[tuple[float, int]] = deque(maxlen=10_000)  # time, bars
        self._version = 0
        self._listed: tuple[int, Mapping[str, datetime]] = (0, {})

    def add(self, rows: Ints, received: float) -> None:
        """Add bars of the symbols in `rows`, int64 (m,), received at a market time, seconds UTC."""
        self._last[rows] = received
        self._batches.append((received, len(rows)))
        self._version += 1

    def change_rows(self, change: RowChange) -> None:
        """Take the rows of another edition, into a new array, so that copies do not change."""
        self._symbols = change.symbols(self._symbols)
        joined = np.full(len(change.joined), np.nan)
        self._last = np.concatenate([self._last[change.kept], joined])
        self._version += 1

    def per_minute(self, now: float) -> float:
        """Return how many bars came a minute, over the last five minutes."""
        recent = [count for at, count in tuple(self._batches) if at > now - _SPAN_S]
        return sum(recent) * 60.0 / _SPAN_S

    def by_symbol(self) -> Mapping[str, datetime]:
        """Return the receipt of each symbol's last bar, UTC; symbols without a bar are left out."""
        version, listed = self._listed
        if version != self._version:
            version, last = self._version, self._last.copy()
            rows = np.flatnonzero(~np.isnan(last))
            seconds, at = np.unique(last[rows].astype(np.int64), return_inverse=True)
            times = [utc_from_epoch(second) for second in seconds.tolist()]  # few, of many symbols
            listed = {self._symbols[row]: times[n] for row, n in zip(rows.tolist(), at.tolist(), strict=True)}
            self._listed = version, listed
        return listed
