"""Quotes of an overlay store: those of a store up to a time, below those of another that takes all writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_diff import difference, merge, take
from tapedeck.engine.store.bar_store import BarStore, BarWatch, Ints, WriteResult
from tapedeck.engine.store.quote_columns import checked_quotes, packed, taken_quotes, unpacked
from tapedeck.engine.store.quote_store import QuoteColumns, QuoteStore


class OverlayQuotes:
    """A `QuoteStore` over two; `top`: the store of bars that takes all writes, whose quotes win.

    `hidden_from`: returns the time from which quotes of the base are hidden, in seconds UTC, by interval.
    """

    def __init__(self, base: QuoteStore, top: BarStore, hidden_from: Callable[[Interval], int]) -> None:
        self._base = base
        self._top_store = top
        self._top = top.quotes
        self._hidden_from = hidden_from

    def series(self) -> Mapping[str, frozenset[Interval]]:
        """Return the intervals of each symbol's quotes in either store, hidden ones included."""
        base, top = self._base.series(), self._top.series()
        none = frozenset[Interval]()
        return {symbol: base.get(symbol, none) | top.get(symbol, none) for symbol in sorted({*base, *top})}

    def intervals_of(self, symbols: Sequence[str]) -> Mapping[str, frozenset[Interval]]:
        """Return the intervals of a few symbols' quotes in either store, hidden ones included."""
        base, top = self._base.intervals_of(symbols), self._top.intervals_of(symbols)
        return {symbol: base[symbol] | top[symbol] for symbol in symbols}

    def watch(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> BarWatch:
        """Watch the quotes of both stores; those of the base as far as they are not hidden."""
        hidden_from = self._hidden_from(interval)
        base = self._base.watch(symbols, interval, start, max(start, min(end, hidden_from)))
        return OverlayWatch(base, self._top.watch(symbols, interval, start, end), hidden_from)

    def read(self, symbol: str, interval: Interval, start: int, end: int) -> QuoteColumns:
        """Return the quotes of one symbol with `start <= opened_at < end`, oldest first; empty if none."""
        top = self._top.read(symbol, interval, start, end)
        hidden_from = min(end, self._hidden_from(interval))
        if start >= hidden_from:
            return top
        return _merged(self._base.read(symbol, interval, start, hidden_from), top)

    def read_many(
        self, symbols: Sequence[str], interval: Interval, start: int, end: int
    ) -> Mapping[str, QuoteColumns]:
        """Return the same of many symbols, of those that have any."""
        found = dict(self._top.read_many(symbols, interval, start, end))
        hidden_from = min(end, self._hidden_from(interval))
        if start < hidden_from:
            for symbol, quotes in self._base.read_many(symbols, interval, start, hidden_from).items():
                found[symbol] = _merged(quotes, found[symbol]) if symbol in found else quotes
        return {symbol: found[symbol] for symbol in symbols if symbol in found}

    def write(
        self, symbol: str, interval: Interval, quotes: QuoteColumns, *, replace: bool = False
    ) -> WriteResult:
        """Store quotes in the top; the result compares them with the quotes of both stores.

        Quotes that the base has with the same values are not stored again.
        """
        incoming = checked_quotes(symbol, interval, quotes)
        if not len(incoming) or int(incoming.opened_at[0]) >= self._hidden_from(interval):
            return self._top.write(symbol, interval, quotes, replace=replace)
        # One transaction: the result holds for what is stored at that moment.
        with self._top_store.batch(atomic=True):
            bounds = int(incoming.opened_at[0]), int(incoming.opened_at[-1]) + 1
            found = difference(incoming, packed(self.read(symbol, interval, *bounds)))
            changed = unpacked(take(incoming, found.changed(replace=replace)))
            self._top.write(symbol, interval, changed, replace=replace)
        return found.result(replace=replace)

    def write_many(
        self, symbols: Sequence[str], interval: Interval, rows: Ints, quotes: QuoteColumns
    ) -> None:
        """Store quotes of many symbols in the top, over other values."""
        is_above = quotes.opened_at >= self._hidden_from(interval)
        with self._top_store.batch(atomic=True):
            for row in np.unique(rows[~is_above]).tolist():
                own = np.flatnonzero(~is_above & (rows == row))
                self.write(symbols[row], interval, taken_quotes(quotes, own), replace=True)
            above = np.flatnonzero(is_above)
            self._top.write_many(symbols, interval, rows[above], taken_quotes(quotes, above))


@dataclass(frozen=True, slots=True)
class OverlayWatch:
    """The watches of both stores; `hidden_from`: time from which the base is hidden."""

    base: BarWatch
    top: BarWatch
    hidden_from: int

    def check(self, start: int, end: int) -> None:
        """Raise StoreChangedError if something in `[start, end)` that is not hidden was changed."""
        if start < self.hidden_from:
            self.base.check(start, min(end, self.hidden_from))
        self.top.check(start, end)


def _merged(base: QuoteColumns, top: QuoteColumns) -> QuoteColumns:
    return unpacked(merge(packed(base), packed(top))) if len(top) else base
