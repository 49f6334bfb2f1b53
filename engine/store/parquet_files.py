"""Parquet files of bars: how one is written, and how parts of many are read quickly again and again."""

from __future__ import annotations

import mmap
import os
import threading
from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from tapedeck.engine.errors import StoreError
from tapedeck.engine.store.bar_diff import COLUMN_NAMES, empty_bars, join, take
from tapedeck.engine.store.bar_store import BarColumns, Ints

ROW_GROUP: Final = 4096
_KEPT_ROWS: Final = 1_000_000
_BEFORE_ALL, _AFTER_ALL = -(2**62), 2**62
_SCHEMA: Final = pa.schema(
    [pa.field("opened_at", pa.int64(), nullable=False)]
    + [pa.field(name, pa.float64(), nullable=False) for name in COLUMN_NAMES[1:]]
)

Identity = tuple[int, int, int]


def write_file(path: Path, bars: BarColumns) -> None:
    """Write bars (sorted) to a new file, and see it onto the disk."""
    table = pa.table([getattr(bars, name) for name in COLUMN_NAMES], schema=_SCHEMA)
    pq.write_table(
        table,
        path,
        compression="lz4",
        use_dictionary=False,
        row_group_size=ROW_GROUP,
        write_statistics=["opened_at"],
        store_schema=False,
    )
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_file(path: Path) -> BarColumns:
    """Return all bars of a file; none where there is no file."""
    try:
        return join(OpenFile(str(path), KeptRows(0)).read(_BEFORE_ALL, _AFTER_ALL))
    except FileNotFoundError:
        return empty_bars()


def identity_of(stat: os.stat_result) -> Identity:
    """Return what tells one version of a file from the next: a store replaces files, never changes them."""
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


class KeptRows:
    """How many decoded rows the files of one store may keep together."""

    def __init__(self, limit: int = _KEPT_ROWS) -> None:
        self._lock = threading.Lock()
        self._free = limit

    def reserve(self, count: int) -> bool:
        """Take room for `count` rows; False where there is not enough."""
        with self._lock:
            if count > self._free:
                return False
            self._free -= count
            return True

    def release(self, count: int) -> None:
        """Give room back."""
        with self._lock:
            self._free += count


@dataclass(frozen=True, slots=True)
class _Kept:
    """All bars of a row group from the time `since` on."""

    group: int
    since: int
    bars: BarColumns
    rows_in_memory: int


