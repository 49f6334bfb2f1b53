"""Transactions of one thread on one database file, over a connection that is kept between them."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tapedeck.engine.store.sqlite_connections import native_errors_explained, open_native
from tapedeck.engine.store.sqlite_gate import FileGate, Holder, Library

_UNDO_INNER: Final = ("ROLLBACK TO inner_write", "RELEASE inner_write")


class WriteBatch:
    """A connection for writing, kept between transactions as long as nobody waits for the file.

    Any thread that does may close it then; the next transaction opens it again.
    """

    def __init__(self, gate: FileGate, path: Path) -> None:
        self._gate = gate
        self._path = path
        self._process = os.getpid()
        self._step = threading.RLock()  # guards all below; held throughout a transaction
        self._depth = 0
        self._holder: Holder | None = None
        self._connection: sqlite3.Connection | None = None

    @property
    def connection_in_transaction(self) -> sqlite3.Connection | None:
        """The connection, while the calling thread is inside a transaction of its own."""
        return self._connection if self._depth else None

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Give the connection inside a transaction, or, where there is one, inside a nested one."""
        with self._step:
            connection = self._opened()
            self._depth += 1
            try:
                with self._unit(connection):
                    yield connection
            finally:
                self._depth -= 1
        if self._holder is not None and self._gate.is_wanted_from(self._holder):
            self._let_go()

    def close(self) -> None:
        """Close the connection; in a forked child it is the parent's, and left alone."""
        if os.getpid() != self._process:
            return
        with self._step:
            self._close()

    @contextmanager
    def _unit(self, connection: sqlite3.Connection) -> Iterator[None]:
        if self._depth > 1:
            with self._ended(connection, "SAVEPOINT inner_write", "RELEASE inner_write", _UNDO_INNER):
                yield
        else:
            # One writer at a time in this process by a lock, which is fair; between processes by SQLite.
            with self._gate.write_lock, self._ended(connection, "BEGIN IMMEDIATE", "COMMIT", ("ROLLBACK",)):
                yield

    @contextmanager
    def _ended(
        self, connection: sqlite3.Connection, begin: str, commit: str, undo: Sequence[str]
    ) -> Iterator[None]:
        with native_errors_explained(self._path):
            connection.execute(begin)
        try:
            yield
            with native_errors_explained(self._path):
                connection.execute(commit)
        except BaseException:
            # SQLite itself rolls back on a full disk, for example; then there is nothing left to undo.
            if connection.in_transaction:
                for statement in undo:
                    connection.execute(statement)
            raise

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._holder = self._gate.enter(Library.NATIVE, let_go=self._let_go)
            try:
                self._connection = open_native(self._path)
            except BaseException:
                self._close()
                raise
        return self._connection

    def _let_go(self) -> None:
        if not self._step.acquire(blocking=False):
            return  # a transaction is under way; it looks for those who wait when it is done
        try:
            if not self._depth:
                self._close()
        finally:
            self._step.release()

    def _close(self) -> None:
        try:
            if self._connection is not None:
                self._connection.close()
        finally:
            self._connection = None
            if self._holder is not None:
                self._gate.leave(self._holder)
                self._holder = None


def batch_of_thread(gate: FileGate) -> WriteBatch | None:
    """Return the batch of writes that the calling thread has open on a file, if any."""
    batch: WriteBatch | None = getattr(gate.of_thread, "batch", None)
    return batch


@contextmanager
def opened_batch(gate: FileGate, path: Path) -> Iterator[WriteBatch]:
    """Give a new batch of writes of the calling thread, which has none on the file yet; closed at the end."""
    batch = gate.of_thread.batch = WriteBatch(gate, path)
    try:
        yield batch
    finally:
        gate.of_thread.batch = None
        batch.close()
