"""Quotes of an SQLite store: a row for each slot that has a quote, and the checksums of each day.

The tables are made with the first quote; without them, a store has none. They do not change the version:
programs that do not know them read and write the bars as before. Rows hold symbols by name, because such a
program may give the number of a removed symbol to another one. Quotes and checksums are in two tables, so
that a row that damage hides is missed in the other one.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from tapedeck.engine.errors import StoreDamagedError
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_diff import BarDifference, compare, take
from tapedeck.engine.store.bar_store import BarColumns, Ints
from tapedeck.engine.store.checksums import SpanSums, SumAdder, seed_of, span_of, span_words, whole_spans
from tapedeck.engine.store.damage import Damage
from tapedeck.engine.store.quote_columns import HOW_TO_GO_ON
from tapedeck.engine.store.sqlite_answers import Answers, NativeAnswers, native_columns
from tapedeck.engine.store.sqlite_checks import requested_symbols

EVER: Final = (-(2**62), 2**62)
_KEY: Final = "symbol TEXT NOT NULL, interval TEXT NOT NULL"
_SCHEMA: Final = (
    f"CREATE TABLE quotes ({_KEY}, opened_at INTEGER NOT NULL, bid REAL, ask REAL, bid_size REAL, "
    "ask_size REAL, PRIMARY KEY (symbol, interval, opened_at)) STRICT, WITHOUT ROWID",
    f"CREATE TABLE quote_sums ({_KEY}, since INTEGER NOT NULL, quotes INTEGER NOT NULL, "
    "sum INTEGER NOT NULL, PRIMARY KEY (symbol, interval, since)) STRICT, WITHOUT ROWID",
)
_SCHEMA_QUERY: Final = "SELECT name FROM sqlite_schema WHERE sql LIKE '%quote_sums%' OR name LIKE 'quote%'"
# Quotes as columns of bars. What is missing is NULL in the table, and minus infinity here: of a column that
# begins with NULLs, ADBC does not know the type.
_VALUES: Final = (
    "opened_at, coalesce(bid, -9e999) AS open, coalesce(ask, -9e999) AS high, "
    "coalesce(bid_size, -9e999) AS low, coalesce(ask_size, -9e999) AS close, 0.0 AS volume"
)
_PUT: Final = "INSERT OR REPLACE INTO quotes VALUES (?, ?, ?, ?, ?, ?, ?)"
_OF_SERIES: Final = "WHERE symbol = ? AND interval = ?"
_PAIRS: Final = (
    "json_each(?) AS requested CROSS JOIN {table} ON symbol = json_extract(requested.value, '$[0]') "
    "AND interval = ? AND {time} = json_extract(requested.value, '$[1]')"
)
_PAIRS_AT_ONCE: Final = 50_000
_SPANS_AT_ONCE: Final = 256


def has_quotes(answers: Answers) -> bool:
    """Whether the database has the tables of quotes."""
    return bool(answers.rows(_SCHEMA_QUERY))


def quote_series(answers: Answers) -> list[tuple[str, str]]:
    """Return symbol and interval of each series of quotes, in order; of both tables, should they differ."""
    of_both = " UNION ".join(
        f"SELECT DISTINCT symbol, interval FROM {name}" for name in ("quote_sums", "quotes")
    )
    return sorted((symbol, interval) for symbol, interval in answers.rows(of_both))


def quote_intervals(answers: Answers, symbols: Sequence[str], intervals: Sequence[Interval]) -> Ints:
    """Return which symbols (their positions) have quotes of which intervals (theirs), int64 (n, 2)."""
    found = [
        (row, at)
        for at, interval in enumerate(intervals)
        for [row] in answers.rows(
            f"SELECT requested.key FROM {requested_symbols(symbols)} WHERE EXISTS (SELECT 1 FROM quote_sums "
            f"WHERE symbol = requested.value AND interval = '{interval}')"
        )
    ]
    return np.array(found, np.int64).reshape(-1, 2)


def read_quotes(
    path: Path, answers: Answers, symbols: Sequence[str], interval: Interval, start: int, end: int
) -> list[BarColumns]:
    """Return the packed quotes of each symbol with `start <= opened_at < end`, oldest first.

    Raises StoreDamagedError if they are not those that were written.
    """
    bounds = whole_spans(start, end, interval)
    rows, quotes = _rows_of(answers, symbols, interval, *bounds)
    differences = _differences(answers, symbols, interval, bounds, rows, quotes)
    if differences:
        row, since = differences[0]
        raise StoreDamagedError(
            f"{path} is damaged, or was changed by another program: {_words(symbols[row], interval, since)}. "
            f"Restore a copy, or {HOW_TO_GO_ON} --store {path}`",
            file=str(path),
        )
    is_inside = (quotes.opened_at >= start) & (quotes.opened_at < end)
    order = np.flatnonzero(is_inside)
    order = order[np.lexsort((quotes.opened_at[order], rows[order]))]
    edges = np.searchsorted(rows[order], np.arange(len(symbols) + 1)).tolist()
    return [take(quotes, order[first:after]) for first, after in pairwise(edges)]


def quote_sums(
    answers: Answers, symbols: Sequence[str], interval: Interval, start: int, end: int
) -> SpanSums:
    """Return the stored checksums of whole spans."""
    sql = (
        "SELECT requested.key AS row, since, quotes AS bars, sum "
        f"FROM {requested_symbols(symbols)} "
        f"CROSS JOIN quote_sums ON symbol = requested.value AND interval = '{interval}' "
        f"WHERE since >= {start} AND since < {end}"
    )
    return SpanSums.total([SpanSums(*answers.columns(sql))])


def quote_extent(answers: Answers, symbol: str, interval: Interval) -> tuple[int, int] | None:
    """Return the times of the first and the last quote of a series, None without any."""
    series = f"FROM {requested_symbols([symbol])} CROSS JOIN quotes ON symbol = requested.value"
    [[first, last]] = answers.rows(
        f"SELECT min(opened_at) AS first, max(opened_at) AS last {series} WHERE interval = '{interval}'"
    )
    return None if first is None else (int(first), int(last))


def add_quotes(
    path: Path,
    connection: sqlite3.Connection,
    symbols: Sequence[str],
    interval: Interval,
    rows: Ints,
    quotes: BarColumns,
    *,
    replace: bool,
) -> BarDifference:
    """Store packed quotes of some symbols in the open transaction; return the changes.

    `rows`: position of each quote's symbol; sorted by row, then time, without duplicates. Raises
    StoreDamagedError where a quote is stored with other values on a day that is damaged.
    """
    if not connection.execute(_SCHEMA_QUERY).fetchone():
        for statement in _SCHEMA:
            connection.execute(statement)
    positions, stored = _stored(connection, symbols, interval, rows, quotes.opened_at)
    found = compare(quotes, positions, stored)
    _check_days(path, connection, symbols, interval, rows[found.conflicts], quotes.opened_at[found.conflicts])
    changed = found.changed(replace=replace)
    if len(changed):
        is_replaced = np.isin(positions, found.conflicts) & replace
        old = take(stored, np.flatnonzero(is_replaced))
        delta = _delta(
            symbols, interval, (rows[changed], take(quotes, changed)), (rows[positions[is_replaced]], old)
        )
        _put(connection, symbols, interval, rows[changed], take(quotes, changed))
        _add_sums(connection, symbols, interval, delta)
    return found


def remove_quotes(
    connection: sqlite3.Connection, symbol: str, interval: Interval, start: int, end: int
) -> int:
    """Remove the quotes of `[start, end)` in the open transaction; return their number.

    Days that go as a whole may be damaged; others stay as whole, or as damaged, as they were.
    """
    answers = NativeAnswers(Path(), connection)
    if not has_quotes(answers):
        return 0
    whole = -span_of(-start, interval), span_of(end, interval)
    removed, none = 0, np.empty(0, np.int64)
    pieces = [(start, end)] if whole[0] > whole[1] else [(start, whole[0]), (whole[1], end)]
    for first, after in pieces:
        rows, quotes = _rows_of(answers, [symbol], interval, first, after)
        delta = _delta([symbol], interval, (none, take(quotes, none)), (rows, quotes))
        _add_sums(connection, [symbol], interval, delta)
        removed += _delete(connection, "quotes", "opened_at", symbol, interval, first, after)
    if whole[0] < whole[1]:
        removed += _delete(connection, "quotes", "opened_at", symbol, interval, *whole)
        _delete(connection, "quote_sums", "since", symbol, interval, *whole)
    return removed


def damaged_quotes(path: Path, answers: Answers) -> Iterator[Damage]:
    """Yield the damage of each day that is not as it was written."""
    if not has_quotes(answers):
        return
    for symbol, word in quote_series(answers):
        interval = Interval.parse(word)
        # The first and the last piece have open ends, so that quotes without a checksum are found, too.
        starts = quote_sums(answers, [symbol], interval, *EVER).since[_SPANS_AT_ONCE::_SPANS_AT_ONCE].tolist()
        for bounds in pairwise([EVER[0], *starts, EVER[1]]):
            try:
                rows, quotes = _rows_of(answers, [symbol], interval, *bounds)
                found = _differences(answers, [symbol], interval, bounds, rows, quotes)
            except StoreDamagedError as error:
                reason = str(error.__cause__ or error).splitlines()[0]
                yield Damage(str(path), f"the {interval} quotes of {symbol}: {reason}")
                continue
            for _, since in found:
                yield Damage(str(path), f"{_words(symbol, interval, since)}; {HOW_TO_GO_ON}`")


def write_all_quote_sums(connection: sqlite3.Connection) -> None:
    """Store the checksums of all quotes as they are, in the open transaction."""
    answers, none = NativeAnswers(Path(), connection), np.empty(0, np.int64)
    if not has_quotes(answers):
        return
    series = quote_series(answers)
    connection.execute("DELETE FROM quote_sums")
    for symbol, word in series:
        interval = Interval.parse(word)
        rows, quotes = _rows_of(answers, [symbol], interval, *EVER)
        delta = _delta([symbol], interval, (rows, quotes), (none, take(quotes, none)))
        _add_sums(connection, [symbol], interval, delta)


def _rows_of(
    answers: Answers, symbols: Sequence[str], interval: Interval, start: int, end: int
) -> tuple[Ints, BarColumns]:
    rows, *columns = answers.columns(
        f"SELECT requested.key AS row, {_VALUES} FROM {requested_symbols(symbols)} "
        f"CROSS JOIN quotes ON symbol = requested.value AND interval = '{interval}' "
        f"WHERE opened_at >= {start} AND opened_at < {end}"
    )
    return rows, _with_missing(columns)


def _with_missing(columns: Sequence[Any]) -> BarColumns:
    times, *values = columns
    return BarColumns(times, *(np.where(np.isneginf(column), np.nan, column) for column in values))


def _differences(
    answers: Answers,
    symbols: Sequence[str],
    interval: Interval,
    bounds: tuple[int, int],
    rows: Ints,
    quotes: BarColumns,
) -> list[tuple[int, int]]:
    """Return row and start of each span whose quotes, as read, differ from their stored checksum."""
    adder = SumAdder(interval)
    adder.add(rows, quotes)
    stored = quote_sums(answers, symbols, interval, *bounds)
    return stored.differences(adder.total().bound_to(_seeds(symbols, interval)))


def _words(symbol: str, interval: Interval, since: int) -> str:
    return f"the {interval} quotes of {symbol} {span_words(since, interval)} differ from their checksum"


def _stored(
    connection: sqlite3.Connection, symbols: Sequence[str], interval: Interval, rows: Ints, times: Ints
) -> tuple[Ints, BarColumns]:
    """Return the stored quotes of the given times, and the position of each."""
    if len(rows) and rows[0] == rows[-1]:
        between = f"FROM quotes {_OF_SERIES} AND opened_at BETWEEN ? AND ?"
        span = (symbols[int(rows[0])], str(interval), int(times[0]), int(times[-1]))
        limit = 2 * len(times) + 1
        [[count]] = connection.execute(f"SELECT count(*) FROM (SELECT 1 {between} LIMIT ?)", (*span, limit))
        if count < limit:
            ordered = f"SELECT {_VALUES} {between} ORDER BY opened_at"
            stored = _with_missing(native_columns(connection, ordered, span))
            positions = np.searchsorted(times, stored.opened_at)
            is_asked = times[np.minimum(positions, len(times) - 1)] == stored.opened_at
            return positions[is_asked], take(stored, np.flatnonzero(is_asked))
    sql = f"SELECT requested.key AS position, {_VALUES} FROM " + _PAIRS.format(
        table="quotes", time="opened_at"
    )
    positions, *columns = native_columns(connection, sql, [_pairs(symbols, rows, times), str(interval)])
    return positions, _with_missing(columns)


def _check_days(
    path: Path,
    connection: sqlite3.Connection,
    symbols: Sequence[str],
    interval: Interval,
    rows: Ints,
    times: Ints,
) -> None:
    answers = NativeAnswers(path, connection)
    days = {(row, span_of(time, interval)) for row, time in zip(rows.tolist(), times.tolist(), strict=True)}
    for row, since in sorted(days):
        read_quotes(path, answers, [symbols[row]], interval, since, since + 1)


def _delta(
    symbols: Sequence[str],
    interval: Interval,
    added: tuple[Ints, BarColumns],
    removed: tuple[Ints, BarColumns],
) -> SpanSums:
    """Return what changes in the checksums as quotes are added and removed."""
    parts: list[SpanSums] = []
    for rows, quotes in (added, removed):
        adder = SumAdder(interval)
        adder.add(rows, quotes)
        parts.append(adder.total())
    old = parts[1]
    parts[1] = SpanSums(old.rows, old.since, -old.bars, -old.sums)
    return SpanSums.total(parts).bound_to(_seeds(symbols, interval))


def _put(
    connection: sqlite3.Connection, symbols: Sequence[str], interval: Interval, rows: Ints, quotes: BarColumns
) -> None:
    word = str(interval)
    columns = (quotes.opened_at, quotes.open, quotes.high, quotes.low, quotes.close)
    # The module stores NaN as NULL.
    lines = zip(rows.tolist(), *(column.tolist() for column in columns), strict=True)
    connection.executemany(_PUT, ((symbols[row], word, *values) for row, *values in lines))


def _add_sums(
    connection: sqlite3.Connection, symbols: Sequence[str], interval: Interval, delta: SpanSums
) -> None:
    """Add to the checksums of some symbols and spans; those without quotes go."""
    sql = "SELECT requested.key AS position, quotes AS bars, sum FROM " + _PAIRS.format(
        table="quote_sums", time="since"
    )
    pairs = _pairs(symbols, delta.rows, delta.since)
    at, counts, sums = native_columns(connection, sql, [pairs, str(interval)])
    total = SpanSums.total([delta, SpanSums(delta.rows[at], delta.since[at], counts, sums)])
    word = str(interval)
    lines = zip(
        total.rows.tolist(), total.since.tolist(), total.bars.tolist(), total.sums.tolist(), strict=True
    )
    for row, since, count, number in lines:
        key = (symbols[row], word, since)
        if count or number:
            connection.execute(
                "INSERT OR REPLACE INTO quote_sums VALUES (?, ?, ?, ?, ?)", (*key, count, number)
            )
        else:
            connection.execute(f"DELETE FROM quote_sums {_OF_SERIES} AND since = ?", key)


def _delete(
    connection: sqlite3.Connection,
    table: str,
    time: str,
    symbol: str,
    interval: Interval,
    start: int,
    end: int,
) -> int:
    return connection.execute(
        f"DELETE FROM {table} {_OF_SERIES} AND {time} >= ? AND {time} < ?",
        (symbol, str(interval), start, end),
    ).rowcount


def _pairs(symbols: Sequence[str], rows: Ints, times: Ints) -> str:
    return json.dumps([(symbols[row], time) for row, time in zip(rows.tolist(), times.tolist(), strict=True)])


def _seeds(symbols: Sequence[str], interval: Interval) -> Ints:
    return np.array([_seed(symbol, interval) for symbol in symbols], np.int64)


@lru_cache(maxsize=4096)  # used at every read
def _seed(symbol: str, interval: Interval) -> int:
    return seed_of(f"quotes\n{symbol}\n{interval}")
