"""Parquet quote store: the quotes of a Parquet store, in files of their own.

`_quotes/interval=1m/symbol=SPY/2013.parquet`, with the columns of quotes; a missing value is NaN. Files are
written, committed, checked and cached as those of bars; without the folder, a store has no quotes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np

from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_diff import BarDifference, check_interval, join, take
from tapedeck.engine.store.bar_store import BarColumns, BarWatch, EmptySlots, Ints, WriteResult
from tapedeck.engine.store.damage import Damage
from tapedeck.engine.store.empty_slots import joined_slots
from tapedeck.engine.store.parquet_commit import Staging
from tapedeck.engine.store.parquet_files import OpenFile
from tapedeck.engine.store.parquet_layout import (
    QUOTES_FOLDER,
    check_symbol_fits,
    file_names,
    series_folder,
    stored_intervals,
    stored_series,
)
from tapedeck.engine.store.parquet_series import SeriesFiles
from tapedeck.engine.store.parquet_verify import series_files, verified_series
from tapedeck.engine.store.parquet_watch import ParquetWatch
from tapedeck.engine.store.parquet_writing import FolderWriter
from tapedeck.engine.store.quote_columns import (
    HOW_TO_GO_ON,
    QUOTE_COLUMN_NAMES,
    checked_quotes,
    checked_quotes_of_many,
    unpacked,
)
from tapedeck.engine.store.quote_store import QuoteColumns, QuoteSeries

_BEFORE_ALL, _AFTER_ALL = -(2**62), 2**62


class Writing(Protocol):
    """Opens a block that writes to the store."""

    def __call__(self, *, atomic: bool) -> AbstractContextManager[FolderWriter]:
        """Open the block; its writes are committed together if it is atomic."""
        ...


class ParquetQuoteStore:
    """A `CheckedQuoteStore` in the folder of a Parquet store."""

    def __init__(self, root: Path, staging: Staging, writing: Writing, *, needs_checks: bool) -> None:
        self._root = root
        self._folder = root / QUOTES_FOLDER
        self._writing = writing
        self._needs_checks = needs_checks
        self._files = SeriesFiles(
            root, staging, folder=QUOTES_FOLDER, names=QUOTE_COLUMN_NAMES, needs_checks=needs_checks
        )

    def series(self) -> Mapping[str, frozenset[Interval]]:
        """Return the intervals of each symbol's quotes; see `QuoteStore.series`."""
        found: dict[str, set[Interval]] = {}
        for symbol, interval in stored_series(self._folder):
            found.setdefault(symbol, set()).add(interval)
        return {symbol: frozenset(found[symbol]) for symbol in sorted(found)}

    def intervals_of(self, symbols: Sequence[str]) -> Mapping[str, frozenset[Interval]]:
        """Return the intervals of a few symbols' quotes; see `QuoteStore.intervals_of`."""
        return {symbol: stored_intervals(self._folder, symbol) for symbol in symbols}

    def watch(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> BarWatch:
        """Watch the quotes of many symbols for changes; see `QuoteStore.watch`."""

        def files(symbol: str, first: int, after: int) -> list[OpenFile]:
            return self._files.open(symbol, interval, first, after)

        def no_facts(_first: int, _after: int) -> EmptySlots:
            return joined_slots([])

        return ParquetWatch(self._root, symbols, interval, (start, end), files, no_facts, noun="quotes")

    def read(self, symbol: str, interval: Interval, start: int, end: int) -> QuoteColumns:
        """Return the quotes of one symbol; see `QuoteStore.read`."""
        return unpacked(self._read(symbol, interval, start, end))

    def read_many(
        self, symbols: Sequence[str], interval: Interval, start: int, end: int
    ) -> Mapping[str, QuoteColumns]:
        """Return the quotes of many symbols; see `QuoteStore.read_many`."""
        check_interval(interval)
        if not self._folder.exists():
            return {}
        found = {symbol: self._read(symbol, interval, start, end) for symbol in symbols}
        return {symbol: unpacked(quotes) for symbol, quotes in found.items() if len(quotes)}

    def write(
        self, symbol: str, interval: Interval, quotes: QuoteColumns, *, replace: bool = False
    ) -> WriteResult:
        """Store quotes in one transaction; see `QuoteStore.write`."""
        return self._write(symbol, interval, checked_quotes(symbol, interval, quotes), replace=replace)

    def write_many(
        self, symbols: Sequence[str], interval: Interval, rows: Ints, quotes: QuoteColumns
    ) -> None:
        """Store quotes of many symbols in one transaction, over other values; see `QuoteStore.write_many`.

        Outside a batch every file is rewritten.
        """
        incoming = checked_quotes_of_many(symbols, interval, rows, quotes)
        edges = np.append(np.flatnonzero(np.diff(rows, prepend=-1)), len(rows)).tolist()
        with self._writing(atomic=True):
            for first, after in pairwise(edges):
                own = take(incoming, slice(first, after))
                self._write(symbols[int(rows[first])], interval, own, replace=True)

    def contents(self) -> Iterator[QuoteSeries]:
        """Yield each series; see `CheckedQuoteStore.contents`."""
        for symbol, intervals in self.series().items():
            for interval in sorted(intervals):
                files = self._files.open(symbol, interval, _BEFORE_ALL, _AFTER_ALL)
                if files:  # not removed by another process
                    first, last = files[0].bounds[0], files[-1].bounds[1]
                    yield QuoteSeries(symbol, interval, sum(map(_count, files)), first, last)

    def remove(self, symbol: str, interval: Interval, start: int, end: int) -> int:
        """Remove the quotes of `[start, end)`; see `CheckedQuoteStore.remove`.

        Files that lie in the range as a whole are removed even if they are damaged.
        """
        check_interval(interval)
        with self._writing(atomic=True) as writer:
            return writer.remove(symbol, interval, start, end, below=QUOTES_FOLDER)

    def damage(self) -> Iterator[Damage]:
        """Read all files, and yield the damage of each."""
        for symbol, intervals in self.series().items():
            for interval in sorted(intervals):
                found = verified_series(
                    self._folder,
                    symbol,
                    interval,
                    needs_checks=self._needs_checks,
                    names=QUOTE_COLUMN_NAMES,
                )
                for one in found.damage:
                    yield Damage(
                        one.file, f"the {interval} quotes of {symbol}: {one.reason}; {HOW_TO_GO_ON}`"
                    )

    def accept(self) -> None:
        """Add checks to the files that have none, as they are."""
        for symbol, intervals in self.series().items():
            for interval in sorted(intervals):
                with self._writing(atomic=True) as writer:
                    for path in series_files(self._folder, symbol, interval):
                        writer.add_checks(os.path.relpath(path, self._root))

    def require_checks(self) -> None:
        """Refuse files without checks from now on."""
        self._needs_checks = True
        self._files.require_checks()

    def close(self) -> None:
        """Close the files."""
        self._files.clear()

    def _read(self, symbol: str, interval: Interval, start: int, end: int) -> BarColumns:
        files = self._files.open(symbol, interval, start, end)
        return join([run for file in files for run in file.read(start, end)])

    def _write(self, symbol: str, interval: Interval, quotes: BarColumns, *, replace: bool) -> WriteResult:
        check_symbol_fits(self._root, symbol)
        folder = f"{QUOTES_FOLDER}/{series_folder(symbol, interval)}"
        found: list[BarDifference] = []
        with self._writing(atomic=True) as writer:
            for name, run in file_names(quotes.opened_at, interval) if len(quotes) else []:
                part = writer.write(f"{folder}/{name}", take(quotes, run), replace=replace)
                found.append(part.shifted(run.start))
        return BarDifference.total(found).result(replace=replace)


def _count(file: OpenFile) -> int:
    spans = file.spans
    if spans is None:
        return sum(len(file.read_group(group)) for group in range(file.groups))
    return int(spans.bars.sum())
