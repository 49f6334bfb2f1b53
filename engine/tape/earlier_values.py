"""Earlier values: what conditions read of the sessions before a tape's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.bar_grid import Floats, Ints


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


class _Source(NamedTuple):
    """Earlier values of another tape, with its number of rows."""

    values: EarlierValues
    rows: int


class GatheredEarlierValues:
    """Earlier values of symbols whose rows come from several tapes.

    `numbers`: int64 (S,), which of `sources` has each symbol; `rows`: int64 (S,), its row there.
    """

    __slots__ = ("numbers", "rows", "sources")

    def __init__(self, sources: Sequence[_Source], numbers: Ints, rows: Ints) -> None:
        self.sources = tuple(sources)
        self.numbers = numbers
        self.rows = rows

    def at_bars(self, series: Series, count: int) -> Floats:
        """Return values as `EarlierValues.at_bars`."""
        values = np.empty((series.symbols, count))
        self._read(series, values, lambda source, own: source.at_bars(own, count))
        return values

    def at_end(self, series: Series, back: int) -> Floats:
        """Return values as `EarlierValues.at_end`."""
        values = np.empty(series.symbols)
        self._read(series, values, lambda source, own: source.at_end(own, back))
        return values

    def _read(self, series: Series, out: Floats, read: Callable[[EarlierValues, Series], Floats]) -> None:
        """Read each source once. For all symbols it is read as a whole, as such values are kept by rows."""
        numbers, rows = self.numbers[series.rows], self.rows[series.rows]
        is_all = series.symbols == len(self.rows)
        for number in np.unique(numbers).tolist():
            places = np.flatnonzero(numbers == number)
            own, source = rows[places], self.sources[number]
            first, stop = (0, source.rows) if is_all else (int(own.min()), int(own.max()) + 1)
            found = read(source.values, series._replace(first=first, stop=stop))
            out[places] = found[own - first]


def gathered_earlier(pieces: Sequence[tuple[EarlierValues, int, Ints]]) -> EarlierValues:
    """Return the earlier values of rows of one or more tapes.

    `pieces`: values, the number of symbols that they are of, and the rows taken, int64. Sources without a row
    are dropped.
    """
    sources: dict[int, tuple[int, _Source]] = {}  # by the identity of their values
    numbers, rows_there = [], []
    for values, symbols, rows in pieces:
        known = values if isinstance(values, GatheredEarlierValues) else _all_of(values, symbols)
        renumbered = np.zeros(len(known.sources), dtype=np.int64)
        for number in np.unique(known.numbers[rows]).tolist():
            source = known.sources[number]
            renumbered[number], _ = sources.setdefault(id(source.values), (len(sources), source))
        numbers.append(renumbered[known.numbers[rows]])
        rows_there.append(known.rows[rows])
    kept, own = [source for _, source in sources.values()], np.concatenate(rows_there)
    if len(kept) == 1 and np.array_equal(own, np.arange(kept[0].rows)):
        return kept[0].values
    return GatheredEarlierValues(kept, np.concatenate(numbers), own)


def _all_of(values: EarlierValues, symbols: int) -> GatheredEarlierValues:
    numbers = np.zeros(symbols, dtype=np.int64)
    return GatheredEarlierValues([_Source(values, symbols)], numbers, np.arange(symbols, dtype=np.int64))
