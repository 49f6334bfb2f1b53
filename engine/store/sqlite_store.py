"""Bars in one SQLite file: written through sqlite3, read in bulk through ADBC."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import repeat
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from engine.errors import StoreError
from engine.intervals import Interval
from engine.store.bar_diff import (
    COLUMN_NAMES,
    VALUE_NAMES,
    BarDifference,
    check_interval,
    checked,
    compare,
    empty_bars,
    take,
)
from engine.store.bar_store import BarBatch, BarColumns, Ints, WriteResult
from engine.store.sqlite_connections import (
    ArrowConnection,
    arrow_errors_explained,
    is_writable,
    native_errors_explained,
    open_native,
)
from engine.store.sqlite_gate import FileGate, Library, gate_of
from engine.store.sqlite_scan import ArrowScan
from engine.store.sqlite_schema import (
    IDENTITY_QUERY,
    bars_table,
    check_identity,
    is_identity_of_empty,
    make_file,
    make_tables,
)
from engine.store.sqlite_writing import WriteBatch

_COLUMNS = ", ".join(COLUMN_NAMES)


class SqliteStore:
    """A `BarStore` in one file, in WAL mode, which any SQLite tool can read (view `bars`).

    `create` makes the file, and fills an empty one with tables. Raises StoreError where the file is missing,
    is something else, or was made by a newer tapedeck.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self._path = path
        if create:
            self._create()
        [identity] = self._rows(IDENTITY_QUERY)
        check_identity(path, identity)

    @property
    def location(self) -> Path:
        """The file that holds the bars."""
        return self._path

    def series(self) -> Mapping[str, frozenset[Interval]]:
        """Return which base intervals are stored for each symbol, symbols in sorted order."""
        found: dict[str, set[Interval]] = {}
        for symbol, interval in self._rows(
            "SELECT symbol, interval FROM series JOIN symbols ON symbols.id = symbol_id ORDER BY symbol"
        ):
            found.setdefault(symbol, set()).add(Interval.parse(interval))
        return {symbol: frozenset(intervals) for symbol, intervals in found.items()}

    def scan(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> Iterator[BarBatch]:
        """Give the bars of many symbols with `start <= opened_at < end`, in batches, as one consistent read.

        A scan that another thread's write has to wait for is read into memory to its end.
        """
        check_interval(interval)
        # The outer loop is over the symbols, the inner one a range of the primary key; nothing is sorted.
        sql = (
            f"SELECT wanted.key AS row, {_COLUMNS} FROM json_each({_quoted(json.dumps(list(symbols)))}) AS wanted "
            "CROSS JOIN symbols ON symbols.symbol = wanted.value "
            f"CROSS JOIN {bars_table(interval)} AS bars ON bars.symbol_id = symbols.id "
            f"WHERE opened_at >= {int(start)} AND opened_at < {int(end)}"
        )
        gate = self._gate()
        if connection := _connection_in_transaction(gate):
            rows, *columns = _native_columns(connection, sql)
            yield BarBatch(rows, BarColumns(*columns))
            return
        scan = ArrowScan(gate, self._path, sql)
        try:
            for batch in scan:
                if batch.num_rows:
                    rows, *columns = (column.to_numpy() for column in batch.columns)
                    yield BarBatch(rows, BarColumns(*columns))
        finally:
            scan.close()

    def read(self, symbol: str, interval: Interval, start: int, end: int) -> BarColumns:
        """Return the bars of one symbol with `start <= opened_at < end`, oldest first; empty if none."""
        sql = f"SELECT {_COLUMNS} {_of_symbol(symbol, interval)} AND opened_at >= {int(start)} "
        sql += f"AND opened_at < {int(end)} ORDER BY opened_at"
        return BarColumns(*self._query(sql, Library.ARROW, _native_columns, _arrow_columns))

    def first_at_or_after(self, symbol: str, interval: Interval, start: int) -> int | None:
        """Return `opened_at` of the first bar at or after `start`, or None where there is none."""
        return self._instant(
            f"SELECT opened_at {_of_symbol(symbol, interval)} AND opened_at >= {int(start)} "
            "ORDER BY opened_at LIMIT 1"
        )

    def last_before(self, symbol: str, interval: Interval, end: int) -> int | None:
        """Return `opened_at` of the last bar before `end`, or None where there is none."""
        return self._instant(
            f"SELECT opened_at {_of_symbol(symbol, interval)} AND opened_at < {int(end)} "
            "ORDER BY opened_at DESC LIMIT 1"
        )

    def write(
        self, symbol: str, interval: Interval, bars: BarColumns, *, replace: bool = False
    ) -> WriteResult:
        """Store bars (sorted, no time twice) in one transaction; see `BarStore.write`."""
        bars = checked(symbol, interval, bars)
        with self.batch(atomic=True):
            connection = _connection_in_transaction(self._gate())
            assert connection is not None  # the atomic batch has just opened it
            if not len(bars):
                return WriteResult(0, 0, 0, np.empty(0, np.int64))
            with native_errors_explained(self._path):
                symbol_id = _symbol_id(connection, symbol, interval)
                difference = _difference(connection, symbol_id, interval, bars)
                _insert(connection, symbol_id, interval, take(bars, difference.new))
                if replace:
                    _insert(connection, symbol_id, interval, take(bars, difference.conflicts))
        return difference.result(replace=replace)

    @contextmanager
    def batch(self, *, atomic: bool = False) -> Iterator[None]:
        """Keep one connection open for the writes of this thread; see `BarStore.batch`.

        Each write outside an atomic block is a transaction of its own. When another thread wants to read
        in bulk meanwhile, the connection is closed between two transactions, and opened again.
        """
        gate = self._gate()
        self._check_writable()
        batch = gate.batch
        outermost = batch is None
        if batch is None:
            batch = gate.batch = WriteBatch(gate, self._path)
        try:
            if atomic:
                with batch.transaction():
                    yield
            else:
                yield
        finally:
            if outermost:
                gate.batch = None
                batch.close()

    def close(self) -> None:
        """Do nothing: connections are closed when the call, scan or batch that opened them ends."""

    def __enter__(self) -> SqliteStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _gate(self) -> FileGate:
        try:
            return gate_of(self._path)
        except OSError as error:
            raise StoreError(
                f"{self._path} cannot be reached: {error.strerror}. If it was moved, name its new place with --store"
            ) from error

    def _query(
        self,
        sql: str,
        preferred: Library,
        native: Callable[[sqlite3.Connection, str], list[Any]],
        arrow: Callable[[ArrowConnection, str], list[Any]],
    ) -> list[Any]:
        """Answer a short query through whichever library has the file open, else through `preferred`."""
        gate = self._gate()
        if connection := _connection_in_transaction(gate):
            return native(connection, sql)
        with gate.entered(preferred, or_other=True) as holder:
            if holder.library is Library.ARROW:
                with closing(ArrowConnection(self._path)) as arrow_connection:
                    with arrow_errors_explained(self._path):
                        return arrow(arrow_connection, sql)
            with closing(open_native(self._path)) as connection, native_errors_explained(self._path):
                return native(connection, sql)

    def _rows(self, sql: str) -> list[Any]:
        # Small answers are quicker, and need fewer imports, with sqlite3.
        return self._query(sql, Library.NATIVE, _native_rows, _arrow_rows)

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
        with gate.entered(Library.NATIVE), gate.write_lock, native_errors_explained(self._path):
            with closing(open_native(self._path)) as connection:
                make_tables(connection)

    def _check_writable(self) -> None:
        if is_writable(self._path):
            return
        folder, name = self._path.parent, self._path.name
        fault = f"the file {name}" if os.access(folder, os.W_OK) else f"its folder {folder}"
        raise StoreError(
            f"{self._path} can be read, but not written: no permission to write {fault}. "
            "Change the permission, or copy the database to a place of yours"
        )


def _connection_in_transaction(gate: FileGate) -> sqlite3.Connection | None:
    return gate.batch.connection_in_transaction if gate.batch else None


def _of_symbol(symbol: str, interval: Interval) -> str:
    check_interval(interval)
    return f"FROM {bars_table(interval)} WHERE symbol_id = (SELECT id FROM symbols WHERE symbol = {_quoted(symbol)})"


def _quoted(text: str) -> str:
    return "'" + text.replace("\x00", "\ufffd").replace("'", "''") + "'"


def _native_rows(connection: sqlite3.Connection, sql: str) -> list[Any]:
    return connection.execute(sql).fetchall()


def _arrow_rows(connection: ArrowConnection, sql: str) -> list[Any]:
    table = connection.query(sql).read_all()
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def _native_columns(connection: sqlite3.Connection, sql: str) -> list[Any]:
    cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description]
    columns = list(zip(*cursor, strict=True)) or [()] * len(names)
    return [
        np.array(column, np.float64 if name in VALUE_NAMES else np.int64)
        for name, column in zip(names, columns, strict=True)
    ]


