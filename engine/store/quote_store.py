"""Stored quotes: the last bid and ask of each slot, by symbol and base interval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.store_answers import BarWatch, Floats, Ints, WriteResult


@dataclass(frozen=True, slots=True)
class QuoteColumns:
    """Quotes of one symbol and one interval, oldest first; five arrays of shape (n,).

    `opened_at`: int64, label of the slot, as of a bar; the quote is the last one within the slot. Prices and
    sizes: float64, as quoted; a side without a price is NaN, with its size; a size may be NaN beside a
    price. A slot in which no quote came has no row.
    """

    opened_at: Ints
    bid: Floats
    ask: Floats
    bid_size: Floats
    ask_size: Floats

    def __len__(self) -> int:
        return len(self.opened_at)


class QuoteStore(Protocol):
    """The quotes of a bar store, in the same file or folder: `BarStore.quotes`.

    Safe to use from several threads and processes. Raises StoreError as the bar store; a batch of the bar
    store holds its quotes, too.
    """

    def series(self) -> Mapping[str, frozenset[Interval]]:
        """Return the base intervals with stored quotes of each symbol that has any, in sorted order."""
        ...

    def intervals_of(self, symbols: Sequence[str]) -> Mapping[str, frozenset[Interval]]:
        """Return the same of a few symbols, an empty set for one without quotes."""
        ...

    def watch(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> BarWatch:
        """Watch the quotes of many symbols with `start <= opened_at < end` for changes, as bars."""
        ...

    def read(self, symbol: str, interval: Interval, start: int, end: int) -> QuoteColumns:
        """Return the quotes of one symbol with `start <= opened_at < end`, oldest first; empty if none.

        Raises StoreDamagedError if they are not those that were written.
        """
        ...

    def read_many(
        self, symbols: Sequence[str], interval: Interval, start: int, end: int
    ) -> Mapping[str, QuoteColumns]:
        """Return the same of many symbols, of those that have any."""
        ...

    def write(
        self, symbol: str, interval: Interval, quotes: QuoteColumns, *, replace: bool = False
    ) -> WriteResult:
        """Store quotes (sorted, without duplicate times) in one transaction; conflicts as those of bars."""
        ...

    def write_many(
        self, symbols: Sequence[str], interval: Interval, rows: Ints, quotes: QuoteColumns
    ) -> None:
        """Store few quotes of many symbols in one transaction, over other values, as a recording has them.

        `rows`: position of each quote's symbol, int64 (n,); sorted by row, then time, each time once.
        """
        ...


@dataclass(frozen=True, slots=True)
class QuoteSeries:
    """Quotes of one symbol and interval: their number, and the first and the last slot (seconds UTC)."""

    symbol: str
    interval: Interval
    quotes: int
    first: int
    last: int


class CheckedQuoteStore(QuoteStore, Protocol):
    """A `QuoteStore` whose series can be listed and removed."""

    def contents(self) -> Iterator[QuoteSeries]:
        """Yield each series, by symbol and interval."""
        ...

    def remove(self, symbol: str, interval: Interval, start: int, end: int) -> int:
        """Remove the quotes of `[start, end)` in one transaction; return their number."""
        ...
