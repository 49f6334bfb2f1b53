"""Confirmed-empty slots of an SQLite store: a row for each symbol, interval and span of time that has some.

The tables are made with the first fact; without them, a store has none. They do not change the version:
programs that do not know them read and write the bars as before. Rows hold symbols by name, because such a
program may give the number of a removed symbol to another one. Slots and checksums are in two tables, so that
a row that damage hides is missed in the other one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_store import EmptySlots, Ints
from tapedeck.engine.store.checksums import SpanSums, seed_of, span_of, span_seconds, span_words, whole_spans
from tapedeck.engine.store.damage import Damage
from tapedeck.engine.store.empty_slots import HOW_TO_DROP, joined_slots, slots_of_row
from tapedeck.engine.store.sqlite_answers import Answers, NativeAnswers
from tapedeck.engine.store.sqlite_checks import requested_symbols
from tapedeck.engine.store.sqlite_connections import damaged

_KEY: Final = "symbol TEXT NOT NULL, interval TEXT NOT NULL, since INTEGER NOT NULL"
_KIND: Final = "PRIMARY KEY (symbol, interval, since)) STRICT, WITHOUT ROWID"
# `slots`: seconds from the start of the span, ascending, separated by commas.
_SCHEMA: Final = (
    f"CREATE TABLE empty_spans ({_KEY}, slots TEXT NOT NULL, {_KIND}",
    f"CREATE TABLE empty_sums ({_KEY}, sum INTEGER NOT NULL, {_KIND}",
    "CREATE VIEW empty_slots AS SELECT symbol, interval, "
    "strftime('%Y-%m-%dT%H:%M:%SZ', since + slot.value, 'unixepoch') AS opened_at "
    "FROM empty_spans, json_each('[' || slots || ']') AS slot",
)
_SCHEMA_QUERY: Final = "SELECT name FROM sqlite_schema WHERE sql LIKE '%empty_spans%' OR name LIKE 'empty_s%'"
_TABLES: Final = ("empty_spans", "empty_sums")
_ALL_QUERY: Final = (
    "SELECT 0 AS kind, symbol, interval, since, slots, 0 AS sum FROM empty_spans "
    "UNION ALL SELECT 1, symbol, interval, since, '', sum FROM empty_sums"
)
_OF_SPAN: Final = "WHERE symbol = ? AND interval = ? AND since = ?"


@dataclass(frozen=True, slots=True)
class _Span:
    """The facts of one span as stored; None for what the table of it lacks."""

    symbol: str
    interval: str
    since: int
    slots: str | None
    sum: int | None

    @classmethod
    def paired(cls, rows: Iterable[Sequence[Any]]) -> list[_Span]:
        """Return the spans of rows of both tables: kind, symbol, interval, since, slots and sum of each."""
        slots: dict[tuple[str, str, int], str] = {}
        sums: dict[tuple[str, str, int], int] = {}
        for kind, symbol, interval, since, text, number in rows:
            if kind:
                sums[symbol, interval, since] = number
            else:
                slots[symbol, interval, since] = text
        return [cls(*key, slots.get(key), sums.get(key)) for key in dict.fromkeys([*slots, *sums])]

    @property
    def is_whole(self) -> bool:
        """Whether the facts are those that were written."""
        return self.slots is not None and self.sum == _sum_of(
            self.symbol, self.interval, self.since, self.slots
        )

    def times(self, path: Path) -> Ints:
        """Return the slots, seconds UTC; StoreDamagedError if they are not those that were written."""
        if self.slots is None or not self.is_whole:
            raise damaged(path, str(self))
        times: Ints = np.array(self.slots.split(","), np.int64) + self.since
        return times

    def __str__(self) -> str:
        try:
            when = span_words(self.since, Interval.parse(self.interval))
        except ValueError:
            when = f"of {self.interval} bars"
        return f"the empty slots of {self.symbol} {self.interval} {when} differ from their checksum"


def has_slots(answers: Answers) -> bool:
    """Whether the database has the tables of facts."""
    return bool(answers.rows(_SCHEMA_QUERY))


def read_slots(
    path: Path, answers: Answers, symbols: Sequence[str], interval: Interval, start: int, end: int
) -> EmptySlots:
    """Return the slots in `[start, end)`; StoreDamagedError if they are not those that were written."""
    rows = _rows_of(symbols)
    parts: list[EmptySlots] = []
    for span in _spans(answers, symbols, interval, *whole_spans(start, end, interval)):
        times = span.times(path)
        inside = times[(times >= start) & (times < end)]
        parts += [slots_of_row(row, inside) for row in rows[span.symbol]]
    return joined_slots(parts)


def slot_sums(answers: Answers, symbols: Sequence[str], interval: Interval, start: int, end: int) -> SpanSums:
    """Return the checksums of the facts of whole spans, as of spans without bars."""
    rows = _rows_of(symbols)
    spans = _spans(answers, symbols, interval, start, end)
    found = [(row, span.since, 0, span.sum or 0) for span in spans for row in rows[span.symbol]]
    return SpanSums.total([SpanSums(*np.array(found, np.int64).reshape(-1, 4).T)])


def add_slots(
    path: Path, connection: sqlite3.Connection, symbol: str, interval: Interval, times: Ints
) -> None:
    """Store slots (ascending, each once) in the open transaction."""
    if not connection.execute(_SCHEMA_QUERY).fetchone():
        for statement in _SCHEMA:
            connection.execute(statement)
    spans = times // span_seconds(interval) * span_seconds(interval)
    for since in np.unique(spans).tolist():
        stored = _stored(path, connection, symbol, interval, since)
        _put(connection, symbol, interval, since, np.union1d(stored, times[spans == since]))


def remove_slots(
    path: Path, connection: sqlite3.Connection, symbol: str, interval: Interval, start: int, end: int
) -> None:
    """Remove the slots in `[start, end)` in the open transaction, whole spans even if they are damaged."""
    if not connection.execute(_SCHEMA_QUERY).fetchone():
        return
    length = span_seconds(interval)
    first, after = -(-start // length) * length, end // length * length
    edges = {
        span_of(time, interval) for time, is_cut in ((start, start < first), (end, end > after)) if is_cut
    }
    for since in sorted(edges):
        stored = _stored(path, connection, symbol, interval, since)
        _put(connection, symbol, interval, since, stored[(stored < start) | (stored >= end)])
    for table in _TABLES:
        connection.execute(
            f"DELETE FROM {table} WHERE symbol = ? AND interval = ? AND since >= ? AND since < ?",
            (symbol, str(interval), first, after),
        )


def damaged_slots(path: Path, answers: Answers) -> Iterator[Damage]:
    """Yield the damage of each span that is not as it was written."""
    if has_slots(answers):
        for span in _Span.paired(answers.rows(_ALL_QUERY)):
            if not span.is_whole:
                yield Damage(str(path), f"{span}; {HOW_TO_DROP}")


def drop_damaged_slots(path: Path, connection: sqlite3.Connection) -> None:
    """Remove the spans that are not as they were written; their slots count as missing again."""
    answers = NativeAnswers(path, connection)
    if has_slots(answers):
        for span in _Span.paired(answers.rows(_ALL_QUERY)):
            if not span.is_whole:
                _delete(connection, span.symbol, span.interval, span.since)


def _spans(answers: Answers, symbols: Sequence[str], interval: Interval, start: int, end: int) -> list[_Span]:
    """Return the spans of some symbols that begin in `[start, end)`."""
    if not has_slots(answers):
        return []
    requested = requested_symbols(sorted(set(symbols)))
    of_request = (
        f"ON symbol = requested.value AND interval = '{interval}' WHERE since >= {start} AND since < {end}"
    )
    rows = answers.rows(
        "SELECT 0 AS kind, symbol, interval, since, slots, 0 AS sum "
        f"FROM {requested} CROSS JOIN empty_spans {of_request} "
        "UNION ALL SELECT 1, symbol, interval, since, '', sum "
        f"FROM {requested} CROSS JOIN empty_sums {of_request}"
    )
    return _Span.paired(rows)


def _rows_of(symbols: Sequence[str]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for row, symbol in enumerate(symbols):
        rows.setdefault(symbol, []).append(row)
    return rows


def _stored(path: Path, connection: sqlite3.Connection, symbol: str, interval: Interval, since: int) -> Ints:
    key = (symbol, str(interval), since)
    slots = connection.execute(f"SELECT slots FROM empty_spans {_OF_SPAN}", key).fetchone()
    number = connection.execute(f"SELECT sum FROM empty_sums {_OF_SPAN}", key).fetchone()
    if slots is None and number is None:
        return np.empty(0, np.int64)
    return _Span(*key, slots and slots[0], number and number[0]).times(path)


def _put(connection: sqlite3.Connection, symbol: str, interval: Interval, since: int, times: Ints) -> None:
    key = (symbol, str(interval), since)
    if not len(times):
        _delete(connection, *key)
        return
    slots = ",".join(str(second) for second in (times - since).tolist())
    connection.execute("INSERT OR REPLACE INTO empty_spans VALUES (?, ?, ?, ?)", (*key, slots))
    connection.execute("INSERT OR REPLACE INTO empty_sums VALUES (?, ?, ?, ?)", (*key, _sum_of(*key, slots)))


def _delete(connection: sqlite3.Connection, symbol: str, interval: str, since: int) -> None:
    for table in _TABLES:
        connection.execute(f"DELETE FROM {table} {_OF_SPAN}", (symbol, interval, since))


def _sum_of(symbol: str, interval: str, since: int, slots: str) -> int:
    return seed_of(f"{symbol}\n{interval}\n{since}\n{slots}")
