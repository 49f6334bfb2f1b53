"""SQLite store: bars in one file, written through sqlite3, read in bulk through ADBC."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import numpy as np

from tapedeck.engine.errors import StoreDamagedError, StoreError, cause_of
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_diff import check_interval, checked, checked_many, take
from tapedeck.engine.store.bar_store import BarBatch, BarColumns, BarWatch, EmptySlots, Ints, WriteResult
from tapedeck.engine.store.checksums import SpanSums
from tapedeck.engine.store.damage import CheckedSeries, Damage
from tapedeck.engine.store.empty_slots import checked_slots, joined_slots
from tapedeck.engine.store.sqlite_answers import (
    Answers,
    ArrowAnswers,
    NativeAnswers,
    Read,
    arrays_of,
    wrong_types_explained,
)
from tapedeck.engine.store.sqlite_checks import (
    Catalog,
    CheckedRead,
    Request,
    check_missing,
    intervals_of,
    nearest_bar,
    read_sorted,
    stored_sums,
)
from tapedeck.engine.store.sqlite_connections import (
    ArrowConnection,
    arrow_errors_explained,
    is_writable,
    native_errors_explained,
    open_native,
)
from tapedeck.engine.store.sqlite_empty_slots import (
    add_slots,
    damaged_slots,
    drop_damaged_slots,
    has_slots,
    read_slots,
    remove_slots,
    slot_sums,
)
from tapedeck.engine.store.sqlite_gate import FileGate, Library, gate_of
from tapedeck.engine.store.sqlite_log import check_log
from tapedeck.engine.store.sqlite_many import write_bars_of_many
from tapedeck.engine.store.sqlite_quote_store import SqliteQuoteStore
from tapedeck.engine.store.sqlite_quotes import damaged_quotes, remove_quotes, write_all_quote_sums
from tapedeck.engine.store.sqlite_scan import ArrowScan
from tapedeck.engine.store.sqlite_schema import (
    IDENTITY_QUERY,
    SCHEMA_VERSION,
    check_identity,
    is_identity_of_empty,
    make_file,
    make_tables,
)
from tapedeck.engine.store.sqlite_sums import ALWAYS, remove_bars, rewrite_bars, write_all_sums, write_bars
from tapedeck.engine.store.sqlite_verify import verified_series
from tapedeck.engine.store.sqlite_watch import FilesState, SqliteWatch, state_of
from tapedeck.engine.store.sqlite_writing import WriteBatch, batch_of_thread, opened_batch

_BARS_AT_ONCE: Final = 50_000  # of many symbols, whose times a query lists


class SqliteStore:
    """A `BarStore` in one file, in WAL mode, which any SQLite tool can read (view `bars`).

    `create` creates the file, and the tables in an empty one. `read_only` refuses writes, and leaves the
    bytes of the file and of its log as they are. Raises StoreError if the file is missing, is not a store, or
    was made by a newer tapedeck.
    """

    def __init__(self, path: Path, *, create: bool = False, read_only: bool = False) -> None:
        self._path = path
        self._read_only = read_only
        # As of the last read that found no facts, so that runs without any need not look again.
        self._state_without_facts: FilesState | None = None
        self._quotes = SqliteQuoteStore(path, self._answer, self._in_transaction, self._is_in_transaction)
        if create:
            self._create()
        check_log(path)
        [identity] = self._rows(IDENTITY_QUERY)
        self._has_checks = check_identity(path, identity) >= SCHEMA_VERSION

    @property
    def location(self) -> Path:
        """The file of the bars."""
        return self._path

    @property
    def parallel_scans(self) -> int:
        """Two: SQLite decodes rows without the interpreter's lock, so a second core helps."""
        return 2

    @property
    def quotes(self) -> SqliteQuoteStore:
        """The quotes beside the bars, in the table `quotes`."""
        return self._quotes

    def series(self) -> Mapping[str, frozenset[Interval]]:
        """Return the stored base intervals of each symbol, symbols in sorted order."""
        catalog: Catalog = self._answer(
            Library.NATIVE, lambda answers: Catalog.read(self._path, answers, has_checks=self._has_checks)
        )
        symbols = {number: symbol for symbol, number in catalog.ids.items()}
        found: dict[str, set[Interval]] = {}
        for number, word in catalog.series:
            found.setdefault(symbols[number], set()).add(Interval.parse(word))
        return {symbol: frozenset(found[symbol]) for symbol in sorted(found)}

    def intervals_of(self, symbols: Sequence[str]) -> Mapping[str, frozenset[Interval]]:
        """Return the stored base intervals of a few symbols; see `BarStore.intervals_of`."""
        found: list[frozenset[Interval]] = self._answer(
            Library.NATIVE,
            lambda answers: intervals_of(self._path, answers, symbols, has_checks=self._has_checks),
        )
        return dict(zip(symbols, found, strict=True))

    def scan(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> Iterator[BarBatch]:
        """Yield the bars of many symbols with `start <= opened_at < end`, in batches, as one consistent read.

        If another thread waits to write, the rest of the scan is read into memory. Raises StoreDamagedError
        after the last batch if the bars differ from their checksums.
        """
        gate, request = self._gate(), self._request(symbols, interval, start, end)
        read = CheckedRead(request)
        if connection := _connection_in_transaction(gate):
            with native_errors_explained(self._path):
                batches = iter([NativeAnswers(self._path, connection).columns(request.query())])
            yield from filter(_has_bars, map(read.bars, batches))
        else:
            scan = ArrowScan(gate, self._path, request.query(), read_only=self._read_only)
            try:
                yield from filter(_has_bars, map(read.bars, self._arrays(scan)))
            finally:
                scan.close()
        if missing := read.finish():
            self._answer(Library.NATIVE, lambda answers: check_missing(self._path, answers, missing))

    def watch(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> BarWatch:
        """Watch the bars and facts of many symbols with `start <= opened_at < end` for changes.

        In a store without checksums changes of bars are not noticed.
        """

        def sums(first: int, after: int) -> SpanSums:
            request = self._request(symbols, interval, first, after)

            def read(answers: Answers) -> SpanSums:
                facts = slot_sums(answers, symbols, interval, first, after)
                return SpanSums.total([stored_sums(answers, request), facts])

            found: SpanSums = self._answer(Library.ARROW, read)
            return found

        return SqliteWatch(self._path, symbols, interval, (start, end), sums)

    def read(self, symbol: str, interval: Interval, start: int, end: int) -> BarColumns:
        """Return the bars of one symbol with `start <= opened_at < end`, oldest first; empty if none."""
        request = self._request([symbol], interval, start, end)
        bars: BarColumns = self._answer(
            Library.ARROW, lambda answers: read_sorted(self._path, answers, request)
        )
        return bars

    def first_at_or_after(self, symbol: str, interval: Interval, start: int) -> int | None:
        """Return `opened_at` of the first bar at or after `start`, or None."""
        return self._nearest(symbol, interval, start, is_forward=True)

    def last_before(self, symbol: str, interval: Interval, end: int) -> int | None:
        """Return `opened_at` of the last bar before `end`, or None."""
        return self._nearest(symbol, interval, end, is_forward=False)

    def write(
        self, symbol: str, interval: Interval, bars: BarColumns, *, replace: bool = False
    ) -> WriteResult:
        """Store bars (sorted, without duplicate times) in one transaction; see `BarStore.write`."""
        bars = checked(symbol, interval, bars)
        with self._writing() as batch, batch.transaction() as connection:
            if not len(bars):
                return WriteResult(0, 0, 0, np.empty(0, np.int64))
            with native_errors_explained(self._path):
                found = write_bars(self._path, connection, symbol, interval, bars, replace=replace)
        return found.result(replace=replace)

    def write_many(self, symbols: Sequence[str], interval: Interval, rows: Ints, bars: BarColumns) -> None:
        """Store bars of many symbols in one transaction, over other values; see `ManySymbolWriter`."""
        bars = checked_many(symbols, interval, rows, bars)
        if len(bars):
            with self._in_transaction() as connection:
                for first in range(0, len(bars), _BARS_AT_ONCE):
                    part = slice(first, first + _BARS_AT_ONCE)
                    write_bars_of_many(
                        self._path, connection, symbols, interval, rows[part], take(bars, part)
                    )

    def confirm_empty(self, symbol: str, interval: Interval, opened_at: Ints) -> None:
        """Store facts in one transaction; see `BarStore.confirm_empty`."""
        times = checked_slots(symbol, interval, opened_at)
        with self._in_transaction() as connection:
            if len(times):
                self._state_without_facts = None
                add_slots(self._path, connection, symbol, interval, times)

    def empty_slots(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> EmptySlots:
        """Return the facts with `start <= opened_at < end`; see `BarStore.empty_slots`."""
        check_interval(interval)
        state = state_of(self._path)
        if state == self._state_without_facts and not _connection_in_transaction(self._gate()):
            return joined_slots([])

        def read(answers: Answers) -> EmptySlots:
            if has_slots(answers):
                return read_slots(self._path, answers, symbols, interval, start, end)
            self._state_without_facts = state
            return joined_slots([])

        found: EmptySlots = self._answer(Library.NATIVE, read)
        return found

    @property
    def has_checks(self) -> bool:
        """Whether all bars have checksums; False for a store of an earlier version."""
        return self._has_checks

    def spans(self, symbol: str, interval: Interval) -> SpanSums | None:
        """Return numbers and checksums of a series' bars by span of time; None in a store without any."""
        if not self._has_checks:
            return None
        request = self._request([symbol], interval, *ALWAYS)
        found: SpanSums = self._answer(Library.ARROW, lambda answers: stored_sums(answers, request))
        return found

    def verify(self) -> Iterator[CheckedSeries | Damage]:
        """Read everything, and yield each series, and damage to other parts of the file."""
        try:
            series = self.series()
        except StoreDamagedError as error:
            yield Damage(str(self._path), str(error.__cause__ or error))
            return
        for symbol, intervals in series.items():
            for interval in sorted(intervals):
                if self._has_checks:
                    yield verified_series(self._path, partial(self._answer, Library.ARROW), symbol, interval)
                else:
                    yield CheckedSeries(symbol, interval, len(self.read(symbol, interval, *ALWAYS)), ())
        yield from self._answer(Library.NATIVE, lambda answers: list(damaged_slots(self._path, answers)))
        yield from self._answer(Library.NATIVE, lambda answers: list(damaged_quotes(self._path, answers)))
        for [fault] in self._rows("PRAGMA integrity_check(20)"):
            if fault != "ok":
                yield Damage(str(self._path), f"SQLite: {fault}")

    def accept(self) -> Generator[tuple[str, Interval], None, None]:
        """Store checksums of the bars as they are, in one transaction; yield each series beforehand.

        Damaged facts are dropped: nothing tells what they were.
        """
        with self._in_transaction() as connection:
            yield from write_all_sums(connection)
            drop_damaged_slots(self._path, connection)
            write_all_quote_sums(connection)
        self._has_checks = True

    def remove(self, symbol: str, interval: Interval, start: int, end: int) -> int:
        """Remove bars, facts and quotes of `[start, end)` in one transaction; return the number of bars."""
        check_interval(interval)
        with self._in_transaction() as connection:
            remove_quotes(connection, symbol, interval, start, end)
            remove_slots(self._path, connection, symbol, interval, start, end)
            return remove_bars(self._path, connection, symbol, interval, start, end)

    def rewrite(self, damage: Sequence[Damage], bars: BarColumns) -> None:
        """Replace the bars of one series in the ranges of damage; see `CheckedStore.rewrite`."""
        with self._in_transaction() as connection:
            rewrite_bars(self._path, connection, damage, bars)

    @contextmanager
    def batch(self, *, atomic: bool = False) -> Iterator[None]:
        """Keep one connection open for the writes of this thread; see `BarStore.batch`.

        Each write outside an atomic block is a separate transaction. If another thread waits for a bulk
        read, the connection is closed between two transactions, and opened again.
        """
        with self._writing() as batch, batch.transaction() if atomic else nullcontext():
            yield

    def close(self) -> None:
        """Do nothing: connections are closed when the call, scan or batch that opened them ends."""

    def __enter__(self) -> SqliteStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _in_transaction(self) -> Iterator[sqlite3.Connection]:
        with self._writing() as batch, batch.transaction() as connection, native_errors_explained(self._path):
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[WriteBatch]:
        """Yield this thread's batch on the file, a new one if it has none."""
        gate = self._gate()
        batch = batch_of_thread(gate)
        if batch is not None:
            yield batch
            return
        self._check_writable()
        with opened_batch(gate, self._path) as batch:
            yield batch

    def _gate(self) -> FileGate:
        try:
            return gate_of(self._path)
        except OSError as error:
            raise StoreError(
                f"{self._path} cannot be reached: {cause_of(error)}. If it was moved, give its new path "
                "with --store"
            ) from error

    def _answer(self, preferred: Library, read: Read) -> Any:  # noqa: ANN401  # as `read` returns
        """Run a short read through the library that has the file open, or else through `preferred`."""
        gate = self._gate()
        if connection := _connection_in_transaction(gate):
            with native_errors_explained(self._path):
                return read(NativeAnswers(self._path, connection))
        with gate.entered(preferred, or_other=True) as holder:
            if holder.library is Library.NATIVE:
                opened = open_native(self._path, read_only=self._read_only)
                with closing(opened) as connection, native_errors_explained(self._path):
                    connection.execute("BEGIN")
                    return read(NativeAnswers(self._path, connection))
            opened_arrow = ArrowConnection(self._path, read_only=self._read_only)
            with closing(opened_arrow) as arrow, arrow_errors_explained(self._path):
                arrow.begin()
                return read(ArrowAnswers(self._path, arrow))

    def _is_in_transaction(self) -> bool:
        return _connection_in_transaction(self._gate()) is not None

    def _rows(self, sql: str) -> list[Any]:
        # Small results are faster, and need fewer imports, with sqlite3.
        rows: list[Any] = self._answer(Library.NATIVE, lambda answers: answers.rows(sql))
        return rows

    def _nearest(self, symbol: str, interval: Interval, time: int, *, is_forward: bool) -> int | None:
        def read(answers: Answers) -> int | None:
            return nearest_bar(
                self._path,
                answers,
                symbol,
                interval,
                time,
                is_forward=is_forward,
                has_checks=self._has_checks,
            )

        found: int | None = self._answer(Library.NATIVE, read)
        return found

    def _request(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> Request:
        check_interval(interval)
        return Request(self._path, symbols, interval, start, end, self._has_checks)

    def _arrays(self, scan: ArrowScan) -> Iterator[list[Any]]:
        for batch in scan:
            with arrow_errors_explained(self._path), wrong_types_explained(self._path):
                arrays = arrays_of(batch.schema.names, batch.columns)
            yield arrays

    def _create(self) -> None:
        make_file(self._path)
        gate = self._gate()
        [identity] = self._rows(IDENTITY_QUERY)
        if not is_identity_of_empty(identity):
            return
        self._check_writable()
        with (
            gate.entered(Library.NATIVE),
            gate.write_lock,
            closing(open_native(self._path)) as connection,
            native_errors_explained(self._path),
        ):
            make_tables(connection)

    def _check_writable(self) -> None:
        if self._read_only:
            raise StoreError(f"{self._path} was opened for reading only")
        if is_writable(self._path):
            return
        folder, name = self._path.parent, self._path.name
        fault = f"the file {name}" if os.access(folder, os.W_OK) else f"its folder {folder}"
        raise StoreError(
            f"{self._path} can be read, but not written: no permission to write {fault}. "
            "Change the permission, or copy the database to another location"
        )


def _connection_in_transaction(gate: FileGate) -> sqlite3.Connection | None:
    batch = batch_of_thread(gate)
    return None if batch is None else batch.connection_in_transaction


def _has_bars(batch: BarBatch) -> bool:
    return len(batch.bars) > 0
