"""BarStore protocol, and the column types of bars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, runtime_checkable

from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.quote_store import QuoteStore
from tapedeck.engine.store.store_answers import BarWatch, Floats, Ints, WriteResult

__all__ = [
    "BarBatch",
    "BarColumns",
    "BarStore",
    "BarWatch",
    "EmptySlots",
    "Floats",
    "Ints",
    "ManySymbolWriter",
    "WriteResult",
]


@dataclass(frozen=True, slots=True)
class BarColumns:
    """Bars of one symbol and one interval, oldest first; six arrays of shape (n,).

    `opened_at`: int64, seconds since 1970 UTC of the bar's open; of a daily bar, midnight UTC of its trading
    day. Prices and volume: float64, finite, as traded. A missing bar has no row.
    """

    opened_at: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def __len__(self) -> int:
        return len(self.opened_at)


@dataclass(frozen=True, slots=True)
class BarBatch:
    """A batch of bars of a scan.

    `rows`: position of the symbol in the scan's symbols; one int for the whole batch, or an int64 array (n,),
    one per bar. The order within and between batches is undefined.
    """

    rows: int | Ints
    bars: BarColumns


@dataclass(frozen=True, slots=True)
class EmptySlots:
    """Slots in which history has no trade, int64 (n,) each, ascending by row, then time.

    `rows`: position of the symbol in the request's symbols; `opened_at`: label of the slot, as of a bar.
    """

    rows: Ints
    opened_at: Ints

    def __len__(self) -> int:
        return len(self.opened_at)


@runtime_checkable
class ManySymbolWriter(Protocol):
    """A store that takes few bars of many symbols at once, quickly, as a recording has them each minute."""

    def write_many(self, symbols: Sequence[str], interval: Interval, rows: Ints, bars: BarColumns) -> None:
        """Store bars in one transaction, over other values.

        `rows`: position of each bar's symbol, int64 (n,); bars are sorted by row, then time, each time of a
        symbol once. The same as a `write` of each symbol with `replace`.
        """
        ...


class BarStore(Protocol):
    """Stored bars by symbol and base interval. Safe to use from several threads and processes.

    Every method raises StoreError with the reason if the location cannot be read or written.
    """

    @property
    def location(self) -> Path:
        """The file or folder of the bars."""
        ...

    @property
    def parallel_scans(self) -> int:
        """Number of parallel scans, of different symbols, that is fastest."""
        ...

    @property
    def quotes(self) -> QuoteStore:
        """The quotes beside the bars; a batch holds both."""
        ...

    def series(self) -> Mapping[str, frozenset[Interval]]:
        """Return the stored base intervals of each symbol, symbols in sorted order."""
        ...

    def intervals_of(self, symbols: Sequence[str]) -> Mapping[str, frozenset[Interval]]:
        """Return the stored base intervals of a few symbols, an empty set for one that is not stored.

        As `series`, without reading the list of all symbols.
        """
        ...

    def scan(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> Iterator[BarBatch]:
        """Yield the bars of many symbols with `start <= opened_at < end` (seconds UTC), in batches.

        Symbols that are not stored are skipped. Each call is one consistent read per symbol. Raises
        StoreDamagedError, at the latest after the last batch, if bars are not those that were written.
        """
        ...

    def watch(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> BarWatch:
        """Watch the bars of many symbols with `start <= opened_at < end` for changes."""
        ...

    def read(self, symbol: str, interval: Interval, start: int, end: int) -> BarColumns:
        """Return the bars of one symbol with `start <= opened_at < end`, oldest first; empty if none."""
        ...

    def first_at_or_after(self, symbol: str, interval: Interval, start: int) -> int | None:
        """Return `opened_at` of the first bar at or after `start`, or None."""
        ...

    def last_before(self, symbol: str, interval: Interval, end: int) -> int | None:
        """Return `opened_at` of the last bar before `end`, or None."""
        ...

    def write(
        self, symbol: str, interval: Interval, bars: BarColumns, *, replace: bool = False
    ) -> WriteResult:
        """Store bars (sorted, without duplicate times) in one transaction: all of them, or, on error, none.

        Writing stored bars again changes nothing. A bar whose time is stored with different values is a
        conflict: the stored one is kept, unless `replace` is set.
        """
        ...

    def confirm_empty(self, symbol: str, interval: Interval, opened_at: Ints) -> None:
        """Store as a fact that history covers these slots (labels, seconds UTC) and has no trade in them.

        In one transaction, as bars, and in a batch together with them. Facts that are stored already are no
        error. A bar of the same time wins, whether it was stored before or is later.
        """
        ...

    def empty_slots(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> EmptySlots:
        """Return the facts with `start <= opened_at < end`, also those beside a bar, which do not count."""
        ...

    def batch(self, *, atomic: bool = False) -> AbstractContextManager[None]:
        """Keep the store open for many writes of this thread, which may be buffered until the block ends.

        Each write still returns its exact result, and is stored completely or not at all. All writes are
        committed when the block ends, even by an error; reads inside the block may not see them earlier.
        With `atomic`, all writes of the block are committed together, or, on an error, none. Blocks may be
        nested: an atomic one inside a plain one commits or drops its own writes only. Other writers wait
        for the end of an atomic block.
        """
        ...

    def close(self) -> None:
        """Close files and connections; safe to call twice. Later use of the store opens them again."""
        ...

    def __enter__(self) -> BarStore: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
