"""Parquet store: a folder with one file per symbol and year, for large universes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from tapedeck.engine.errors import StoreError
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_diff import BarDifference, check_interval, checked, join, take
from tapedeck.engine.store.bar_store import BarBatch, BarColumns, BarWatch, WriteResult
from tapedeck.engine.store.parquet_cache import FileCache
from tapedeck.engine.store.parquet_commit import Staging
from tapedeck.engine.store.parquet_files import OpenFile
from tapedeck.engine.store.parquet_layout import (
    FORMAT_VERSION,
    candidates,
    check_marker,
    check_symbol_fits,
    file_names,
    is_store,
    make_marker,
    series_folder,
    spans_files,
    stored_series,
)
from tapedeck.engine.store.parquet_watch import ParquetWatch
from tapedeck.engine.store.parquet_writing import FolderWriter, writer_of

_BEFORE_ALL, _AFTER_ALL = -(2**62), 2**62


class ParquetStore:
    """A `BarStore` in a folder, which any Parquet reader can read as one partitioned data set.

    `create` creates the folder, or makes an empty one a store. Raises StoreError if the folder is missing,
    holds other files, or was made by a newer tapedeck.
    """

    def __init__(self, root: Path, *, create: bool = False) -> None:
        self._root = root
        self._prefix = f"{root}/"
        self._staging = Staging(root)
        if create:
            make_marker(root)
        self._version = check_marker(root)
        self._files = FileCache(needs_checks=self._version >= FORMAT_VERSION)
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

    def series(self) -> Mapping[str, frozenset[Interval]]:
        """Return the stored base intervals of each symbol, symbols in sorted order."""
        found: dict[str, set[Interval]] = {}
        for symbol, interval in stored_series(self._root):
            found.setdefault(symbol, set()).add(interval)
        return {symbol: frozenset(found[symbol]) for symbol in sorted(found)}

    def scan(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> Iterator[BarBatch]:
        """Yield the bars of many symbols with `start <= opened_at < end`, symbol by symbol, oldest first."""
        for row, symbol in enumerate(symbols):
            for file in self._open_files(symbol, interval, start, end):
                for run in file.read(start, end):
                    yield BarBatch(row, run)

    def watch(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> BarWatch:
        """Watch the bars of many symbols with `start <= opened_at < end` for changes."""

        def files(symbol: str, first: int, after: int) -> list[OpenFile]:
            return self._open_files(symbol, interval, first, after)

        return ParquetWatch(self._root, symbols, interval, (start, end), files)

    def read(self, symbol: str, interval: Interval, start: int, end: int) -> BarColumns:
        """Return the bars of one symbol with `start <= opened_at < end`, oldest first; empty if none."""
        return join(
            [run for file in self._open_files(symbol, interval, start, end) for run in file.read(start, end)]
        )

    def first_at_or_after(self, symbol: str, interval: Interval, start: int) -> int | None:
        """Return `opened_at` of the first bar at or after `start`, or None."""
        files = self._open_files(symbol, interval, start, _AFTER_ALL)
        return next((found for file in files if (found := file.first_at_or_after(start)) is not None), None)

    def last_before(self, symbol: str, interval: Interval, end: int) -> int | None:
        """Return `opened_at` of the last bar before `end`, or None."""
        files = self._open_files(symbol, interval, _BEFORE_ALL, end)
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

    def __enter__(self) -> ParquetStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _writing(self, *, atomic: bool) -> Iterator[FolderWriter]:
        writer = writer_of(self._root)
        with writer.batch(atomic=atomic):
            yield writer

    def _open_files(self, symbol: str, interval: Interval, start: int, end: int) -> list[OpenFile]:
        """Open the files that may hold bars of `[start, end)`, all as of one commit, oldest first."""
        check_interval(interval)
        folder = f"{self._prefix}{series_folder(symbol, interval)}"
        while True:
            files = self._files.get_all(candidates(folder, interval, start, end))
            if not files and not is_store(self._root):
                raise StoreError(f"{self._root} was removed, or moved: give its new path with --store")
            if not spans_files(interval, start, end):
                return files  # a single file is always consistent
            if self._staging.is_commit_under_way():
                self._staging.finish_commit()
                continue
            # No commit is running now. If one ran since the first file was opened, identities differ.
            after = self._files.get_all(candidates(folder, interval, start, end))
            if [file.identity for file in files] == [file.identity for file in after]:
                return files
