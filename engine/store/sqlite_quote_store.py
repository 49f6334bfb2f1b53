"""SQLite quote store: the quotes of an SQLite store, read and written through its own connections."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from tapedeck.engine.intervals import BASE_INTERVALS, Interval
from tapedeck.engine.store.bar_diff import BarDifference, check_interval
from tapedeck.engine.store.bar_store import BarColumns, BarWatch, Ints, WriteResult
from tapedeck.engine.store.checksums import SpanSums
from tapedeck.engine.store.quote_columns import (
    checked_quotes,
    checked_quotes_of_many,
    empty_quotes,
    unpacked,
)
from tapedeck.engine.store.quote_store import QuoteColumns, QuoteSeries
from tapedeck.engine.store.sqlite_answers import Answers, Read
from tapedeck.engine.store.sqlite_gate import Library
from tapedeck.engine.store.sqlite_quotes import (
    EVER,
    add_quotes,
    has_quotes,
    quote_extent,
    quote_intervals,
    quote_series,
    quote_sums,
    read_quotes,
    remove_quotes,
)
from tapedeck.engine.store.sqlite_watch import FilesState, SqliteWatch, state_of

Answer = Callable[[Library, Read], Any]
"""Runs a read in a transaction, through a library if it is as good as the other."""

Transaction = Callable[[], AbstractContextManager[sqlite3.Connection]]
"""Opens a transaction that writes."""


class SqliteQuoteStore:
    """A `CheckedQuoteStore` in the file of an SQLite store."""

    def __init__(
        self, path: Path, answer: Answer, transaction: Transaction, is_in_transaction: Callable[[], bool]
    ) -> None:
        self._path = path
        self._answer = answer
        self._transaction = transaction
        self._is_in_transaction = is_in_transaction
        # As of the last read that found no quotes, so that runs without any need not look again.
        self._state_without: FilesState | None = None

    def series(self) -> Mapping[str, frozenset[Interval]]:
        """Return the intervals of each symbol's quotes; see `QuoteStore.series`."""
        found: dict[str, set[Interval]] = {}
        for symbol, word in self._found(Library.NATIVE, quote_series, []):
            found.setdefault(symbol, set()).add(Interval.parse(word))
        return {symbol: frozenset(intervals) for symbol, intervals in found.items()}

    def intervals_of(self, symbols: Sequence[str]) -> Mapping[str, frozenset[Interval]]:
        """Return the intervals of a few symbols' quotes; see `QuoteStore.intervals_of`."""
        pairs: Ints = self._found(
            Library.NATIVE,
            lambda answers: quote_intervals(answers, symbols, BASE_INTERVALS),
            np.empty((0, 2), np.int64),
        )
        found: dict[str, set[Interval]] = {symbol: set() for symbol in symbols}
        for row, at in pairs.tolist():
            found[symbols[row]].add(BASE_INTERVALS[at])
        return {symbol: frozenset(intervals) for symbol, intervals in found.items()}

    def watch(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> BarWatch:
        """Watch the quotes of many symbols for changes; see `QuoteStore.watch`."""
        check_interval(interval)

        def sums(first: int, after: int) -> SpanSums:
            found: SpanSums = self._found(
                Library.ARROW,
                lambda answers: quote_sums(answers, symbols, interval, first, after),
                SpanSums.total([]),
            )
            return found

        return SqliteWatch(self._path, symbols, interval, (start, end), sums, noun="quotes")

    def read(self, symbol: str, interval: Interval, start: int, end: int) -> QuoteColumns:
        """Return the quotes of one symbol; see `QuoteStore.read`."""
        return self.read_many([symbol], interval, start, end).get(symbol, empty_quotes())

    def read_many(
        self, symbols: Sequence[str], interval: Interval, start: int, end: int
    ) -> Mapping[str, QuoteColumns]:
        """Return the quotes of many symbols; see `QuoteStore.read_many`."""
        check_interval(interval)
        found: list[BarColumns] = self._found(
            Library.ARROW,
            lambda answers: read_quotes(self._path, answers, symbols, interval, start, end),
            [],
        )
        return {symbols[row]: unpacked(quotes) for row, quotes in enumerate(found) if len(quotes)}

    def write(
        self, symbol: str, interval: Interval, quotes: QuoteColumns, *, replace: bool = False
    ) -> WriteResult:
        """Store quotes in one transaction; see `QuoteStore.write`."""
        incoming = checked_quotes(symbol, interval, quotes)
        rows = np.zeros(len(incoming), np.int64)
        return self._add([symbol], interval, rows, incoming, replace=replace).result(replace=replace)

    def write_many(
        self, symbols: Sequence[str], interval: Interval, rows: Ints, quotes: QuoteColumns
    ) -> None:
        """Store quotes of many symbols in one transaction, over other values; see `QuoteStore.write_many`."""
        incoming = checked_quotes_of_many(symbols, interval, rows, quotes)
        self._add(symbols, interval, rows, incoming, replace=True)

    def contents(self) -> Iterator[QuoteSeries]:
        """Yield each series; see `CheckedQuoteStore.contents`."""
        yield from self._found(Library.NATIVE, lambda answers: list(_contents(answers)), [])

    def remove(self, symbol: str, interval: Interval, start: int, end: int) -> int:
        """Remove the quotes of `[start, end)`; see `CheckedQuoteStore.remove`."""
        check_interval(interval)
        with self._transaction() as connection:
            return remove_quotes(connection, symbol, interval, start, end)

    def _add(
        self, symbols: Sequence[str], interval: Interval, rows: Ints, quotes: BarColumns, *, replace: bool
    ) -> BarDifference:
        with self._transaction() as connection:
            if not len(quotes):
                return BarDifference.total([])
            self._state_without = None
            return add_quotes(self._path, connection, symbols, interval, rows, quotes, replace=replace)

    def _found(self, preferred: Library, read: Read, nothing: Any) -> Any:  # noqa: ANN401  # as `read` returns
        """Run a read, or return `nothing` in a store without quotes."""
        state = state_of(self._path)
        if state == self._state_without and not self._is_in_transaction():
            return nothing

        def read_if_any(answers: Answers) -> Any:  # noqa: ANN401
            if has_quotes(answers):
                return read(answers)
            self._state_without = state
            return nothing

        return self._answer(preferred, read_if_any)


def _contents(answers: Answers) -> Iterator[QuoteSeries]:
    for symbol, word in quote_series(answers):
        interval = Interval.parse(word)
        extent = quote_extent(answers, symbol, interval)
        if extent is not None:
            count = int(quote_sums(answers, [symbol], interval, *EVER).bars.sum())
            yield QuoteSeries(symbol, interval, count, *extent)
