"""Parquet files of bars: writing a file, and fast repeated reads of time ranges."""

from __future__ import annotations

import mmap
import os
import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tapedeck.engine.errors import StoreDamagedError, StoreError, cause_of
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_diff import COLUMN_NAMES, empty_bars, join, take
from tapedeck.engine.store.bar_store import BarColumns, Ints
from tapedeck.engine.store.checksums import SpanSums, SumAdder
from tapedeck.engine.store.parquet_checks import (
    DamageError,
    FileChecks,
    append_checks,
    has_trace_of_checks,
    read_checks,
)

ROW_GROUP: Final = 4096
_WRITTEN_GROUPS: Final = 32  # at once
_CACHED_ROWS: Final = 1_000_000
_BEFORE_ALL, _AFTER_ALL = -(2**62), 2**62

Identity = tuple[int, int, int]
Names = tuple[str, ...]
"""Names of a file's columns: those of bars, or of quotes, which are read and written as columns of bars."""


def write_file(
    path: Path, runs: Iterable[BarColumns], interval: Interval, *, names: Names = COLUMN_NAMES
) -> None:
    """Write bars to a new file with its checks, and sync it to disk.

    `runs`: at least one bar in all; each run is later than the one before. `names`: those of the file's
    columns; of quotes there is one less, as no volume is written.
    """
    firsts, lasts, sums, schema = [], [], SumAdder(interval), _schema(names)
    with pq.ParquetWriter(
        path,
        schema,
        compression="lz4",
        use_dictionary=False,
        write_statistics=["opened_at"],
        write_page_checksum=True,
        store_schema=False,
    ) as writer:
        for bars in _pieces(runs, _WRITTEN_GROUPS * ROW_GROUP):
            table = pa.table([getattr(bars, name) for name in COLUMN_NAMES[: len(names)]], schema=schema)
            writer.write_table(table, row_group_size=ROW_GROUP)
            firsts += bars.opened_at[::ROW_GROUP].tolist()
            lasts += bars.opened_at[ROW_GROUP - 1 :: ROW_GROUP].tolist()
            if len(lasts) < len(firsts):
                lasts.append(int(bars.opened_at[-1]))
            sums.add(0, bars)
    metadata = pq.read_metadata(path)
    groups = [metadata.row_group(number).column(0) for number in range(metadata.num_row_groups)]
    append_checks(
        path,
        [group.data_page_offset for group in groups],
        list(zip(firsts, lasts, strict=True)),
        sums.total(),
    )


def _schema(names: Names) -> pa.Schema:
    times = pa.field(names[0], pa.int64(), nullable=False)
    return pa.schema([times, *(pa.field(name, pa.float64(), nullable=False) for name in names[1:])])


def _pieces(runs: Iterable[BarColumns], size: int) -> Iterator[BarColumns]:
    """Yield the bars of all runs, `size` in each piece, and the rest in the last one."""
    parts: list[BarColumns] = []
    missing = size
    for run in runs:
        first = 0
        while len(run) - first >= missing:
            yield join([*parts, take(run, slice(first, first + missing))])
            first, parts, missing = first + missing, [], size
        if first < len(run):
            parts.append(take(run, slice(first, None)))
            missing -= len(run) - first
    if parts:
        yield join(parts)


def read_file(path: Path, *, needs_checks: bool, names: Names = COLUMN_NAMES) -> BarColumns:
    """Return all bars of a file; empty if it does not exist."""
    try:
        file = OpenFile(str(path), RowBudget(0), needs_checks=needs_checks, names=names)
        return join(file.read(_BEFORE_ALL, _AFTER_ALL))
    except FileNotFoundError:
        return empty_bars()


def has_checks(path: Path, *, names: Names = COLUMN_NAMES) -> bool:
    """Whether a file has checks, whole or damaged."""
    try:
        return OpenFile(str(path), RowBudget(0), needs_checks=False, names=names).spans is not None
    except StoreDamagedError:
        return True


def identity_of(stat: os.stat_result) -> Identity:
    """Return the identity of a version of a file: a store replaces files, and never changes them in place."""
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


