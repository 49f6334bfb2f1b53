"""Quotes in an arrival journal: a table that only journals of sessions with quotes have.

Quotes are numbered together with the arrivals of bars: what has a higher sequence came later. Earlier
versions of tapedeck ignore the table, and go on reading the journal.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import count, repeat
from typing import Any, Final

import numpy as np

from tapedeck.engine.feeds.quote_arrivals import QuoteArrivals
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_store import Ints

_TABLES: Final = (
    # Values are NULL for a side without a price, and for a size that is not known.
    "CREATE TABLE quotes (sequence INTEGER PRIMARY KEY, received INTEGER NOT NULL, symbol TEXT NOT NULL, "
    "interval TEXT NOT NULL, opened_at INTEGER NOT NULL, bid REAL, ask REAL, bid_size REAL, ask_size REAL, "
    "source TEXT NOT NULL) STRICT",
    "CREATE INDEX quotes_by_time ON quotes (opened_at)",
)
_ROWS_AT_ONCE: Final = 20_000
_COLUMNS: Final = "received, symbol, opened_at, bid, ask, bid_size, ask_size"


def has_quotes_table(connection: sqlite3.Connection) -> bool:
    """Whether a journal has the table of quotes."""
    found = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'quotes'").fetchone()
    return found is not None


def last_sequence(connection: sqlite3.Connection) -> int:
    """Return the sequence of the last bar or quote of a journal, 0 without any."""
    tables = ("arrivals", "quotes") if has_quotes_table(connection) else ("arrivals",)
    lasts = (connection.execute(f"SELECT max(sequence) FROM {table}").fetchone()[0] for table in tables)
    return max(last or 0 for last in lasts)


def append_quotes(
    connection: sqlite3.Connection, arrivals: QuoteArrivals, interval: Interval, source: str
) -> None:
    """Append quotes, in the order received, in the caller's transaction; makes the table if need be."""
    if not has_quotes_table(connection):
        for statement in _TABLES:
            connection.execute(statement)
    rows = zip(
        count(last_sequence(connection) + 1),
        arrivals.received.tolist(),
        arrivals.symbols,
        repeat(str(interval)),
        arrivals.opened_at.tolist(),
        *arrivals.values.tolist(),  # NaN becomes NULL
        repeat(source),
    )
    connection.executemany("INSERT INTO quotes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def read_quotes(
    connection: sqlite3.Connection, interval: Interval, start: int, end: int, symbol: str | None
) -> Iterator[tuple[Ints, QuoteArrivals]]:
    """Yield the quotes with `start <= opened_at < end` in the order received, in parts.

    With their sequences, int64. `symbol`: only of this one, unless it is None.
    """
    if not has_quotes_table(connection):
        return
    cursor = connection.execute(
        f"SELECT sequence, {_COLUMNS} FROM quotes "
        "WHERE opened_at >= ? AND opened_at < ? AND interval = ? AND (? IS NULL OR symbol = ?) "
        "ORDER BY sequence",
        (start, end, str(interval), symbol, symbol),
    )
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        yield np.array([row[0] for row in rows], np.int64), _quotes_of(rows)


def _quotes_of(rows: Sequence[tuple[Any, ...]]) -> QuoteArrivals:
    _, received, symbols, opened_at, *values = zip(*rows, strict=True)
    return QuoteArrivals(
        np.array(received, np.int64),
        symbols,
        np.array(opened_at, np.int64),
        np.array(values, np.float64),  # NULL becomes NaN
    )
