"""Earlier values: what conditions read of the sessions before a tape's."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.bar_grid import Floats


class Series(NamedTuple):
    """A value of some symbols, over the bars of its own interval.

    `interval`: of a bar field that is written with one, as in `SPY.5m.close`; else None. `first`, `stop`:
    the symbols' rows.
    """

    name: str
    interval: Interval | None
    first: int
    stop: int

    @property
    def rows(self) -> slice:
        """The symbols' rows in arrays."""
        return slice(self.first, self.stop)

    @property
    def symbol_rows(self) -> range:
        """The symbols' rows as numbers."""
        return range(self.first, self.stop)

    @property
    def symbols(self) -> int:
        """Number of symbols."""
        return self.stop - self.first


class EarlierNeed(NamedTuple):
    """What a condition reads of a series before the session: the last `bars` bars, and its end."""

    series: Series
    bars: int
    end: bool


class EarlierValues(Protocol):
    """Values of the sessions before a tape's, found on request. Any thread may read them."""

    def at_bars(self, series: Series, count: int) -> Floats:
        """Return a series at each symbol's last `count` bars before the session, float64 (rows, count).

        Oldest first; missing bars are skipped, and NaN stands before the first bar of the store. Raises
        StoreError if the store cannot be read.
        """
        ...

    def at_end(self, series: Series, back: int) -> Floats:
        """Return a series, `back` bars back, at the end of the session before, float64 (rows,).

        With `back` 0 it is the value held there, NaN where that session has none. Raises as `at_bars`.
        """
        ...


class NoEarlierValues:
    """Earlier values of a tape that stands alone: all are missing."""

    def at_bars(self, series: Series, count: int) -> Floats:
        """Return NaN for each bar."""
        return np.full((series.symbols, count), np.nan)

    def at_end(self, series: Series, back: int) -> Floats:
        """Return NaN for each symbol."""
        return np.full(series.symbols, np.nan)
