"""SQLite store: bars in one file, written through sqlite3, read in bulk through ADBC."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from tapedeck.engine.errors import StoreError, cause_of
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_diff import checked, take
from tapedeck.engine.store.bar_store import BarBatch, BarColumns, WriteResult
from tapedeck.engine.store.sqlite_connections import (
    ArrowConnection,
    arrow_errors_explained,
    is_writable,
    native_errors_explained,
    open_native,
)
from tapedeck.engine.store.sqlite_gate import FileGate, Library, gate_of
from tapedeck.engine.store.sqlite_queries import (
    SERIES_QUERY,
    arrow_columns,
    arrow_rows,
    first_query,
    last_query,
    native_columns,
    native_rows,
    put,
    read_query,
    scan_query,
    stored_difference,
    symbol_id_of,
)
from tapedeck.engine.store.sqlite_scan import ArrowScan
from tapedeck.engine.store.sqlite_schema import (
    IDENTITY_QUERY,
    check_identity,
    is_identity_of_empty,
    make_file,
    make_tables,
)
from tapedeck.engine.store.sqlite_writing import WriteBatch, batch_of_thread, opened_batch


class SqliteStore:
    """A `BarStore` in one file, in WAL mode, which any SQLite tool can read (view `bars`).

    `create` creates the file, and the tables in an empty one. Raises StoreError if the file is missing,
    is not a store, or was made by a newer tapedeck.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self._path = path
        if create:
            self._create()
        [identity] = self._rows(IDENTITY_QUERY)
        check_identity(path, identity)

    @property
    def location(self) -> Path:
        """The file of the bars."""
        return self._path

    @property
    def parallel_scans(self) -> int:
        """Two: SQLite decodes rows without the interpreter's lock, so a second core helps."""
        return 2

    def series(self) -> Mapping[str, frozenset[Interval]]:
        """Return the stored base intervals of each symbol, symbols in sorted order."""
        found: dict[str, set[Interval]] = {}
        for symbol, interval in self._rows(SERIES_QUERY):
            found.setdefault(symbol, set()).add(Interval.parse(interval))
        return {symbol: frozenset(intervals) for symbol, intervals in found.items()}

    def scan(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> Iterator[BarBatch]:
        """Yield the bars of many symbols with `start <= opened_at < end`, in batches, as one consistent read.

        If another thread waits to write, the rest of the scan is read into memory.
        """
        sql = scan_query(symbols, interval, start, end)
        gate = self._gate()
        if connection := _connection_in_transaction(gate):
            rows, *columns = native_columns(connection, sql)
            yield BarBatch(rows, BarColumns(*columns))
            return
        scan = ArrowScan(gate, self._path, sql)
        try:
            for batch in scan:
                rows, *columns = (column.to_numpy() for column in batch.columns)
                yield BarBatch(rows, BarColumns(*columns))
        finally:
            scan.close()

    def read(self, symbol: str, interval: Interval, start: int, end: int) -> BarColumns:
        """Return the bars of one symbol with `start <= opened_at < end`, oldest first; empty if none."""
        sql = read_query(symbol, interval, start, end)
        return BarColumns(*self._query(sql, Library.ARROW, native_columns, arrow_columns))

    def first_at_or_after(self, symbol: str, interval: Interval, start: int) -> int | None:
        """Return `opened_at` of the first bar at or after `start`, or None."""
        return self._instant(first_query(symbol, interval, start))

    def last_before(self, symbol: str, interval: Interval, end: int) -> int | None:
        """Return `opened_at` of the last bar before `end`, or None."""
        return self._instant(last_query(symbol, interval, end))

    def write(
        self, symbol: str, interval: Interval, bars: BarColumns, *, replace: bool = False
    ) -> WriteResult:
        """Store bars (sorted, without duplicate times) in one transaction; see `BarStore.write`."""
        bars = checked(symbol, interval, bars)
        with self._writing() as batch, batch.transaction() as connection:
            if not len(bars):
                return WriteResult(0, 0, 0, np.empty(0, np.int64))
            with native_errors_explained(self._path):
                symbol_id = symbol_id_of(connection, symbol, interval)
                found = stored_difference(connection, symbol_id, interval, bars)
                put(connection, symbol_id, interval, take(bars, found.changed(replace=replace)))
        return found.result(replace=replace)

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

    def _query(
        self,
        sql: str,
        preferred: Library,
        native: Callable[[sqlite3.Connection, str], list[Any]],
        arrow: Callable[[ArrowConnection, str], list[Any]],
    ) -> list[Any]:
        """Run a short query through the library that has the file open, or else through `preferred`."""
        gate = self._gate()
        if connection := _connection_in_transaction(gate):
            return native(connection, sql)
        with gate.entered(preferred, or_other=True) as holder:
            if holder.library is Library.NATIVE:
                with closing(open_native(self._path)) as connection, native_errors_explained(self._path):
                    return native(connection, sql)
            with closing(ArrowConnection(self._path)) as arrow_connection, arrow_errors_explained(self._path):
                return arrow(arrow_connection, sql)

    def _rows(self, sql: str) -> list[Any]:
        # Small results are faster, and need fewer imports, with sqlite3.
        return self._query(sql, Library.NATIVE, native_rows, arrow_rows)

    def _instant(self, sql: str) -> int | None:
        rows = self._rows(sql)
        return int(rows[0][0]) if rows else None

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
