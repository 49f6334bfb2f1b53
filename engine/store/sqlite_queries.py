"""Queries of an SQLite store: first and last bars, comparison with stored bars, and writing them."""

from __future__ import annotations

import sqlite3
from itertools import repeat
from typing import Final

from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_diff import COLUMN_NAMES, BarDifference, compare, difference
from tapedeck.engine.store.bar_store import BarColumns, Ints
from tapedeck.engine.store.checksums import span_of
from tapedeck.engine.store.sqlite_answers import native_columns
from tapedeck.engine.store.sqlite_schema import bars_table

_COLUMNS: Final = ", ".join(COLUMN_NAMES)


def first_query(symbol_id: int, interval: Interval, start: int) -> str:
    """Return the query for the time of the first bar at or after `start`."""
    later = f"FROM {bars_table(interval)} WHERE symbol_id = {symbol_id} AND opened_at >= {int(start)}"
    return f"SELECT opened_at {later} ORDER BY opened_at LIMIT 1"


def last_query(symbol_id: int, interval: Interval, end: int) -> str:
    """Return the query for the time of the last bar before `end`."""
    earlier = f"FROM {bars_table(interval)} WHERE symbol_id = {symbol_id} AND opened_at < {int(end)}"
    return f"SELECT opened_at {earlier} ORDER BY opened_at DESC LIMIT 1"


def spans_query(symbol_id: int, interval: Interval, time: int, *, is_forward: bool) -> str:
    """Return the query for the starts of the two spans nearest to `time`: its own, and those on one side."""
    span = span_of(time, interval)
    bound, order = (f">= {span}", "ASC") if is_forward else (f"<= {span}", "DESC")
    return (
        f"SELECT since FROM day_sums WHERE symbol_id = {symbol_id} AND interval = '{interval}' "
        f"AND since {bound} ORDER BY since {order} LIMIT 2"
    )


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
