"""A store of bars in memory, for tests that need many stores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import numpy as np

from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_diff import difference, empty_bars, merge, take
from tapedeck.engine.store.bar_store import BarBatch, BarColumns, BarWatch, EmptySlots, Ints, WriteResult
from tapedeck.engine.store.empty_slots import joined_slots, slots_of_row
from tapedeck.engine.store.quote_columns import (
    checked_quotes,
    checked_quotes_of_many,
    taken_quotes,
    unpacked,
)
from tapedeck.engine.store.quote_store import QuoteColumns


class MemoryQuotes:
    """The quotes of a `MemoryStore`."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, Interval], BarColumns] = {}

    def series(self) -> Mapping[str, frozenset[Interval]]:
        found: dict[str, frozenset[Interval]] = {}
        for symbol, interval in sorted(self.stored, key=lambda key: key[0]):
            found[symbol] = found.get(symbol, frozenset()) | {interval}
        return found

    def intervals_of(self, symbols: Sequence[str]) -> Mapping[str, frozenset[Interval]]:
        series = self.series()
        return {symbol: series.get(symbol, frozenset()) for symbol in symbols}

    def watch(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> BarWatch:
        return _NoWatch()

    def read(self, symbol: str, interval: Interval, start: int, end: int) -> QuoteColumns:
        quotes = self.stored.get((symbol, interval), empty_bars())
        first, last = np.searchsorted(quotes.opened_at, (start, end)).tolist()
        return unpacked(take(quotes, slice(first, last)))

    def read_many(
        self, symbols: Sequence[str], interval: Interval, start: int, end: int
    ) -> Mapping[str, QuoteColumns]:
        found = {symbol: self.read(symbol, interval, start, end) for symbol in symbols}
        return {symbol: quotes for symbol, quotes in found.items() if len(quotes)}

    def write(
        self, symbol: str, interval: Interval, quotes: QuoteColumns, *, replace: bool = False
    ) -> WriteResult:
        stored = self.stored.get((symbol, interval), empty_bars())
        incoming = checked_quotes(symbol, interval, quotes)
        found = difference(incoming, stored)
        if len(incoming):
            changed = take(incoming, found.changed(replace=replace))
            self.stored[symbol, interval] = merge(stored, changed)
        return found.result(replace=replace)

    def write_many(
        self, symbols: Sequence[str], interval: Interval, rows: Ints, quotes: QuoteColumns
    ) -> None:
        checked_quotes_of_many(symbols, interval, rows, quotes)
        for row in np.unique(rows).tolist():
            own = taken_quotes(quotes, np.flatnonzero(rows == row))
            self.write(symbols[row], interval, own, replace=True)


class MemoryStore:
    """A `BarStore` for one thread; `location`: the path that it goes by. What is stored is never changed."""

    parallel_scans = 1

    def __init__(self, location: Path) -> None:
        self.location = location
        self._bars: dict[tuple[str, Interval], BarColumns] = {}
        self._empty: dict[tuple[str, Interval], Ints] = {}
        self.quotes = MemoryQuotes()

    def copy(self, location: Path) -> MemoryStore:
        """Return a store with the same bars at another path."""
        other = MemoryStore(location)
        other._bars, other._empty = dict(self._bars), dict(self._empty)
        other.quotes.stored = dict(self.quotes.stored)
        return other

    def series(self) -> Mapping[str, frozenset[Interval]]:
        found: dict[str, frozenset[Interval]] = {}
        for symbol, interval in sorted(self._bars, key=lambda key: key[0]):
            found[symbol] = found.get(symbol, frozenset()) | {interval}
        return found

    def intervals_of(self, symbols: Sequence[str]) -> Mapping[str, frozenset[Interval]]:
        series = self.series()
        return {symbol: series.get(symbol, frozenset()) for symbol in symbols}

    def scan(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> Iterator[BarBatch]:
        for row, symbol in enumerate(symbols):
            bars = self.read(symbol, interval, start, end)
            if len(bars):
                yield BarBatch(row, bars)

    def watch(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> BarWatch:
        return _NoWatch()

    def read(self, symbol: str, interval: Interval, start: int, end: int) -> BarColumns:
        bars = self._bars.get((symbol, interval), empty_bars())
        first, last = np.searchsorted(bars.opened_at, (start, end)).tolist()
        return take(bars, slice(first, last))

    def first_at_or_after(self, symbol: str, interval: Interval, start: int) -> int | None:
        times = self.read(symbol, interval, start, 2**62).opened_at
        return int(times[0]) if len(times) else None

    def last_before(self, symbol: str, interval: Interval, end: int) -> int | None:
        times = self.read(symbol, interval, -(2**62), end).opened_at
        return int(times[-1]) if len(times) else None

    def write(
        self, symbol: str, interval: Interval, bars: BarColumns, *, replace: bool = False
    ) -> WriteResult:
        stored = self._bars.get((symbol, interval), empty_bars())
        found = difference(bars, stored)
        if len(bars):
            changed = take(bars, found.changed(replace=replace))
            self._bars[symbol, interval] = merge(stored, changed)
        return found.result(replace=replace)

    def confirm_empty(self, symbol: str, interval: Interval, opened_at: Ints) -> None:
        known = self._empty.get((symbol, interval), np.empty(0, np.int64))
        self._empty[symbol, interval] = np.union1d(known, opened_at)

    def empty_slots(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> EmptySlots:
        none = np.empty(0, np.int64)
        found = [self._empty.get((symbol, interval), none) for symbol in symbols]
        return joined_slots(
            [slots_of_row(row, at[(at >= start) & (at < end)]) for row, at in enumerate(found)]
        )

    @contextmanager
    def batch(self, *, atomic: bool = False) -> Iterator[None]:
        before = dict(self._bars), dict(self._empty), dict(self.quotes.stored)
        try:
            yield
        except BaseException:
            if atomic:
                self._bars, self._empty, self.quotes.stored = before
            raise

    def close(self) -> None:
        pass

    def __enter__(self) -> MemoryStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class _NoWatch:
    """A watch of bars that no other program can change."""

    def check(self, start: int, end: int) -> None:
        pass