def _arrow_columns(connection: ArrowConnection, sql: str) -> list[Any]:
    table = connection.query(sql).read_all()
    # An empty answer has no types of its own.
    return [
        column.to_numpy().astype(np.float64 if name in VALUE_NAMES else np.int64, copy=False)
        for name, column in zip(table.column_names, table.columns, strict=True)
    ]


def _symbol_id(connection: sqlite3.Connection, symbol: str, interval: Interval) -> int:
    connection.execute("INSERT INTO symbols(symbol) VALUES (?) ON CONFLICT DO NOTHING", (symbol,))
    [[symbol_id]] = connection.execute("SELECT id FROM symbols WHERE symbol = ?", (symbol,))
    connection.execute("INSERT INTO series VALUES (?, ?) ON CONFLICT DO NOTHING", (symbol_id, str(interval)))
    return int(symbol_id)


def _difference(
    connection: sqlite3.Connection, symbol_id: int, interval: Interval, bars: BarColumns
) -> BarDifference:
    table = bars_table(interval)
    span = (symbol_id, int(bars.opened_at[0]), int(bars.opened_at[-1]))
    beside = f"SELECT 1 FROM {table} WHERE symbol_id = ? AND opened_at BETWEEN ? AND ? LIMIT 1"
    if connection.execute(beside, span).fetchone() is None:
        return compare(bars, np.empty(0, np.int64), empty_bars())
    # One look-up per incoming bar, whatever lies between them: a correction of two bars ten years apart
    # does not read ten years.
    sql = (
        f"SELECT wanted.key AS position, {_COLUMNS} FROM json_each({_quoted(json.dumps(bars.opened_at.tolist()))}) "
        f"AS wanted CROSS JOIN {table} ON symbol_id = {symbol_id} AND opened_at = wanted.value"
    )
    positions, *columns = _native_columns(connection, sql)
    return compare(bars, positions, BarColumns(*columns))


def _insert(connection: sqlite3.Connection, symbol_id: int, interval: Interval, bars: BarColumns) -> None:
    columns: list[Ints] = [getattr(bars, name) for name in COLUMN_NAMES]
    connection.executemany(
        f"INSERT OR REPLACE INTO {bars_table(interval)} VALUES (?, ?, ?, ?, ?, ?, ?)",
        zip(repeat(symbol_id), *(column.tolist() for column in columns)),  # noqa: B905 - repeat has no end
    )
