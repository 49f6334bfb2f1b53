"""Parquet store: a folder with one file per symbol and year, for large universes."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from tapedeck.engine.errors import StoreError
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_diff import BarDifference, check_interval, checked, join, merge, take
from tapedeck.engine.store.bar_store import BarBatch, BarColumns, BarWatch, EmptySlots, Ints, WriteResult
from tapedeck.engine.store.checksums import SpanSums
from tapedeck.engine.store.damage import CheckedSeries, Damage
from tapedeck.engine.store.empty_slots import checked_slots
from tapedeck.engine.store.parquet_commit import Staging
from tapedeck.engine.store.parquet_empty_slots import SlotsFiles, slots_file
from tapedeck.engine.store.parquet_files import OpenFile
from tapedeck.engine.store.parquet_layout import (
    ALL_TIMES,
    FORMAT_VERSION,
    check_marker,
    check_symbol_fits,
    file_names,
    make_marker,
    series_folder,
    stored_intervals,
    stored_series,
    write_marker,
)
from tapedeck.engine.store.parquet_quote_store import ParquetQuoteStore
from tapedeck.engine.store.parquet_series import SeriesFiles
from tapedeck.engine.store.parquet_verify import series_files, verified_series, whole_bars
from tapedeck.engine.store.parquet_watch import ParquetWatch
from tapedeck.engine.store.parquet_writing import FolderWriter, writer_of

_BEFORE_ALL, _AFTER_ALL = -(2**62), 2**62


class ParquetStore:
    """A `BarStore` in a folder, which any Parquet reader can read as one partitioned data set.

    `create` creates the folder, or makes an empty one a store. `read_only` refuses writes, and a folder with
    a write that was interrupted. Raises StoreError if the folder is missing, holds other files, or was made
    by a newer tapedeck.
    """

    def __init__(self, root: Path, *, create: bool = False, read_only: bool = False) -> None:
        self._root = root
        self._read_only = read_only
        self._staging = Staging(root, read_only=read_only)
        if create:
            make_marker(root)
        self._version = check_marker(root)
        self._files = SeriesFiles(root, self._staging, needs_checks=self._version >= FORMAT_VERSION)
        self._quotes = ParquetQuoteStore(root, self._staging, self._writing, needs_checks=self.has_checks)
        self._slots = SlotsFiles(root)
        if self._staging.is_commit_under_way():
            self._staging.finish_commit()

    @property
    def location(self) -> Path:
        """The folder of the bars."""
        return self._root

    @property
    def parallel_scans(self) -> int:
        """One: columnar reads are not limited by the processor."""
        return 1

    @property
    def quotes(self) -> ParquetQuoteStore:
        """The quotes beside the bars, in the folder `_quotes`."""
        return self._quotes

    def series(self) -> Mapping[str, frozenset[Interval]]:
        """Return the stored base intervals of each symbol, symbols in sorted order."""
        found: dict[str, set[Interval]] = {}
        for symbol, interval in stored_series(self._root):
            found.setdefault(symbol, set()).add(interval)
        return {symbol: frozenset(found[symbol]) for symbol in sorted(found)}

    def intervals_of(self, symbols: Sequence[str]) -> Mapping[str, frozenset[Interval]]:
        """Return the stored base intervals of a few symbols; see `BarStore.intervals_of`."""
        return {symbol: stored_intervals(self._root, symbol) for symbol in symbols}

    def scan(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> Iterator[BarBatch]:
        """Yield the bars of many symbols with `start <= opened_at < end`, symbol by symbol, oldest first."""
        for row, symbol in enumerate(symbols):
            for file in self._files.open(symbol, interval, start, end):
                for run in file.read(start, end):
                    yield BarBatch(row, run)

    def watch(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> BarWatch:
        """Watch the bars and facts of many symbols with `start <= opened_at < end` for changes."""

        def files(symbol: str, first: int, after: int) -> list[OpenFile]:
            return self._files.open(symbol, interval, first, after)

        def facts(first: int, after: int) -> EmptySlots:
            return self._slots.between(symbols, interval, first, after)

        return ParquetWatch(self._root, symbols, interval, (start, end), files, facts)

    def read(self, symbol: str, interval: Interval, start: int, end: int) -> BarColumns:
        """Return the bars of one symbol with `start <= opened_at < end`, oldest first; empty if none."""
        return join(
            [run for file in self._files.open(symbol, interval, start, end) for run in file.read(start, end)]
        )

    def first_at_or_after(self, symbol: str, interval: Interval, start: int) -> int | None:
        """Return `opened_at` of the first bar at or after `start`, or None."""
        files = self._files.open(symbol, interval, start, _AFTER_ALL)
        return next((found for file in files if (found := file.first_at_or_after(start)) is not None), None)

    def last_before(self, symbol: str, interval: Interval, end: int) -> int | None:
        """Return `opened_at` of the last bar before `end`, or None."""
        files = self._files.open(symbol, interval, _BEFORE_ALL, end)
        return next((found for file in reversed(files) if (found := file.last_before(end)) is not None), None)

    def write(
        self, symbol: str, interval: Interval, bars: BarColumns, *, replace: bool = False
    ) -> WriteResult:
        """Store bars (sorted, without duplicate times) in one transaction; see `BarStore.write`.

        Outside a batch every affected file is rewritten; use a batch for many small writes.
        """
        bars = checked(symbol, interval, bars)
        check_symbol_fits(self._root, symbol)
        folder = series_folder(symbol, interval)
        found: list[BarDifference] = []
        with self._writing(atomic=True) as writer:
            for name, run in file_names(bars.opened_at, interval) if len(bars) else []:
                part = writer.write(f"{folder}/{name}", take(bars, run), replace=replace)
                found.append(part.shifted(run.start))
        return BarDifference.total(found).result(replace=replace)

    def confirm_empty(self, symbol: str, interval: Interval, opened_at: Ints) -> None:
        """Store facts in one transaction; see `BarStore.confirm_empty`."""
        times = checked_slots(symbol, interval, opened_at)
        check_symbol_fits(self._root, symbol)
        with self._writing(atomic=True) as writer:
            if len(times):
                writer.add_slots(slots_file(symbol, interval), times)

    def empty_slots(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> EmptySlots:
        """Return the facts with `start <= opened_at < end`; see `BarStore.empty_slots`."""
        check_interval(interval)
        return self._slots.between(symbols, interval, start, end)

    @property
    def has_checks(self) -> bool:
        """Whether all bars have checksums; False for a store of an earlier version."""
        return self._version >= FORMAT_VERSION

    def spans(self, symbol: str, interval: Interval) -> SpanSums | None:
        """Return numbers and checksums of a series' bars by span of time; None if a file has none."""
        found = [file.spans for file in self._files.open(symbol, interval, _BEFORE_ALL, _AFTER_ALL)]
        known = [spans for spans in found if spans is not None]
        return SpanSums.total(known) if len(known) == len(found) else None

    def verify(self) -> Iterator[CheckedSeries | Damage]:
        """Read all files, and yield each series; a damaged marker or journal is found at opening."""
        for symbol, intervals in self.series().items():
            for interval in sorted(intervals):
                yield verified_series(self._root, symbol, interval, needs_checks=self.has_checks)
        yield from self._quotes.damage()
        yield from self._slots.damage()

    def accept(self) -> Generator[tuple[str, Interval], None, None]:
        """Add checks to the files that have none, as they are; yield each series before it is read.

        Files whose checks tell of damage stay as they are; damaged facts are dropped, as nothing tells what
        they were.
        """
        for symbol, intervals in self.series().items():
            for interval in sorted(intervals):
                yield symbol, interval
                with self._writing(atomic=True) as writer:
                    for path in series_files(self._root, symbol, interval):
                        writer.add_checks(os.path.relpath(path, self._root))
        self._quotes.accept()
        with self._writing(atomic=True) as writer:
            for damage in self._slots.damage():
                name = os.path.relpath(damage.file, self._root)
                writer.remove_slots(name, _BEFORE_ALL, _AFTER_ALL, is_whole=True)
            write_marker(self._root)
        self._version = FORMAT_VERSION
        self._files.require_checks()
        self._quotes.require_checks()

    def remove(self, symbol: str, interval: Interval, start: int, end: int) -> int:
        """Remove bars, facts and quotes of `[start, end)` in one transaction; return the number of bars.

        Files that lie in the range as a whole are removed even if they are damaged.
        """
        check_interval(interval)
        first, after = ALL_TIMES
        with self._writing(atomic=True) as writer:
            self._quotes.remove(symbol, interval, start, end)
            removed = writer.remove(symbol, interval, start, end)
            facts = slots_file(symbol, interval)
            writer.remove_slots(facts, start, end, is_whole=start <= first and after <= end)
        return removed

    def rewrite(self, damage: Sequence[Damage], bars: BarColumns) -> None:
        """Replace the bars of a file in the ranges of its damage; see `CheckedStore.rewrite`."""
        path = damage[0].file
        parts = list(whole_bars(path))
        for one in damage:
            parts = [_outside(part, one.start, one.end) for part in parts]
        with self._writing(atomic=True) as writer:
            writer.replace_file(os.path.relpath(path, self._root), merge(join(parts), bars))

    @contextmanager
    def batch(self, *, atomic: bool = False) -> Iterator[None]:
        """Buffer the writes of this thread, and commit them together; see `BarStore.batch`.

        A plain block may commit in between, when its buffer is full. Other writers wait until the block ends.
        """
        with self._writing(atomic=atomic):
            yield

    def close(self) -> None:
        """Close the files; safe to call twice. Later use of the store opens them again."""
        self._files.clear()
        self._quotes.close()
        self._slots.clear()

    def __enter__(self) -> ParquetStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _writing(self, *, atomic: bool) -> Iterator[FolderWriter]:
        if self._read_only:
            raise StoreError(f"{self._root} was opened for reading only")
        writer = writer_of(self._root)
        with writer.batch(atomic=atomic):
            yield writer


def _outside(bars: BarColumns, start: int, end: int) -> BarColumns:
    low, high = (int(bars.opened_at.searchsorted(edge)) for edge in (start, end))
    return join([take(bars, slice(low)), take(bars, slice(high, None))])