class RowBudget:
    """Limit of the decoded rows that the files of one store may cache together."""

    def __init__(self, limit: int = _CACHED_ROWS) -> None:
        self._lock = threading.Lock()
        self._free = limit

    def reserve(self, count: int) -> bool:
        """Reserve `count` rows; return False if the limit does not allow them."""
        with self._lock:
            if count > self._free:
                return False
            self._free -= count
            return True

    def release(self, count: int) -> None:
        """Release `count` reserved rows."""
        with self._lock:
            self._free += count


@dataclass(frozen=True, slots=True)
class _CachedRows:
    """All bars of a row group from the time `since` on."""

    group: int
    since: int
    bars: BarColumns
    rows_in_memory: int


class OpenFile:
    """One version of a file, mapped into memory, with an index of its row groups by time.

    The mapping keeps this version readable after the file was replaced, without an open descriptor.
    `names`: those of its columns, of bars or of quotes.
    """

    def __init__(
        self, path: str, budget: RowBudget, *, needs_checks: bool = True, names: Names = COLUMN_NAMES
    ) -> None:
        self._path = path
        self._names = names
        self._budget = budget
        self._lock = threading.Lock()  # Arrow's reader and the cached rows serve one thread at a time
        self._cached: _CachedRows | None = None
        try:
            self._content, self.identity = _mapped(path)
            self._checks = _checks_of(self._content)
            # Measured: read-ahead and threads are slower for reads of some hundred kilobytes.
            self._reader = pq.ParquetFile(
                pa.BufferReader(pa.py_buffer(self._content)),
                pre_buffer=False,
                page_checksum_verification=self._checks is None,
            )
            self._firsts, self._lasts = _bounds(self._reader.metadata, self._checks, names)
        except FileNotFoundError:
            raise
        except (pa.ArrowException, ValueError) as error:
            raise self._damaged(error) from error
        except OSError as error:
            raise unreadable(path, error) from error
        if self._checks is None and needs_checks:
            raise _unchecked(path, names)

    @property
    def spans(self) -> SpanSums | None:
        """Sums of the file's bars by span; None in a file of an old store."""
        return None if self._checks is None else self._checks.spans

    @property
    def groups(self) -> int:
        """Number of row groups."""
        return len(self._firsts)

    def bounds_of_group(self, group: int) -> tuple[int, int]:
        """Return the times of the first and the last bar of a row group."""
        return self._firsts[group], self._lasts[group]

    def read_group(self, group: int) -> BarColumns:
        """Return all bars of a row group."""
        with self._lock:
            return self._decode(range(group, group + 1))

    @property
    def bounds(self) -> tuple[int, int]:
        """Times of the first and the last bar."""
        return self._firsts[0], self._lasts[-1]

    def read(self, start: int, end: int) -> list[BarColumns]:
        """Return the bars with `start <= opened_at < end`, in up to two runs; decode no other groups."""
        first, after = bisect_left(self._lasts, start), bisect_left(self._firsts, end)
        if first >= after:
            return []
        with self._lock:
            cached = self._take_cached(first, start)
            parts = [] if cached is None else [cached]
            first += len(parts)
            if first < after:
                parts.append(self._decode(range(first, after)))
            low = int(parts[0].opened_at.searchsorted(start))
            high = int(parts[-1].opened_at.searchsorted(end))
            if high < len(parts[-1]):
                self._cache(after - 1, end, parts[-1], high)
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

    def drop_cached_rows(self) -> None:
        """Drop the rows cached for the next read."""
        with self._lock:
            self._drop_cached()

    # A session player reads a file in consecutive chunks, which seldom end at the end of a row group. The
    # rest of the last group is cached, so that no group is decoded twice; that saves half of all decoding.

    def _take_cached(self, group: int, start: int) -> BarColumns | None:
        cached = self._cached
        self._drop_cached()
        return cached.bars if cached is not None and cached.group == group and cached.since <= start else None

    def _cache(self, group: int, since: int, decoded: BarColumns, first: int) -> None:
        rest, rows = take(decoded, slice(first, None)), len(decoded)
        if rows > 2 * ROW_GROUP:  # a slice would keep the whole large table in memory
            rest, rows = BarColumns(*(getattr(rest, name).copy() for name in COLUMN_NAMES)), len(rest)
        if self._budget.reserve(rows):
            self._cached = _CachedRows(group, since, rest, rows)

    def _drop_cached(self) -> None:
        if self._cached is not None:
            self._budget.release(self._cached.rows_in_memory)
            self._cached = None

    def _decode(self, groups: range) -> BarColumns:
        try:
            self._check(groups)
            # The reader inside ParquetFile, as ParquetFile's own checks cost as much as a small column.
            table = self._reader.reader.read_row_groups(list(groups), use_threads=False)
        except (pa.ArrowException, OSError, DamageError) as error:
            raise self._damaged(error) from error
        columns = [column.to_numpy() for column in table.columns]
        if len(self._names) < len(COLUMN_NAMES):  # quotes
            columns.append(np.zeros(len(columns[0])))
        return BarColumns(*columns)

    def _decode_times(self, group: int) -> Ints:
        with self._lock:
            try:
                self._check([group])
                table = self._reader.reader.read_row_groups([group], column_indices=[0], use_threads=False)
            except (pa.ArrowException, OSError, DamageError) as error:
                raise self._damaged(error) from error
        times: Ints = table.column(0).to_numpy()
        return times

    def _damaged(self, error: Exception) -> StoreError:
        return damaged(self._path, error, self._names)

    def _check(self, groups: Sequence[int]) -> None:
        if self._checks is not None:
            with memoryview(self._content) as content:
                for group in groups:
                    self._checks.check_group(content, group)


