"""Quotes until: the quotes of slots that had ended at a moment; later ones are not read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tapedeck.engine.errors import StoreError
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_store import BarWatch, Ints, WriteResult
from tapedeck.engine.store.quote_store import QuoteColumns, QuoteStore


@dataclass(frozen=True, slots=True)
class QuotesUntil:
    """A `QuoteStore` for reading only. `ends`: returns the label from which quotes are left out.

    `refused`: returns the error of a write.
    """

    quotes: QuoteStore
    ends: Callable[[Interval], int]
    refused: Callable[[], StoreError]

    def series(self) -> Mapping[str, frozenset[Interval]]:
        """Return the intervals of each symbol's quotes, also of those that are all later."""
        return self.quotes.series()

    def intervals_of(self, symbols: Sequence[str]) -> Mapping[str, frozenset[Interval]]:
        """Return the intervals of a few symbols' quotes, as `series`."""
        return self.quotes.intervals_of(symbols)

    def watch(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> BarWatch:
        """Watch the quotes of many symbols with `start <= opened_at < end` for changes."""
        return self.quotes.watch(symbols, interval, start, self._bounded(interval, start, end))

    def read(self, symbol: str, interval: Interval, start: int, end: int) -> QuoteColumns:
        """Return the quotes of one symbol with `start <= opened_at < end`, oldest first; empty if none."""
        return self.quotes.read(symbol, interval, start, self._bounded(interval, start, end))

    def read_many(
        self, symbols: Sequence[str], interval: Interval, start: int, end: int
    ) -> Mapping[str, QuoteColumns]:
        """Return the same of many symbols, of those that have any."""
        return self.quotes.read_many(symbols, interval, start, self._bounded(interval, start, end))

    def write(
        self, symbol: str, interval: Interval, quotes: QuoteColumns, *, replace: bool = False
    ) -> WriteResult:
        """Raise StoreError: it is for reading only."""
        raise self.refused()

    def write_many(
        self, symbols: Sequence[str], interval: Interval, rows: Ints, quotes: QuoteColumns
    ) -> None:
        """Raise StoreError: it is for reading only."""
        raise self.refused()

    def _bounded(self, interval: Interval, start: int, end: int) -> int:
        return max(start, min(end, self.ends(interval)))
