"""Confirmed-empty slots of an SQLite store: a row for each symbol, interval and span of time that has some.

The table is made with the first fact; without it, a store has none. It does not change the version: programs
that do not know it read and write the bars as before. Rows hold symbols by name, because such a program may
give the number of a removed symbol to another one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_store import EmptySlots, Ints
from tapedeck.engine.store.checksums import SpanSums, seed_of, span_of, span_seconds, span_words, whole_spans
from tapedeck.engine.store.damage import Damage
from tapedeck.engine.store.empty_slots import joined_slots, slots_of_row
from tapedeck.engine.store.sqlite_answers import Answers, NativeAnswers
from tapedeck.engine.store.sqlite_checks import requested_symbols
from tapedeck.engine.store.sqlite_connections import damaged

_TABLE: Final = "empty_spans"
_TABLE_QUERY: Final = f"SELECT name FROM sqlite_schema WHERE type = 'table' AND name = '{_TABLE}'"
# `slots`: seconds from the start of the span, ascending, separated by commas.
_TABLE_SQL: Final = (
    f"CREATE TABLE {_TABLE} (symbol TEXT NOT NULL, interval TEXT NOT NULL, since INTEGER NOT NULL, "
    "slots TEXT NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY (symbol, interval, since)) STRICT, WITHOUT ROWID"
)
_VIEW_SQL: Final = (
    "CREATE VIEW empty_slots AS SELECT symbol, interval, "
    "strftime('%Y-%m-%dT%H:%M:%SZ', since + slot.value, 'unixepoch') AS opened_at "
    f"FROM {_TABLE}, json_each('[' || slots || ']') AS slot"
)
_ROWS_QUERY: Final = f"SELECT symbol, interval, since, slots, sum FROM {_TABLE}"


def read_slots(
    path: Path, answers: Answers, symbols: Sequence[str], interval: Interval, start: int, end: int
) -> EmptySlots:
    """Return the slots in `[start, end)`; StoreDamagedError if they are not those that were written."""
    parts: list[EmptySlots] = []
    for row, since, slots, number in _spans(answers, symbols, interval, *whole_spans(start, end, interval)):
        times = _times(path, (symbols[row], str(interval), since, slots, number))
        parts.append(slots_of_row(row, times[(times >= start) & (times < end)]))
    return joined_slots(parts)


def slot_sums(answers: Answers, symbols: Sequence[str], interval: Interval, start: int, end: int) -> SpanSums:
    """Return the checksums of the facts of whole spans, as of spans without bars."""
    found = [
        (row, since, 0, number) for row, since, _, number in _spans(answers, symbols, interval, start, end)
    ]
    return SpanSums.total([SpanSums(*np.array(found, np.int64).reshape(-1, 4).T)])


def add_slots(
    path: Path, connection: sqlite3.Connection, symbol: str, interval: Interval, times: Ints
) -> None:
    """Store slots (ascending, each once) in the open transaction."""
    if not connection.execute(_TABLE_QUERY).fetchone():
        connection.execute(_TABLE_SQL)
        connection.execute(_VIEW_SQL)
    spans = times // span_seconds(interval) * span_seconds(interval)
    for since in np.unique(spans).tolist():
        stored = _stored(path, connection, symbol, interval, since)
        _put(connection, symbol, interval, since, np.union1d(stored, times[spans == since]))


def remove_slots(
    path: Path, connection: sqlite3.Connection, symbol: str, interval: Interval, start: int, end: int
) -> None:
    """Remove the slots in `[start, end)` in the open transaction, whole spans even if they are damaged."""
    if not connection.execute(_TABLE_QUERY).fetchone():
        return
    length = span_seconds(interval)
    first, after = -(-start // length) * length, end // length * length
    edges = {
        span_of(time, interval)
        for time, is_inside in ((start, start < first), (end, end > after))
        if is_inside
    }
    for since in sorted(edges):
        stored = _stored(path, connection, symbol, interval, since)
        _put(connection, symbol, interval, since, stored[(stored < start) | (stored >= end)])
    connection.execute(
        f"DELETE FROM {_TABLE} WHERE symbol = ? AND interval = ? AND since >= ? AND since < ?",
        (symbol, str(interval), first, after),
    )


def damaged_slots(path: Path, answers: Answers) -> Iterator[Damage]:
    """Yield the damage of each row that is not as it was written."""
    if answers.rows(_TABLE_QUERY):
        for row in answers.rows(_ROWS_QUERY):
            if not _is_whole(row):
                yield Damage(str(path), _words(row))


def drop_damaged_slots(path: Path, connection: sqlite3.Connection) -> None:
    """Remove the rows that are not as they were written; their slots count as missing again."""
    answers = NativeAnswers(path, connection)
    if answers.rows(_TABLE_QUERY):
        lost = [row[:3] for row in answers.rows(_ROWS_QUERY) if not _is_whole(row)]
        sql = f"DELETE FROM {_TABLE} WHERE symbol = ? AND interval = ? AND since = ?"
        connection.executemany(sql, lost)


def _spans(
    answers: Answers, symbols: Sequence[str], interval: Interval, start: int, end: int
) -> list[tuple[int, int, str, int]]:
    """Return row, since, slots and sum of the spans in `[start, end)`."""
    if not answers.rows(_TABLE_QUERY):
        return []
    return answers.rows(
        f"SELECT requested.key AS row, since, slots, sum FROM {requested_symbols(symbols)} "
        f"CROSS JOIN {_TABLE} ON symbol = requested.value AND interval = '{interval}' "
        f"WHERE since >= {start} AND since < {end}"
    )


def _stored(path: Path, connection: sqlite3.Connection, symbol: str, interval: Interval, since: int) -> Ints:
    sql = f"{_ROWS_QUERY} WHERE symbol = ? AND interval = ? AND since = ?"
    row = connection.execute(sql, (symbol, str(interval), since)).fetchone()
    return np.empty(0, np.int64) if row is None else _times(path, row)


def _put(connection: sqlite3.Connection, symbol: str, interval: Interval, since: int, times: Ints) -> None:
    key = (symbol, str(interval), since)
    if not len(times):
        connection.execute(f"DELETE FROM {_TABLE} WHERE symbol = ? AND interval = ? AND since = ?", key)
        return
    slots = ",".join(str(second) for second in (times - since).tolist())
    values = (*key, slots, _sum_of(*key, slots))
    connection.execute(f"INSERT OR REPLACE INTO {_TABLE} VALUES (?, ?, ?, ?, ?)", values)


def _times(path: Path, row: Sequence[Any]) -> Ints:
    if not _is_whole(row):
        raise damaged(path, _words(row))
    _, _, since, slots, _ = row
    times: Ints = np.array(slots.split(","), np.int64) + since
    return times


def _is_whole(row: Sequence[Any]) -> bool:
    symbol, interval, since, slots, number = row
    return bool(number == _sum_of(symbol, interval, since, slots))


def _sum_of(symbol: str, interval: str, since: int, slots: str) -> int:
    return seed_of(f"{symbol}\n{interval}\n{since}\n{slots}")


def _words(row: Sequence[Any]) -> str:
    symbol, word, since, *_ = row
    try:
        when = span_words(since, Interval.parse(word))
    except ValueError:
        when = f"of {word} bars"
    return f"the empty slots of {symbol} {word} {when} differ from their checksum"
