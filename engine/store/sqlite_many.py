"""Writes of few bars of many symbols to an SQLite store, as a recording has them: one pass for all."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from itertools import repeat
from pathlib import Path

import numpy as np

from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_diff import COLUMN_NAMES, BarDifference, compare, take
from tapedeck.engine.store.bar_store import BarColumns, Ints
from tapedeck.engine.store.checksums import SpanSums, SumAdder
from tapedeck.engine.store.sqlite_answers import native_columns
from tapedeck.engine.store.sqlite_checks import seed_of_series
from tapedeck.engine.store.sqlite_schema import bars_table
from tapedeck.engine.store.sqlite_sums import are_there_checks, symbol_id_of, write_bars


def write_bars_of_many(
    path: Path,
    connection: sqlite3.Connection,
    symbols: Sequence[str],
    interval: Interval,
    rows: Ints,
    bars: BarColumns,
) -> None:
    """Store bars of many symbols in the open transaction, over other values, as `write_bars` of each.

    `rows`: position of each bar's symbol; bars are sorted by row, then time, without duplicates. Raises
    StoreDamagedError where a bar is stored with other values on a day that is damaged.
    """
    has_checks = are_there_checks(connection)
    used = np.unique(rows)
    ids = np.zeros(len(symbols), np.int64)
    ids[used] = _ids_of(connection, [symbols[row] for row in used.tolist()], interval, has_checks=has_checks)
    found = _stored_difference(connection, ids[rows], interval, bars)
    # Changes of stored bars are few; what they take with checksums is written for one symbol.
    has_changes = np.isin(rows, rows[found.conflicts])
    new = found.new[~has_changes[found.new]]
    _put(connection, ids[rows[new]], interval, take(bars, new))
    if has_checks and len(new):
        _add_sums(connection, ids, symbols, interval, rows[new], take(bars, new))
    for row in np.unique(rows[has_changes]).tolist():
        own = take(bars, np.flatnonzero(rows == row))
        write_bars(path, connection, symbols[row], interval, own, replace=True)


def _ids_of(
    connection: sqlite3.Connection, symbols: Sequence[str], interval: Interval, *, has_checks: bool
) -> list[int]:
    """Return the ids of symbols, and register those that are new, or have no bars of the interval yet."""
    known = dict(
        connection.execute(
            "SELECT requested.key, symbols.id FROM json_each(?) AS requested "
            "CROSS JOIN symbols ON symbols.symbol = requested.value "
            "JOIN series ON series.symbol_id = symbols.id AND series.interval = ?",
            (json.dumps(symbols), str(interval)),
        )
    )
    return [
        known[at] if at in known else symbol_id_of(connection, symbol, interval, has_checks=has_checks)
        for at, symbol in enumerate(symbols)
    ]


def _stored_difference(
    connection: sqlite3.Connection, ids: Ints, interval: Interval, bars: BarColumns
) -> BarDifference:
    """Compare bars, of the symbol with an id each, with the stored ones of their times."""
    sql = (
        f"SELECT requested.key AS position, {', '.join(COLUMN_NAMES)} FROM json_each(?) AS requested "
        f"CROSS JOIN {bars_table(interval)} ON symbol_id = json_extract(requested.value, '$[0]') "
        "AND opened_at = json_extract(requested.value, '$[1]')"
    )
    positions, *columns = native_columns(connection, sql, [_pairs(ids, bars.opened_at)])
    return compare(bars, positions, BarColumns(*columns))


def _put(connection: sqlite3.Connection, ids: Ints, interval: Interval, bars: BarColumns) -> None:
    columns: list[Ints] = [getattr(bars, name) for name in COLUMN_NAMES]
    connection.executemany(
        f"INSERT INTO {bars_table(interval)} VALUES (?, ?, ?, ?, ?, ?, ?)",
        zip(ids.tolist(), *(column.tolist() for column in columns), strict=True),
    )


def _add_sums(
    connection: sqlite3.Connection,
    ids: Ints,
    symbols: Sequence[str],
    interval: Interval,
    rows: Ints,
    bars: BarColumns,
) -> None:
    """Add new bars to the checksums of their symbols and spans."""
    adder = SumAdder(interval)
    adder.add(rows, bars)
    new = adder.total()
    seeds = np.zeros(len(symbols), np.int64)
    for row in np.unique(rows).tolist():
        seeds[row] = seed_of_series(symbols[row], interval)
    new = new.bound_to(seeds)
    sql = (
        "SELECT requested.key AS position, bars, sum FROM json_each(?) AS requested CROSS JOIN day_sums "
        "ON symbol_id = json_extract(requested.value, '$[0]') AND interval = ? "
        "AND since = json_extract(requested.value, '$[1]')"
    )
    at, counts, sums = native_columns(connection, sql, [_pairs(ids[new.rows], new.since), str(interval)])
    total = SpanSums.total([new, SpanSums(new.rows[at], new.since[at], counts, sums)])
    connection.executemany(
        "INSERT OR REPLACE INTO day_sums VALUES (?, ?, ?, ?, ?)",
        zip(
            ids[total.rows].tolist(),
            repeat(str(interval)),
            total.since.tolist(),
            total.bars.tolist(),
            total.sums.tolist(),
        ),
    )


def _pairs(ids: Ints, times: Ints) -> str:
    return json.dumps(np.stack([ids, times], axis=1).tolist())
