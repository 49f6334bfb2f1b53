"""SQLite connections through sqlite3 or ADBC, and error messages for SQLite's errors."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from tapedeck.engine.errors import StoreDamagedError, StoreError

if TYPE_CHECKING:
    import pyarrow as pa

BUSY_TIMEOUT_S: Final = 60
# Large enough for a low cost per batch, small enough for the processor's cache.
_ROWS_PER_BATCH: Final = 16_384

# Parts of SQLite's messages, in lower case: about damage; about other faults, with the message for the user.
_WORDS_OF_DAMAGE: Final = ("malformed", "corrupt", "could not decode")
_MEANINGS: Final = (
    ("not a database", "is not an SQLite database, or is encrypted: use a file made by tapedeck"),
    (
        "is full",
        "has no space left on its disk; nothing of this write was stored: free some space, and try again",
    ),
    (
        "locked",
        f"was in use by another process for {BUSY_TIMEOUT_S} s: wait until it has ended, and try again",
    ),
    (
        "busy",
        f"was in use by another process for {BUSY_TIMEOUT_S} s: wait until it has ended, and try again",
    ),
    ("readonly", "cannot be written: check the permissions of the file and of its folder"),
    ("unable to open", "cannot be opened: check the permissions of the file and of its folder"),
    ("failed to open", "cannot be opened: check the permissions of the file and of its folder"),
    ("no such", "lacks tables of tapedeck: it was changed by another program; restore a copy"),
)


def explained(path: Path, error: Exception) -> StoreError:
    """Return the StoreError for `error` of either library about `path`."""
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    if any(words in reason.lower() for words in _WORDS_OF_DAMAGE):
        return damaged(path, f"SQLite: {reason}")
    for words, meaning in _MEANINGS:
        if words in reason.lower():
            return StoreError(f"{path} {meaning} (SQLite: {reason})")
    return StoreError(f"{path} cannot be used (SQLite: {reason})")


def damaged(path: Path, reason: str) -> StoreDamagedError:
    """Return the error for a file whose content is not that which was written."""
    return StoreDamagedError(
        f"{path} is damaged, or was changed by another program: {reason}. Restore a copy, or rewrite what is "
        f"damaged from its source files: `tapedeck store repair --from FILES --store {path}`. To keep the "
        f"bars as they are: `tapedeck store verify --accept --store {path}`",
        file=str(path),
    )


@contextmanager
def native_errors_explained(path: Path) -> Iterator[None]:
    """Turn errors of the sqlite3 module into StoreErrors about `path`."""
    try:
        yield
    except sqlite3.Error as error:
        raise explained(path, error) from error
    except UnicodeDecodeError as error:  # in the message of an error that names a damaged part
        raise damaged(path, "SQLite: its schema cannot be read") from error


@contextmanager
def arrow_errors_explained(path: Path) -> Iterator[None]:
    """Turn errors of ADBC and Arrow into StoreErrors about `path`."""
    import adbc_driver_manager  # noqa: PLC0415 - costs a start-up that reads no database 0.3 s
    import pyarrow as pa  # noqa: PLC0415

    try:
        yield
    except (adbc_driver_manager.Error, pa.ArrowException, OSError) as error:
        raise explained(path, error) from error
    except UnicodeDecodeError as error:
        raise damaged(path, "SQLite: its schema cannot be read") from error


def is_writable(path: Path) -> bool:
    """Whether this user may write the file, and its write-ahead log."""
    return os.access(path, os.W_OK) and os.access(path.resolve().parent, os.W_OK)


def open_native(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open with the sqlite3 module, in autocommit mode; the caller holds the gate.

    `read_only`: leave a log of writes as it is, instead of moving it into the file at the end.
    """
    with native_errors_explained(path):
        connection = sqlite3.connect(
            _uri(path, read_only=read_only),
            uri=True,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            # In WAL mode NORMAL is safe against a killed process; a power cut may lose the last commits.
            connection.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            connection.close()
            raise
    return connection


class ArrowConnection:
    """An ADBC connection that answers queries with Arrow batches; the caller holds the gate."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        import adbc_driver_sqlite.dbapi as adbc  # noqa: PLC0415

        self._path = path
        self._open: list[Any] = []  # closed last to first: ADBC does not close objects with open children
        with arrow_errors_explained(path):
            self._connection = adbc.connect(_uri(path, read_only=read_only), autocommit=True)
        try:
            self.query(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000}").read_all()
        except BaseException:
            self.close()
            raise

    def query(self, sql: str) -> pa.RecordBatchReader:
        """Run a query, and return its batches; ends the previous query."""
        self._end_query()
        with arrow_errors_explained(self._path):
            cursor = self._connection.cursor()
            self._open.append(cursor)
            cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(_ROWS_PER_BATCH)})
            cursor.execute(sql)
            reader = cursor.fetch_record_batch()
            self._open.append(reader)
        return reader

    def begin(self) -> None:
        """Begin a transaction: all later queries see the database as the first of them does."""
        self.query("BEGIN").read_all()

    def close(self) -> None:
        """Close the query and the connection."""
        self._end_query()
        self._connection.close()

    def _end_query(self) -> None:
        while self._open:
            self._open.pop().close()


def _size(path: Path) -> int:
    """Return a file's size in bytes, 0 without the file: another connection may remove a log at any time."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _uri(path: Path, *, read_only: bool) -> str:
    real = path.resolve()
    location = f"file:{quote(str(real))}"
    log = real.with_name(f"{real.name}-wal")
    has_log = _size(log) > 0
    # The last connection that may write moves the log into the file as it closes, even after reads only.
    # Without a log it changes nothing, and, unlike one that may not write, leaves no files behind.
    if is_writable(real) and not (read_only and has_log):
        return f"{location}?mode=rw"
    if has_log:
        return f"{location}?mode=ro"
    # Without a log, and without permission to create one, the file can only be read as immutable.
    return f"{location}?mode=ro&immutable=1"