class OpenFile:
    """One version of one file, mapped into memory, its row groups found by time.

    The mapping keeps the version readable after the file was replaced, and holds no descriptor.
    """

    def __init__(self, path: str, budget: KeptRows) -> None:
        self._path = path
        self._budget = budget
        self._lock = threading.Lock()  # Arrow's reader, and what is kept, serve one thread at a time
        self._kept: _Kept | None = None
        try:
            self._reader, self.identity = _mapped(path)
            self._firsts, self._lasts = _bounds(self._reader.metadata)
        except FileNotFoundError:
            raise
        except (pa.ArrowException, ValueError) as error:
            raise _damaged(path, error) from error
        except OSError as error:
            raise unreadable(path, error) from error

    def read(self, start: int, end: int) -> list[BarColumns]:
        """Return the bars with `start <= opened_at < end`, in up to two runs; decode no more."""
        first, after = bisect_left(self._lasts, start), bisect_left(self._firsts, end)
        if first >= after:
            return []
        with self._lock:
            kept = self._take_kept(first, start)
            parts = [] if kept is None else [kept]
            first += len(parts)
            if first < after:
                parts.append(self._decode(range(first, after)))
            low = int(parts[0].opened_at.searchsorted(start))
            high = int(parts[-1].opened_at.searchsorted(end))
            if high < len(parts[-1]):
                self._keep(after - 1, end, parts[-1], high)
                parts[-1] = take(parts[-1], slice(high))
        if low:
            parts[0] = take(parts[0], slice(low, None))
        return [part for part in parts if len(part)]

    def first_at_or_after(self, start: int) -> int | None:
        """Return the time of the first bar at or after `start`, or None."""
        group = bisect_left(self._lasts, start)
        if group == len(self._lasts):
            return None
        if self._firsts[group] >= start:
            return self._firsts[group]
        times = self._decode_times(group)
        return int(times[times.searchsorted(start)])

    def last_before(self, end: int) -> int | None:
        """Return the time of the last bar before `end`, or None."""
        group = bisect_left(self._firsts, end) - 1
        if group < 0:
            return None
        if self._lasts[group] < end:
            return self._lasts[group]
        times = self._decode_times(group)
        return int(times[times.searchsorted(end) - 1])

    def forget(self) -> None:
        """Give up the rows kept for the next read."""
        with self._lock:
            self._drop_kept()

    # A session player reads a file in chunks, one after the other, and a chunk seldom ends where a row group
    # does. The rest of the last group is kept, so that no group is decoded twice: half of all decoding.

    def _take_kept(self, group: int, start: int) -> BarColumns | None:
        kept = self._kept
        self._drop_kept()
        return kept.bars if kept is not None and kept.group == group and kept.since <= start else None

    def _keep(self, group: int, since: int, decoded: BarColumns, first: int) -> None:
        rest, rows = take(decoded, slice(first, None)), len(decoded)
        if rows > 2 * ROW_GROUP:  # slices would hold all of a large table in memory
            rest, rows = BarColumns(*(getattr(rest, name).copy() for name in COLUMN_NAMES)), len(rest)
        if self._budget.reserve(rows):
            self._kept = _Kept(group, since, rest, rows)

    def _drop_kept(self) -> None:
        if self._kept is not None:
            self._budget.release(self._kept.rows_in_memory)
            self._kept = None

    def _decode(self, groups: range) -> BarColumns:
        try:
            # The reader below ParquetFile: its own checks cost as much as a small column.
            table = self._reader.reader.read_row_groups(list(groups), use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise _damaged(self._path, error) from error
        return BarColumns(*(column.to_numpy() for column in table.columns))

    def _decode_times(self, group: int) -> Ints:
        with self._lock:
            try:
                table = self._reader.reader.read_row_groups([group], column_indices=[0], use_threads=False)
            except (pa.ArrowException, OSError) as error:
                raise _damaged(self._path, error) from error
        times: Ints = table.column(0).to_numpy()
        return times


def _mapped(path: str) -> tuple[pq.ParquetFile, Identity]:
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        identity = identity_of(os.fstat(descriptor))
        mapping = mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
    finally:
        os.close(descriptor)
    # Read-ahead and threads were slower for reads of some hundred kilobytes.
    return pq.ParquetFile(pa.BufferReader(pa.py_buffer(mapping)), pre_buffer=False), identity


def _bounds(metadata: pq.FileMetaData) -> tuple[list[int], list[int]]:
    """Return the first and the last time of every row group; ValueError where the file is not ours."""
    columns = [metadata.schema.column(index) for index in range(metadata.num_columns)]
    found = [(column.name, column.physical_type) for column in columns]
    if found != [("opened_at", "INT64"), *((name, "DOUBLE") for name in COLUMN_NAMES[1:])]:
        raise ValueError("its columns are not those of bars")
    statistics = [metadata.row_group(group).column(0).statistics for group in range(metadata.num_row_groups)]
    if not all(times is not None and times.has_min_max for times in statistics):
        raise ValueError("it lacks the statistics of opened_at")
    return [times.min for times in statistics], [times.max for times in statistics]


def unreadable(path: str, error: OSError) -> StoreError:
    """Return the StoreError about a file that the system does not let us read."""
    return StoreError(f"{path} cannot be read: {error.strerror}. Check what it is, and its permissions")


def _damaged(path: str, error: Exception) -> StoreError:
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    return StoreError(
        f"{path} is damaged, or was not written by tapedeck: {said}. Restore a copy, or remove the file "
        "and import its bars again"
    )
