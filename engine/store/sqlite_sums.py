"""Writes of an SQLite store, each with the checksums of what it changes, in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import repeat
from pathlib import Path
from typing import Final

import numpy as np

from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_diff import COLUMN_NAMES, BarDifference, take
from tapedeck.engine.store.bar_store import BarColumns, Ints
from tapedeck.engine.store.checksums import SpanSums, as_signed, span_seconds, whole_spans
from tapedeck.engine.store.damage import Damage
from tapedeck.engine.store.sqlite_answers import NativeAnswers, native_columns
from tapedeck.engine.store.sqlite_checks import Catalog, Request, catalog_number, read_sorted, seed_of_series
from tapedeck.engine.store.sqlite_queries import put, stored_difference
from tapedeck.engine.store.sqlite_schema import SCHEMA_VERSION, add_check_tables, bars_table

ALWAYS: Final = (-(2**62), 2**62)
_SYMBOL, _SERIES = 0, 1  # kinds of entries of the lists


def write_bars(
    path: Path,
    connection: sqlite3.Connection,
    symbol: str,
    interval: Interval,
    bars: BarColumns,
    *,
    replace: bool,
) -> BarDifference:
    """Store bars (at least one) in the open transaction; return the changes.

    Raises StoreDamagedError where a bar is stored with other values on a day that is damaged.
    """
    has_checks = are_there_checks(connection)
    symbol_id = symbol_id_of(connection, symbol, interval, has_checks=has_checks)
    found = stored_difference(connection, symbol_id, interval, bars)
    touched = _spans_of(bars.opened_at[found.conflicts], interval)
    if has_checks:
        answers, length = NativeAnswers(path, connection), span_seconds(interval)
        for since in touched:
            read_sorted(path, answers, Request(path, [symbol], interval, since, since + length, True))
    changed = take(bars, found.changed(replace=replace))
    put(connection, symbol_id, interval, changed)
    if has_checks and len(changed):
        is_touched = np.isin(changed.opened_at // span_seconds(interval) * span_seconds(interval), touched)
        _add_sums(connection, symbol_id, symbol, interval, take(changed, np.flatnonzero(~is_touched)))
        for since in touched:
            write_sums(connection, symbol_id, symbol, interval, since, since + span_seconds(interval))
    return found


def are_there_checks(connection: sqlite3.Connection) -> bool:
    """Whether the database has checksums; in a transaction, as another process may add them."""
    [[version]] = connection.execute("PRAGMA user_version")
    return bool(version >= SCHEMA_VERSION)


def write_sums(
    connection: sqlite3.Connection, symbol_id: int, symbol: str, interval: Interval, start: int, end: int
) -> None:
    """Store the checksums of the bars as they are, of the spans in `[start, end)`."""
    connection.execute(
        "DELETE FROM day_sums WHERE symbol_id = ? AND interval = ? AND since >= ? AND since < ?",
        (symbol_id, str(interval), start, end),
    )
    sql = (
        f"SELECT {', '.join(COLUMN_NAMES)} FROM {bars_table(interval)} "
        f"WHERE symbol_id = {symbol_id} AND opened_at >= {start} AND opened_at < {end}"
    )
    bars = BarColumns(*native_columns(connection, sql))
    _put_sums(connection, symbol_id, interval, _sums_of(symbol, bars, interval))


def remove_bars(
    path: Path, connection: sqlite3.Connection, symbol: str, interval: Interval, start: int, end: int
) -> int:
    """Remove the bars of `[start, end)` in the open transaction; return their number."""
    has_checks = are_there_checks(connection)
    symbol_id = Catalog.read(path, NativeAnswers(path, connection), has_checks=has_checks).ids.get(symbol)
    if symbol_id is None:
        return 0
    where = "WHERE symbol_id = ? AND opened_at >= ? AND opened_at < ?"
    removed = connection.execute(
        f"DELETE FROM {bars_table(interval)} {where}", (symbol_id, start, end)
    ).rowcount
    if has_checks:
        first, after = whole_spans(start, end, interval)
        write_sums(connection, symbol_id, symbol, interval, first, after)
    _drop_empty(connection, symbol_id, symbol, interval, has_checks=has_checks)
    return removed


def rewrite_bars(
    path: Path, connection: sqlite3.Connection, damage: Sequence[Damage], bars: BarColumns
) -> None:
    """Replace the bars of one series in the ranges of damage, in the open transaction."""
    for one in damage:
        if one.series is None:
            continue
        symbol, interval = one.series
        remove_bars(path, connection, symbol, interval, one.start, one.end)
        inside = np.flatnonzero((bars.opened_at >= one.start) & (bars.opened_at < one.end))
        write_bars(path, connection, symbol, interval, take(bars, inside), replace=True)


def write_all_sums(connection: sqlite3.Connection) -> Iterator[tuple[str, Interval]]:
    """Store the checksums of all bars and lists as they are, in the open transaction; yield each series."""
    if not are_there_checks(connection):
        add_check_tables(connection)
    symbols = dict(connection.execute("SELECT id, symbol FROM symbols NOT INDEXED"))
    series = connection.execute("SELECT symbol_id, interval FROM series").fetchall()
    connection.execute("DELETE FROM day_sums")
    for symbol_id, word in series:
        interval = Interval.parse(word)
        yield symbols[symbol_id], interval
        write_sums(connection, symbol_id, symbols[symbol_id], interval, *ALWAYS)
    entries = [*((_SYMBOL, *entry) for entry in symbols.items()), *((_SERIES, *entry) for entry in series)]
    total = as_signed(sum(catalog_number(*entry) for entry in entries))
    connection.execute("INSERT OR REPLACE INTO catalog_sum VALUES (1, ?)", (total,))


def _add_sums(
    connection: sqlite3.Connection, symbol_id: int, symbol: str, interval: Interval, bars: BarColumns
) -> None:
    """Add new bars to the checksums of their spans."""
    if not len(bars):
        return
    new = _sums_of(symbol, bars, interval)
    where = "WHERE symbol_id = ? AND interval = ? AND since BETWEEN ? AND ?"
    found = connection.execute(
        f"SELECT since, bars, sum FROM day_sums {where}",
        (symbol_id, str(interval), int(new.since[0]), int(new.since[-1])),
    ).fetchall()
    since, counts, sums = np.array(found, np.int64).reshape(-1, 3).T
    is_changed = np.isin(since, new.since)
    old = SpanSums(np.zeros(len(since), np.int64), since, counts, sums).take(is_changed)
    _put_sums(connection, symbol_id, interval, SpanSums.total([old, new]))


def _put_sums(connection: sqlite3.Connection, symbol_id: int, interval: Interval, sums: SpanSums) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO day_sums VALUES (?, ?, ?, ?, ?)",
        zip(
            repeat(symbol_id),
            repeat(str(interval)),
            sums.since.tolist(),
            sums.bars.tolist(),
            sums.sums.tolist(),
        ),
    )


def _sums_of(symbol: str, bars: BarColumns, interval: Interval) -> SpanSums:
    return SpanSums.of(bars, interval).bound_to(np.array([seed_of_series(symbol, interval)], np.int64))


def symbol_id_of(connection: sqlite3.Connection, symbol: str, interval: Interval, *, has_checks: bool) -> int:
    """Return the id of `symbol`, and register that it has bars of `interval`."""
    cursor = connection.execute("INSERT INTO symbols(symbol) VALUES (?) ON CONFLICT DO NOTHING", (symbol,))
    is_new_symbol = cursor.rowcount == 1
    [[symbol_id]] = connection.execute("SELECT id FROM symbols WHERE symbol = ?", (symbol,))
    cursor = connection.execute(
        "INSERT INTO series VALUES (?, ?) ON CONFLICT DO NOTHING", (symbol_id, str(interval))
    )
    added = [catalog_number(_SYMBOL, symbol_id, symbol)] if is_new_symbol else []
    if cursor.rowcount == 1:
        added.append(catalog_number(_SERIES, symbol_id, str(interval)))
    if has_checks and added:
        _add_to_catalog(connection, sum(added))
    return int(symbol_id)


def _drop_empty(
    connection: sqlite3.Connection, symbol_id: int, symbol: str, interval: Interval, *, has_checks: bool
) -> None:
    """Remove a series without bars from the lists, and a symbol without series."""
    left = f"SELECT 1 FROM {bars_table(interval)} WHERE symbol_id = ? LIMIT 1"
    if connection.execute(left, (symbol_id,)).fetchone():
        return
    gone = 0
    sql = "DELETE FROM series WHERE symbol_id = ? AND interval = ?"
    if connection.execute(sql, (symbol_id, str(interval))).rowcount:
        gone -= catalog_number(_SERIES, symbol_id, str(interval))
    if not connection.execute("SELECT 1 FROM series WHERE symbol_id = ?", (symbol_id,)).fetchone():
        connection.execute("DELETE FROM symbols WHERE id = ?", (symbol_id,))
        gone -= catalog_number(_SYMBOL, symbol_id, symbol)
    if has_checks and gone:
        _add_to_catalog(connection, gone)


def _add_to_catalog(connection: sqlite3.Connection, number: int) -> None:
    [[total]] = connection.execute("SELECT sum FROM catalog_sum")
    connection.execute("UPDATE catalog_sum SET sum = ?", (as_signed(total + number),))


def _spans_of(opened_at: Ints, interval: Interval) -> list[int]:
    length = span_seconds(interval)
    spans: list[int] = np.unique(opened_at // length * length).tolist()
    return spans
