"""Schema of an SQLite store: tables, version, and identification of the file."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Final

from tapedeck.engine.errors import StoreError, cause_of
from tapedeck.engine.intervals import BASE_INTERVALS, Interval
from tapedeck.engine.store.sqlite_connections import damaged

APPLICATION_ID: Final = 0x54444B31  # "TDK1", in the file's header
SCHEMA_VERSION: Final = 2
"""Version of new stores, with checksums; version 1 has none."""

IDENTITY_QUERY: Final = """
    SELECT (SELECT application_id FROM pragma_application_id) AS application_id,
           (SELECT user_version FROM pragma_user_version) AS version,
           coalesce((SELECT group_concat(name, ', ') FROM sqlite_schema WHERE type = 'table'), '') AS tables
"""


def bars_table(interval: Interval) -> str:
    """Return the name of the table for bars of a base interval."""
    return f"bars_{interval}"


def is_identity_of_empty(identity: tuple[int, int, str]) -> bool:
    """Whether a result of IDENTITY_QUERY is that of an empty database."""
    application_id, version, tables = identity
    return application_id == 0 and version == 0 and not tables


def check_identity(path: Path, identity: tuple[int, int, str]) -> int:
    """Return a store's version; StoreError unless a result of IDENTITY_QUERY is that of a known one."""
    application_id, version, tables = identity
    if is_identity_of_empty(identity):
        raise StoreError(
            f"{path} is empty: it has no stored bars. Import some with `tapedeck import ... --store {path}`"
        )
    if application_id != APPLICATION_ID:
        raise StoreError(
            f"{path} is a database of another program (tables: {tables or 'none'}); tapedeck does not "
            "change it. Use another file for the store"
        )
    if version < 1:
        raise damaged(path, f"its version is {version}")
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{path} was made by a newer tapedeck (schema {version}; this one reads {SCHEMA_VERSION}): "
            "upgrade tapedeck, or use another file"
        )
    return version


def make_file(path: Path) -> None:
    """Create an empty file and its folders, unless it exists."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Only a new file may be opened as plain bytes: see `sqlite_gate`.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except FileExistsError:
        return
    except OSError as error:
        raise StoreError(
            f"{path} cannot be created: {cause_of(error)}. Use a folder that you can write to"
        ) from error


def make_tables(connection: sqlite3.Connection) -> None:
    """Create the tables and the view in an empty database, unless another process has done it."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    try:
        if is_identity_of_empty(connection.execute(IDENTITY_QUERY).fetchone()):
            _create_schema(connection)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _create_schema(connection: sqlite3.Connection) -> None:
    from sqlite_utils import Database  # noqa: PLC0415 - 0.3 s, needed once in a store's life

    database = Database(connection, recursive_triggers=False, execute_plugins=False)
    database.create_table("symbols", {"id": int, "symbol": str}, pk="id", not_null={"symbol"}, strict=True)
    database.execute("CREATE UNIQUE INDEX symbols_by_name ON symbols(symbol)")
    for interval in BASE_INTERVALS:
        database.execute(_bars_table_sql(interval))
    database.execute(
        "CREATE TABLE series (symbol_id INTEGER NOT NULL REFERENCES symbols(id), interval TEXT NOT NULL, "
        "PRIMARY KEY (symbol_id, interval)) STRICT, WITHOUT ROWID"
    )
    add_check_tables(connection)
    database.create_view("bars", " UNION ALL ".join(_readable_sql(interval) for interval in BASE_INTERVALS))
    database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    database.execute("INSERT INTO catalog_sum VALUES (1, 0)")


def add_check_tables(connection: sqlite3.Connection) -> None:
    """Create the tables of checksums, and set the version."""
    connection.execute(
        "CREATE TABLE day_sums (symbol_id INTEGER NOT NULL, interval TEXT NOT NULL, since INTEGER NOT NULL, "
        "bars INTEGER NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY (symbol_id, interval, since)) "
        "STRICT, WITHOUT ROWID"
    )
    connection.execute(
        "CREATE TABLE catalog_sum (id INTEGER PRIMARY KEY CHECK (id = 1), sum INTEGER NOT NULL) STRICT"
    )
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _bars_table_sql(interval: Interval) -> str:
    # sqlite-utils cannot create WITHOUT ROWID tables. With the symbol first in the key, the bars of one
    # symbol are stored together, oldest first.
    return (
        f"CREATE TABLE {bars_table(interval)} (symbol_id INTEGER NOT NULL, opened_at INTEGER NOT NULL, "
        "open REAL NOT NULL, high REAL NOT NULL, low REAL NOT NULL, close REAL NOT NULL, "
        "volume REAL NOT NULL, "
        "PRIMARY KEY (symbol_id, opened_at)) STRICT, WITHOUT ROWID"
    )


def _readable_sql(interval: Interval) -> str:
    return (
        f"SELECT symbol, '{interval}' AS interval, strftime('%Y-%m-%dT%H:%M:%SZ', opened_at, 'unixepoch') AS "
        f"opened_at, open, high, low, close, volume FROM {bars_table(interval)} "
        "JOIN symbols ON symbols.id = symbol_id"
    )