def _mapped(path: str) -> tuple[mmap.mmap, Identity]:
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        identity = identity_of(os.fstat(descriptor))
        return mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ), identity
    finally:
        os.close(descriptor)


def _checks_of(content: mmap.mmap) -> FileChecks | None:
    """Return the checks of a file, None without any; DamageError if they are damaged."""
    with memoryview(content) as view:
        checks = read_checks(view)
    if checks is None and has_trace_of_checks(content):
        raise DamageError("its checks are not where its footer says")
    return checks


def _bounds(
    metadata: pq.FileMetaData, checks: FileChecks | None, names: Names
) -> tuple[list[int], list[int]]:
    """Return the first and the last time of every row group; ValueError if the file is not from tapedeck."""
    if metadata.num_columns != len(names):
        raise _of_other_columns(names)
    if checks is not None:
        return checks.firsts.tolist(), checks.lasts.tolist()
    columns = [metadata.schema.column(index) for index in range(metadata.num_columns)]
    found = [(column.name, column.physical_type) for column in columns]
    if found != [(names[0], "INT64"), *((name, "DOUBLE") for name in names[1:])]:
        raise _of_other_columns(names)
    statistics = [metadata.row_group(group).column(0).statistics for group in range(metadata.num_row_groups)]
    if not all(times is not None and times.has_min_max for times in statistics):
        raise ValueError("it lacks the statistics of opened_at")
    return [times.min for times in statistics], [times.max for times in statistics]


def unreadable(path: str, error: OSError) -> StoreError:
    """Return the StoreError for a file that cannot be read."""
    return StoreError(f"{path} cannot be read: {cause_of(error)}. Check the file and its permissions")


def damaged(path: str, error: Exception, names: Names = COLUMN_NAMES) -> StoreError:
    """Return the StoreError for a file whose content is not that which was written."""
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    store = _store_of(path, names)
    remedy = (
        f"rewrite what is damaged from its source files: `tapedeck store repair --from FILES --store {store}`"
        if names == COLUMN_NAMES
        else "remove its symbol with `tapedeck store remove`, and import it again"
    )
    return StoreDamagedError(
        f"{path} is damaged, or was not written by tapedeck: {reason}. Restore a copy, or {remedy}", file=path
    )


def _of_other_columns(names: Names) -> ValueError:
    return ValueError(f"its columns are not those of {'bars' if names == COLUMN_NAMES else 'quotes'}")


def _unchecked(path: str, names: Names) -> StoreError:
    return StoreDamagedError(
        f"{path} has no checksums: another program wrote or changed it, or it is damaged. To keep its "
        f"rows as they are: `tapedeck store verify --accept --store {_store_of(path, names)}`",
        file=path,
    )


def _store_of(path: str, names: Names) -> str:
    folders = 3 if names == COLUMN_NAMES else 4  # quotes have one of their own
    return str(Path(*Path(path).parts[:-folders]))
