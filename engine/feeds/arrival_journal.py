"""Arrival journal: every version of every bar that a feed sent, in an SQLite database beside the store.

Of sessions with quotes, the last quote of each slot is in it, too, in each of its versions.

A transaction that was committed survives a killed process. A power failure may lose the last ones, but
damages none, unless `synchronous` is `full`: then each is on the disk before its bars are shown.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date
from itertools import count, repeat
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import Any, Final, Literal

import numpy as np

from tapedeck.engine.errors import StoreError
from tapedeck.engine.feeds.arrivals import KINDS, Arrivals
from tapedeck.engine.feeds.journal_quotes import (
    append_quotes,
    last_sequence,
    read_quotes,
)
from tapedeck.engine.feeds.quote_arrivals import QuoteArrivals
from tapedeck.engine.feeds.recorded_day import DAY_COLUMNS, RecordedDay, day_of, key_of
from tapedeck.engine.feeds.recorded_scans import scan_of, scan_text
from tapedeck.engine.feeds.walked_part import WalkedPart
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_store import Ints
from tapedeck.engine.store.locations import DATABASE_SUFFIXES
from tapedeck.engine.store.sqlite_connections import BUSY_TIMEOUT_S, native_errors_explained
from tapedeck.engine.store.sqlite_log import check_log
from tapedeck.engine.tape.scan_records import ScanRecord
from tapedeck.engine.tape.symbol_changes import ChangeKind, SymbolChange

Synchronous = Literal["normal", "full"]
APPLICATION_ID: Final = 0x54444B4A  # "TDKJ", in the file's header
VERSION: Final = 2
_FIRST_VERSION: Final = 1
"""Version of a journal until symbols join or leave: it has no table of them."""
_IN_A_FOLDER: Final = ".arrivals.db"  # readers of a Parquet data set pass over names with a dot
_SUFFIX: Final = ".arrivals"
_ROWS_AT_ONCE: Final = 20_000
_LAST: Final = 2**62
_COLUMNS: Final = "received, symbol, opened_at, open, high, low, close, volume, kind"
_CODE_OF: Final = {kind.value: code for code, kind in enumerate(KINDS)}
_TABLES: Final = (
    # Values may be NULL: a feed's bar may lack them.
    "CREATE TABLE arrivals (sequence INTEGER PRIMARY KEY, received INTEGER NOT NULL, symbol TEXT NOT NULL, "
    "interval TEXT NOT NULL, opened_at INTEGER NOT NULL, open REAL, high REAL, low REAL, close REAL, "
    "volume REAL, kind TEXT NOT NULL, source TEXT NOT NULL) STRICT",
    "CREATE INDEX arrivals_by_time ON arrivals (opened_at)",
    "CREATE TABLE empty_slots (interval TEXT NOT NULL, opened_at INTEGER NOT NULL, symbol TEXT NOT NULL, "
    "source TEXT NOT NULL, PRIMARY KEY (interval, opened_at, symbol)) STRICT, WITHOUT ROWID",
    "CREATE TABLE days (trading_day TEXT NOT NULL, interval TEXT NOT NULL, symbols TEXT NOT NULL, "
    "source TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL, closes INTEGER NOT NULL, "
    "start REAL, anchor REAL, speed REAL, last_sequence INTEGER, is_reconciled INTEGER NOT NULL DEFAULT 0, "
    "is_exported INTEGER NOT NULL DEFAULT 0, is_stored INTEGER NOT NULL DEFAULT 0, "
    "PRIMARY KEY (trading_day, interval, symbols)) STRICT, WITHOUT ROWID",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {_FIRST_VERSION}",
)
_KEPT: Final = "kept"
_CHANGES: Final = (
    "CREATE TABLE IF NOT EXISTS symbol_changes (trading_day TEXT NOT NULL, interval TEXT NOT NULL, "
    "symbols TEXT NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, "
    "symbol TEXT NOT NULL, frontier INTEGER NOT NULL, keep INTEGER NOT NULL, "
    "PRIMARY KEY (trading_day, interval, symbols, number)) STRICT, WITHOUT ROWID",
    f"PRAGMA user_version = {VERSION}",
)

_SCANS: Final = (
    "CREATE TABLE IF NOT EXISTS scans (trading_day TEXT NOT NULL, interval TEXT NOT NULL, "
    "symbols TEXT NOT NULL, number INTEGER NOT NULL, record TEXT NOT NULL, "
    "PRIMARY KEY (trading_day, interval, symbols, number)) STRICT, WITHOUT ROWID"
)
"""Earlier versions of tapedeck ignore this table, so the journal's version stays the same."""

