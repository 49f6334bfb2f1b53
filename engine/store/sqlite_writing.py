"""Transactions of one thread on one database file, over a connection kept between them."""

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
    """A connection for writing, kept open between transactions.

    If the other library waits for the file, any thread may close it between transactions; the next
    transaction opens it again.
    """

    def __init__(self, gate: FileGate, path: Path) -> None:
        self._gate = gate
        self._path = path
        self._process = os.getpid()
        self._step = threading.RLock()  # guards the fields below; held during a transaction
        self._depth = 0
        self._holder: Holder | None = None
        self._connection: sqlite3.Connection | None = None

    @property
    def connection_in_transaction(self) -> sqlite3.Connection | None:
        """The connection during a transaction, else None."""
        return self._connection if self._depth else None

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection inside a transaction, nested if one is open already."""
        with self._step:
            connection = self._opened()
            self._depth += 1
            try:
                with self._unit(connection):
                    yield connection
            finally:
                self._depth -= 1
        if self._holder is not None and self._gate.other_library_waits(self._holder):
            self._release()

    def close(self) -> None:
        """Close the connection; a forked child leaves it open, as it belongs to the parent."""
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
            # A fair lock orders the writers of this process; SQLite orders those of other processes.
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
            # On a full disk, for example, SQLite has already rolled back.
            if connection.in_transaction:
                for statement in undo:
                    connection.execute(statement)
            raise

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._holder = self._gate.enter(Library.NATIVE, release=self._release)
            try:
                self._connection = open_native(self._path)
            except BaseException:
                self._close()
                raise
        return self._connection

    def _release(self) -> None:
        if not self._step.acquire(blocking=False):
            return  # a transaction is open; at its end it releases the file
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
    """Return the calling thread's open batch of writes on a file, or None."""
    batch: WriteBatch | None = getattr(gate.of_thread, "batch", None)
    return batch


@contextmanager
def opened_batch(gate: FileGate, path: Path) -> Iterator[WriteBatch]:
    """Yield a new batch of writes for the calling thread, which must not have one; closed at the end."""
    batch = gate.of_thread.batch = WriteBatch(gate, path)
    try:
        yield batch
    finally:
        gate.of_thread.batch = None
        batch.close()
