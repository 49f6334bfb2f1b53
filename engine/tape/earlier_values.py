"""Earlier values: what conditions read of the sessions before a tape's."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.bar_grid import Floats


class Series(NamedTuple):
    """A value of conditions over the bars of its own interval.

    `interval`: of a bar field that is written with one, as in `SPY.5m.close`; else None.
    """

    name: str
    interval: Interval | None


class EarlierValues(Protocol):
    """Values of the sessions before a tape's, read on request. Any thread may call it."""

    def at_bars(self, series: Series, rows: slice, count: int) -> Floats:
        """Return a series at each symbol's last `count` bars before the session, float64 (rows, count).

        Oldest first; missing bars are skipped, and NaN stands before the first bar of the store.
        """
        ...

    def at_end(self, series: Series, rows: slice, back: int) -> Floats:
        """Return a series, `back` bars back, at the end of the session before, float64 (rows,).

        Without `back` it is the value held there: NaN where that session has none.
        """
        ...


class NoEarlierValues:
    """Earlier values of a tape that stands alone: all are missing."""

    def __init__(self, symbols: int) -> None:
        self._symbols = symbols

    def at_bars(self, series: Series, rows: slice, count: int) -> Floats:
        """Return NaN for each bar."""
        return np.full((len(range(*rows.indices(self._symbols))), count), np.nan)

    def at_end(self, series: Series, rows: slice, back: int) -> Floats:
        """Return NaN for each symbol."""
        return self.at_bars(series, rows, 1)[:, 0]
