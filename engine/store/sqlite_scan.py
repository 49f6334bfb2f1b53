"""SQLite scan: a bulk read through ADBC, which releases the file early when another thread waits for it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tapedeck.engine.errors import StoreError
from tapedeck.engine.store.sqlite_connections import ArrowConnection, arrow_errors_explained
from tapedeck.engine.store.sqlite_gate import FileGate, Holder, Library

if TYPE_CHECKING:
    import pyarrow as pa


class ArrowScan:
    """Iterator over the Arrow batches of one query; the file is open from the first batch to the last.

    A reader may stop half-way, or write to the file it is reading. To avoid a deadlock, a thread that waits
    for the file makes the scan read its other batches into memory and close the file.
    """

    def __init__(self, gate: FileGate, path: Path, sql: str, *, read_only: bool = False) -> None:
        self._gate = gate
        self._path = path
        self._sql = sql
        self._read_only = read_only
        self._step = threading.Lock()  # guards all below
        self._begun = False
        self._holder: Holder | None = None
        self._connection: ArrowConnection | None = None
        self._reader: pa.RecordBatchReader | None = None
        self._buffered: deque[pa.RecordBatch] = deque()
        self._failure: StoreError | None = None

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self

    def __next__(self) -> pa.RecordBatch:
        with self._step:
            if not self._begun:
                self._begin()
            batch = self._next_batch()
        if self._holder is not None and self._gate.other_library_waits(self._holder):
            self._release()
        return batch

    def close(self) -> None:
        """Close the file; batches not read yet are dropped."""
        with self._step:
            self._begun = True
            self._end()
            self._buffered.clear()

    def _begin(self) -> None:
        self._begun = True
        self._holder = self._gate.enter(Library.ARROW, release=self._release)
        try:
            self._connection = ArrowConnection(self._path, read_only=self._read_only)
            self._reader = self._connection.query(self._sql)
        except BaseException:
            self._end()
            raise

    def _next_batch(self) -> pa.RecordBatch:
        if self._buffered:
            return self._buffered.popleft()
        if self._failure is not None:
            raise self._failure
        if self._reader is None:
            raise StopIteration
        try:
            return self._read(self._reader)
        except BaseException:
            self._end()
            raise

    def _read(self, reader: pa.RecordBatchReader) -> pa.RecordBatch:
        with arrow_errors_explained(self._path):
            return reader.read_next_batch()

    def _release(self) -> None:
        if not self._step.acquire(blocking=False):
            return  # another step is running; it checks for waiting threads at its end
        try:
            while self._reader is not None:
                self._buffered.append(self._read(self._reader))
        except StopIteration:
            self._end()
        except StoreError as error:
            self._failure = error  # raised in the scan's reader, not in the waiting thread
            self._end()
        finally:
            self._step.release()

    def _end(self) -> None:
        self._reader = None
        try:
            if self._connection is not None:
                self._connection.close()
        finally:
            self._connection = None
            if self._holder is not None:
                self._gate.leave(self._holder)
                self._holder = None
