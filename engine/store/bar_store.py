"""What a store of bars must do, and the columns in which bars travel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tapedeck.engine.intervals import Interval

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class BarColumns:
    """Bars of one symbol and one interval, oldest first; six arrays of shape (n,).

    `opened_at`: int64, seconds since 1970 UTC of the bar's open; of a daily bar, midnight UTC of its trading
    day. Prices and volume: float64, finite, as traded. A bar that the market did not make has no row.
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
    """Bars as a scan gives them: `rows` says whose they are, `bars` what.

    `rows` is the position in the symbols asked for: one int for the whole batch, or an int64 array (n,), one
    per bar. Order within and between batches is free.
    """

    rows: int | Ints
    bars: BarColumns


@dataclass(frozen=True, slots=True)
class WriteResult:
    """Outcome of one write: rows new, rows already there with the same values, and conflicts.

    `conflicts` holds the positions (int64, in the order given) of bars whose time is stored with other
    values; they were left as stored. `replaced` counts those overwritten where that was asked for.
    """

    written: int
    unchanged: int
    replaced: int
    conflicts: Ints


class BarStore(Protocol):
    """Bars at rest, by symbol and base interval. Safe to use from several threads and processes.

    Every method raises StoreError where the location cannot be read or written, and says why.
    """

    @property
    def location(self) -> Path:
        """The file or folder that holds the bars."""
        ...

    @property
    def parallel_scans(self) -> int:
        """How many scans at once, of different symbols, are faster than one after the other."""
        ...

    def series(self) -> Mapping[str, frozenset[Interval]]:
        """Return which base intervals are stored for each symbol, symbols in sorted order."""
        ...

    def scan(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> Iterator[BarBatch]:
        """Give the bars of many symbols with `start <= opened_at < end` (seconds UTC), in batches.

        Symbols that are not stored give nothing. Each call is one consistent read per symbol.
        """
        ...

    def read(self, symbol: str, interval: Interval, start: int, end: int) -> BarColumns:
        """Return the bars of one symbol with `start <= opened_at < end`, oldest first; empty if none."""
        ...

    def first_at_or_after(self, symbol: str, interval: Interval, start: int) -> int | None:
        """Return `opened_at` of the first bar at or after `start`, or None where there is none."""
        ...

    def last_before(self, symbol: str, interval: Interval, end: int) -> int | None:
        """Return `opened_at` of the last bar before `end`, or None where there is none."""
        ...

    def write(
        self, symbol: str, interval: Interval, bars: BarColumns, *, replace: bool = False
    ) -> WriteResult:
        """Store bars (sorted, no time twice) in one transaction: all of them, or, on error, none.

        Writing what is stored already changes nothing. A bar whose time is stored with other values is a
        conflict, and left alone, unless `replace` is given.
        """
        ...

    def batch(self, *, atomic: bool = False) -> AbstractContextManager[None]:
        """Keep the store open for many writes of this thread, which may be gathered until the block ends.

        Each write still tells its exact result, and lands whole or not at all; what was written is stored
        for good when the block ends, even by an error. Reads inside the block need not see it before.
        With `atomic`, all writes of the block land together, or, on an error, none of them. Blocks may be
        nested: an atomic one inside a plain one keeps or drops its own writes only. Other writers wait for
        an atomic block's end.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections; safe to call twice. Using the store later opens them again."""
        ...

    def __enter__(self) -> BarStore: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