_WALKS: Final = (
    "CREATE TABLE IF NOT EXISTS walks (trading_day TEXT NOT NULL, interval TEXT NOT NULL, "
    "symbols TEXT NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL, sequence INTEGER NOT NULL, "
    "PRIMARY KEY (trading_day, interval, symbols, start)) STRICT, WITHOUT ROWID"
)
"""As `_SCANS`: only journals of sessions with strategies have it."""


def journal_path(location: Path) -> Path:
    """Return the path of the journal of a store: beside a database file, inside a folder."""
    real = location.resolve()
    if real.suffix.lower() in DATABASE_SUFFIXES:
        return real.with_name(f"{real.name}{_SUFFIX}")
    return real / _IN_A_FOLDER


class ArrivalJournal:
    """The journal at `path`, which is created. Any thread may use it; raises StoreError with the reason.

    Methods that write may be called inside `transaction`, and are committed together then.
    """

    def __init__(self, path: Path, synchronous: Synchronous = "normal") -> None:
        self.path = path
        self._lock = RLock()  # guards the connection
        check_log(path)
        self._connection = self._opened()
        try:
            with native_errors_explained(path):
                self._connection.execute(f"PRAGMA synchronous = {synchronous}")
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all writes of the block together, or, on an error, none."""
        with self._lock, native_errors_explained(self.path):
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:  # a full disk rolls back by itself
                    self._connection.execute("ROLLBACK")

    def append(self, arrivals: Arrivals, interval: Interval, source: str) -> None:
        """Append versions of bars, in the order received."""
        with self.transaction():
            rows = zip(
                count(last_sequence(self._connection) + 1),
                arrivals.received.tolist(),
                arrivals.symbols,
                repeat(str(interval)),
                arrivals.opened_at.tolist(),
                *arrivals.values.tolist(),
                (KINDS[code].value for code in arrivals.kinds.tolist()),
                repeat(source),
            )
            self._connection.executemany(
                "INSERT INTO arrivals (sequence, received, symbol, interval, opened_at, open, high, low, "
                "close, volume, kind, source) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )

    def append_quotes(self, arrivals: QuoteArrivals, interval: Interval, source: str) -> None:
        """Append last quotes of slots, in the order received."""
        with self.transaction():
            append_quotes(self._connection, arrivals, interval, source)

    def arrivals(
        self,
        interval: Interval,
        start: int,
        end: int,
        *,
        after: int = 0,
        to: int = _LAST,
        symbol: str | None = None,
    ) -> Iterator[Arrivals]:
        """Yield the arrivals with `start <= opened_at < end` (seconds UTC) in the order received, in parts.

        Only those with `after < sequence <= to`; `symbol`: only of this one.
        """
        sql = (
            f"SELECT sequence, {_COLUMNS} FROM arrivals "
            "WHERE opened_at >= ? AND opened_at < ? AND interval = ? AND sequence > ? AND sequence <= ? "
            "AND (? IS NULL OR symbol = ?) ORDER BY sequence"
        )
        bounds = (start, end, str(interval), after, to, symbol, symbol)
        for _, arrivals in self._read(sql, bounds):
            yield arrivals

    def numbered_arrivals(self, interval: Interval, start: int, end: int) -> Iterator[tuple[Ints, Arrivals]]:
        """Yield all arrivals with `start <= opened_at < end` as `arrivals`, with their sequences, int64."""
        sql = (
            f"SELECT sequence, {_COLUMNS} FROM arrivals "
            "WHERE opened_at >= ? AND opened_at < ? AND interval = ? ORDER BY sequence"
        )
        yield from self._read(sql, (start, end, str(interval)))

    def numbered_quotes(
        self, interval: Interval, start: int, end: int, *, symbol: str | None = None
    ) -> Iterator[tuple[Ints, QuoteArrivals]]:
        """Yield the quotes with `start <= opened_at < end` as `arrivals`, with their sequences, int64.

        They are numbered together with the bars: what has a higher sequence came later.
        """
        with native_errors_explained(self.path), closing(self._opened()) as connection:
            yield from read_quotes(connection, interval, start, end, symbol)

    def has_quotes(self, interval: Interval, start: int, end: int) -> bool:
        """Whether there are quotes with `start <= opened_at < end`."""
        return bool(
            self._has_table("quotes")
            and self._rows(
                "SELECT 1 FROM quotes WHERE opened_at >= ? AND opened_at < ? AND interval = ? LIMIT 1",
                (start, end, str(interval)),
            )
        )

    def times(self, interval: Interval, start: int, end: int) -> Ints:
        """Return the times of all arrivals with `start <= opened_at < end`, ascending, each once."""
        rows = self._distinct("opened_at", interval, start, end)
        return np.array(sorted(time for [time] in rows), np.int64)

    def sources(self, interval: Interval, start: int, end: int) -> Mapping[str, frozenset[str]]:
        """Return the feeds of each symbol's arrivals with `start <= opened_at < end`."""
        found: dict[str, set[str]] = {}
        for symbol, source in self._distinct("symbol, source", interval, start, end):
            found.setdefault(symbol, set()).add(source)
        return {symbol: frozenset(names) for symbol, names in found.items()}

    def add_empty_slots(self, symbol: str, interval: Interval, opened_at: Ints, source: str) -> None:
        """Append slots in which a symbol had no trade, as the feed's history confirmed."""
        rows = zip(repeat(str(interval)), opened_at.tolist(), repeat(symbol), repeat(source))
        with self.transaction():
            self._connection.executemany("INSERT OR IGNORE INTO empty_slots VALUES (?, ?, ?, ?)", rows)

    def empty_slots(self, interval: Interval, start: int, end: int) -> Mapping[str, Ints]:
        """Return the times of each symbol's slots without a trade in `[start, end)`, ascending."""
        found: dict[str, list[int]] = {}
        for symbol, opened_at in self._rows(
            "SELECT symbol, opened_at FROM empty_slots "
            "WHERE interval = ? AND opened_at >= ? AND opened_at < ? ORDER BY opened_at",
            (str(interval), start, end),
        ):
            found.setdefault(symbol, []).append(opened_at)
        return {symbol: np.array(times, np.int64) for symbol, times in found.items()}

    def begin_day(self, day: RecordedDay) -> None:
        """Note that the recording of a day begins, or goes on; the clock noted first is kept."""
        clock = day.clock
        anchor = (None, None, None) if clock is None else (clock.start, clock.anchor, clock.speed)
        with self.transaction():
            self._connection.execute(
                "INSERT INTO days (trading_day, interval, symbols, source, since, until, closes, start, "
                "anchor, speed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                "source = excluded.source, last_sequence = NULL, is_reconciled = 0, is_exported = 0, "
                "is_stored = 0",
                (*key_of(day), day.source, day.since, day.until, day.closes, *anchor),
            )
            known = self._with_changes(day).kept if self._has_changes() else ()
            for symbol in day.kept:
                if symbol not in known:
                    self._add_change(day, 0, _KEPT, symbol, 0, keep=True)

    def add_change(self, day: RecordedDay, change: SymbolChange, at: int) -> None:
        """Append a symbol that joins or leaves a session; `at`: market time in microseconds UTC."""
        with self.transaction():
            self._add_change(day, at, change.kind.value, change.symbol, change.frontier, keep=change.keep)

    def add_scans(self, day: RecordedDay, records: Sequence[ScanRecord]) -> None:
        """Append what scanners of a session found, together."""
        with self.transaction():
            self._connection.execute(_SCANS)
            for record in records:
                self._connection.execute(
                    "INSERT INTO scans SELECT ?, ?, ?, coalesce(max(number), 0) + 1, ? FROM scans "
                    "WHERE trading_day = ? AND interval = ? AND symbols = ?",
                    (*key_of(day), scan_text(record), *key_of(day)),
                )

    def scans(self, day: RecordedDay) -> tuple[ScanRecord, ...]:
        """Return what the scanners of a recorded session found, in order."""
        if not self._has_table("scans"):
            return ()
        rows = self._rows(
            "SELECT record FROM scans WHERE trading_day = ? AND interval = ? AND symbols = ? ORDER BY number",
            key_of(day),
        )
        return tuple(scan_of(text) for [text] in rows)

    @property
    def last_sequence(self) -> int:
        """Sequence of the last arrival of a bar or quote, 0 without any."""
        with self._lock, native_errors_explained(self.path):
            return last_sequence(self._connection)

    def add_walk(self, day: RecordedDay, part: WalkedPart) -> None:
        """Append slots of a session that strategies walk, after those before, with what is known."""
        with self.transaction():
            self._connection.execute(_WALKS)
            self._connection.execute(
                "INSERT INTO walks VALUES (?, ?, ?, ?, ?, ?)",
                (*key_of(day), part.start, part.stop, part.sequence),
            )

    def walks(self, day: RecordedDay) -> tuple[WalkedPart, ...]:
        """Return the slots of a recorded session that strategies walked, in order, from the first one."""
        if not self._has_table("walks"):
            return ()
        rows = self._rows(
            "SELECT start, stop, sequence FROM walks "
            "WHERE trading_day = ? AND interval = ? AND symbols = ? ORDER BY start",
            key_of(day),
        )
        return tuple(WalkedPart(*row) for row in rows)

    def end_day(self, day: RecordedDay, *, reconciled: bool) -> None:
        """Note that a session takes no more bars, and whether its bars were compared with history."""
        with self.transaction():
            last = last_sequence(self._connection)
            self._note(day, f"last_sequence = {last}, is_reconciled = ?", int(reconciled))

    def note_export(self, day: RecordedDay) -> None:
        """Note that a day was exported."""
        self._note(day, "is_exported = ?", 1)

    def note_stored(self, day: RecordedDay) -> None:
        """Note that the store has all bars of a day."""
        self._note(day, "is_stored = ?", 1)

    def days(self) -> tuple[RecordedDay, ...]:
        """Return the recordings, oldest day first."""
        rows = self._rows(f"SELECT {DAY_COLUMNS} FROM days ORDER BY trading_day, interval, symbols", ())
        days = tuple(day_of(row) for row in rows)
        return tuple(map(self._with_changes, days)) if self._has_changes() else days

    def day(self, trading_day: date, interval: Interval, symbols: Sequence[str]) -> RecordedDay | None:
        """Return the recording of a day of these symbols, or else one that shares some; None without one."""
        wanted = set(symbols)
        shared = {
            len(wanted.symmetric_difference(day.symbols)): day
            for day in self.days()
            if (day.trading_day, day.interval) == (trading_day, interval)
            and not wanted.isdisjoint(day.symbols)
        }
        return shared[min(shared)] if shared else None

    def days_of(self, trading_day: date, interval: Interval) -> tuple[RecordedDay, ...]:
        """Return the recordings of a day."""
        return tuple(day for day in self.days() if (day.trading_day, day.interval) == (trading_day, interval))

    @property
    def size_bytes(self) -> int:
        """Bytes on disk, with the write-ahead log."""
        return sum(_size(self.path.with_name(self.path.name + end)) for end in ("", "-wal"))

    def close(self) -> None:
        """Close the database; safe to call twice."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> ArrivalJournal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _opened(self) -> sqlite3.Connection:
        with native_errors_explained(self.path):
            return sqlite3.connect(
                self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )

    def _prepare(self) -> None:
        """Make the tables of a new journal; StoreError if the file is that of another program."""
        [[application]] = self._connection.execute("PRAGMA application_id")
        [[version]] = self._connection.execute("PRAGMA user_version")
        if application == APPLICATION_ID and version > VERSION:
            raise StoreError(
                f"{self.path} was made by a newer tapedeck (version {version}; this one reads {VERSION}): "
                "upgrade tapedeck, or record into another store"
            )
        if application != APPLICATION_ID:
            self._make_tables()

    def _make_tables(self) -> None:
        with self.transaction():
            [[application]] = self._connection.execute("PRAGMA application_id")
            [[tables]] = self._connection.execute("SELECT count(*) FROM sqlite_schema")
            if application == APPLICATION_ID:
                return  # another process has made them
            if application or tables:
                raise StoreError(
                    f"{self.path} is a database of another program. Move it: recordings of bars are kept "
                    "under this name"
                )
            for statement in _TABLES:
                self._connection.execute(statement)
        self._connection.execute("PRAGMA journal_mode = WAL")

    def _note(self, day: RecordedDay, assignments: str, value: int) -> None:
        with self.transaction():
            self._connection.execute(
                f"UPDATE days SET {assignments} WHERE trading_day = ? AND interval = ? AND symbols = ?",
                (value, *key_of(day)),
            )

    def _add_change(
        self, day: RecordedDay, at: int, kind: str, symbol: str, frontier: int, *, keep: bool
    ) -> None:
        # Journals without joins stay as versions before wrote them.
        for statement in _CHANGES:
            self._connection.execute(statement)
        self._connection.execute(
            "INSERT INTO symbol_changes SELECT ?, ?, ?, coalesce(max(number), 0) + 1, ?, ?, ?, ?, ? "
            "FROM symbol_changes WHERE trading_day = ? AND interval = ? AND symbols = ?",
            (*key_of(day), at, kind, symbol, frontier, int(keep), *key_of(day)),
        )

    def _has_changes(self) -> bool:
        [[version]] = self._rows("PRAGMA user_version", ())
        return bool(version > _FIRST_VERSION)

    def _with_changes(self, day: RecordedDay) -> RecordedDay:
        rows = self._rows(
            "SELECT kind, symbol, frontier, keep FROM symbol_changes "
            "WHERE trading_day = ? AND interval = ? AND symbols = ? ORDER BY number",
            key_of(day),
        )
        kept = tuple(symbol for kind, symbol, _, _ in rows if kind == _KEPT)
        changes = tuple(
            SymbolChange(ChangeKind(kind), symbol, frontier, bool(keep))
            for kind, symbol, frontier, keep in rows
            if kind != _KEPT
        )
        return replace(day, kept=kept, changes=changes)

    def _read(self, sql: str, values: tuple[object, ...]) -> Iterator[tuple[Ints, Arrivals]]:
        with native_errors_explained(self.path), closing(self._opened()) as connection:
            cursor = connection.execute(sql, values)
            while rows := cursor.fetchmany(_ROWS_AT_ONCE):
                yield np.array([row[0] for row in rows], np.int64), _arrivals_of(rows)

    def _distinct(self, columns: str, interval: Interval, start: int, end: int) -> set[tuple[Any, ...]]:
        """Return the different values of columns that bars and quotes have, of a span of time."""
        tables = ("arrivals", "quotes") if self._has_table("quotes") else ("arrivals",)
        where = "WHERE opened_at >= ? AND opened_at < ? AND interval = ?"
        bounds = (start, end, str(interval))
        return {
            row
            for table in tables
            for row in self._rows(f"SELECT DISTINCT {columns} FROM {table} {where}", bounds)
        }

    def _has_table(self, name: str) -> bool:
        return bool(self._rows("SELECT 1 FROM sqlite_schema WHERE name = ?", (name,)))

    def _rows(self, sql: str, values: tuple[object, ...]) -> list[Any]:
        with self._lock, native_errors_explained(self.path):
            return self._connection.execute(sql, values).fetchall()


def _arrivals_of(rows: Sequence[tuple[Any, ...]]) -> Arrivals:
    _, received, symbols, opened_at, *values, kinds = zip(*rows, strict=True)
    return Arrivals(
        np.array(received, np.int64),
        symbols,
        np.array(opened_at, np.int64),
        np.array(values, np.float64),  # NULL becomes NaN
        np.array([_CODE_OF[kind] for kind in kinds], np.int8),
    )


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
