"""Queries of an SQLite store, with results as rows or arrays, for both libraries."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from itertools import repeat
from typing import Any, Final

import numpy as np

from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_diff import (
    COLUMN_NAMES,
    VALUE_NAMES,
    BarDifference,
    check_interval,
    compare,
    difference,
)
from tapedeck.engine.store.bar_store import BarColumns, Ints
from tapedeck.engine.store.sqlite_connections import ArrowConnection
from tapedeck.engine.store.sqlite_schema import bars_table

SERIES_QUERY: Final = (
    "SELECT symbol, interval FROM series JOIN symbols ON symbols.id = symbol_id ORDER BY symbol"
)
_COLUMNS: Final = ", ".join(COLUMN_NAMES)


def scan_query(symbols: Sequence[str], interval: Interval, start: int, end: int) -> str:
    """Return the query for the bars of many symbols, unsorted, each with the symbol's position first."""
    check_interval(interval)
    # The outer loops are over the symbols, the inner one over a range of the primary key.
    requested = _quoted(json.dumps(list(symbols)))
    return (
        f"SELECT requested.key AS row, {_COLUMNS} FROM json_each({requested}) AS requested "
        "CROSS JOIN symbols ON symbols.symbol = requested.value "
        f"CROSS JOIN {bars_table(interval)} AS bars ON bars.symbol_id = symbols.id "
        f"WHERE opened_at >= {int(start)} AND opened_at < {int(end)}"
    )


def read_query(symbol: str, interval: Interval, start: int, end: int) -> str:
    """Return the query for the bars of one symbol, oldest first."""
    bounds = f"opened_at >= {int(start)} AND opened_at < {int(end)}"
    return f"SELECT {_COLUMNS} {_of_symbol(symbol, interval)} AND {bounds} ORDER BY opened_at"


def first_query(symbol: str, interval: Interval, start: int) -> str:
    """Return the query for the time of the first bar at or after `start`."""
    later = f"{_of_symbol(symbol, interval)} AND opened_at >= {int(start)}"
    return f"SELECT opened_at {later} ORDER BY opened_at LIMIT 1"


def last_query(symbol: str, interval: Interval, end: int) -> str:
    """Return the query for the time of the last bar before `end`."""
    earlier = f"{_of_symbol(symbol, interval)} AND opened_at < {int(end)}"
    return f"SELECT opened_at {earlier} ORDER BY opened_at DESC LIMIT 1"


def native_rows(connection: sqlite3.Connection, sql: str) -> list[Any]:
    """Return the result as rows."""
    return connection.execute(sql).fetchall()


def arrow_rows(connection: ArrowConnection, sql: str) -> list[Any]:
    """Return the result as rows."""
    table = connection.query(sql).read_all()
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def native_columns(connection: sqlite3.Connection, sql: str, parameters: Sequence[int] = ()) -> list[Any]:
    """Return the result as arrays: float64 for prices and volume, int64 for other columns."""
    cursor = connection.execute(sql, parameters)
    types = [(name, np.float64 if name in VALUE_NAMES else np.int64) for name, *_ in cursor.description]
    table = np.fromiter(cursor, np.dtype(types))
    return [np.ascontiguousarray(table[name]) for name, _ in types]


def arrow_columns(connection: ArrowConnection, sql: str) -> list[Any]:
    """Return the result as arrays: float64 for prices and volume, int64 for other columns."""
    table = connection.query(sql).read_all()
    # The columns of an empty result have no types.
    return [
        column.to_numpy().astype(np.float64 if name in VALUE_NAMES else np.int64, copy=False)
        for name, column in zip(table.column_names, table.columns, strict=True)
    ]


def symbol_id_of(connection: sqlite3.Connection, symbol: str, interval: Interval) -> int:
    """Return the id of `symbol`, and register that it has bars of `interval`."""
    connection.execute("INSERT INTO symbols(symbol) VALUES (?) ON CONFLICT DO NOTHING", (symbol,))
    [[symbol_id]] = connection.execute("SELECT id FROM symbols WHERE symbol = ?", (symbol,))
    connection.execute("INSERT INTO series VALUES (?, ?) ON CONFLICT DO NOTHING", (symbol_id, str(interval)))
    return int(symbol_id)


def stored_difference(
    connection: sqlite3.Connection, symbol_id: int, interval: Interval, bars: BarColumns
) -> BarDifference:
    """Compare bars (at least one) with the stored ones."""
    table = bars_table(interval)
    span = (symbol_id, int(bars.opened_at[0]), int(bars.opened_at[-1]))
    between = f"FROM {table} WHERE symbol_id = ? AND opened_at BETWEEN ? AND ?"
    limit = 2 * len(bars) + 1
    [[count]] = connection.execute(f"SELECT count(*) FROM (SELECT 1 {between} LIMIT ?)", (*span, limit))
    if count < limit:
        ordered = f"SELECT {_COLUMNS} {between} ORDER BY opened_at"
        return difference(bars, BarColumns(*native_columns(connection, ordered, span)))
    # Few bars over a long span: a look-up for each, so that a correction of two bars ten years apart is fast.
    times = bars.opened_at.tolist()
    sql = (
        f"SELECT requested.key AS position, {_COLUMNS} FROM json_each('{times}') AS requested "
        f"CROSS JOIN {table} ON symbol_id = {symbol_id} AND opened_at = requested.value"
    )
    positions, *columns = native_columns(connection, sql)
    return compare(bars, positions, BarColumns(*columns))


def put(connection: sqlite3.Connection, symbol_id: int, interval: Interval, bars: BarColumns) -> None:
    """Insert bars, overwriting stored ones of the same times."""
    columns: list[Ints] = [getattr(bars, name) for name in COLUMN_NAMES]
    connection.executemany(
        f"INSERT OR REPLACE INTO {bars_table(interval)} VALUES (?, ?, ?, ?, ?, ?, ?)",
        zip(repeat(symbol_id), *(column.tolist() for column in columns)),
    )


def _of_symbol(symbol: str, interval: Interval) -> str:
    check_interval(interval)
    symbol_id = f"(SELECT id FROM symbols WHERE symbol = {_quoted(symbol)})"
    return f"FROM {bars_table(interval)} WHERE symbol_id = {symbol_id}"


def _quoted(text: str) -> str:
    return "'" + text.replace("\x00", "\ufffd").replace("'", "''") + "'"
