"""Writes to a Parquet store, buffered and committed together.

A batch that may commit in between does so when its buffer is full; an atomic one sets its bars aside on disk.
"""

from __future__ import annotations

import errno
import os
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain, groupby
from operator import attrgetter
from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary

import numpy as np
import pyarrow as pa

from tapedeck.engine.errors import StoreDamagedError, StoreError, cause_of
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_diff import BarDifference, difference, empty_bars, join, merge, take
from tapedeck.engine.store.bar_store import BarColumns, Ints
from tapedeck.engine.store.folder_lock import locked
from tapedeck.engine.store.parquet_aside import BarsAside
from tapedeck.engine.store.parquet_commit import Staging
from tapedeck.engine.store.parquet_empty_slots import read_slots, slots_text
from tapedeck.engine.store.parquet_files import has_checks, read_file
from tapedeck.engine.store.parquet_layout import (
    FORMAT_VERSION,
    bounds_of_file,
    check_marker,
    names_of,
    series_folder,
)
from tapedeck.engine.store.parquet_verify import series_files

_BUFFERED_ROWS: Final = 2_000_000
_ATOMIC_ROWS: Final = 1_333_333  # in memory: 64 MB
_LEAST_READ: Final = 32_768  # measured: up to 256 KB of each column are mapped around a bar that is read

_is_aside: Final = attrgetter("is_aside")


@dataclass(frozen=True, slots=True)
class _Run:
    """Bars (at least one, sorted) in memory, or set aside on disk."""

    bars: BarColumns
    is_aside: bool = False

    @property
    def first(self) -> int:
        return int(self.bars.opened_at[0])

    @property
    def last(self) -> int:
        return int(self.bars.opened_at[-1])

    def part(self, rows: slice) -> list[_Run]:
        bars = take(self.bars, rows)
        return [_Run(bars, self.is_aside)] if len(bars) else []


@dataclass(frozen=True, slots=True)
class _Content:
    """New content of a file: runs of bars, each later than the one before."""

    runs: tuple[_Run, ...]
    is_changed: bool

    @classmethod
    def of(cls, bars: BarColumns, *, is_changed: bool) -> _Content:
        return cls((_Run(bars),) if len(bars) else (), is_changed)

    def bars(self) -> BarColumns:
        return join([run.bars for run in self.runs])

    def cut(self, first: int, last: int) -> tuple[tuple[_Run, ...], list[_Run], tuple[_Run, ...]]:
        """Return the runs before the time `first`, up to `last` (inclusive), and after it; copies no bars."""
        low = bisect_left(self.runs, first, key=attrgetter("last"))
        high = bisect_right(self.runs, last, key=attrgetter("first"))
        before, after = self.runs[:low], self.runs[high:]
        within: list[_Run] = []
        for run in self.runs[low:high]:
            start, end = run.bars.opened_at.searchsorted((first, last + 1)).tolist()
            before = (*before, *run.part(slice(start)))
            within += run.part(slice(start, end))
            after = (*run.part(slice(end, None)), *after)
        return before, within, after


class FolderWriter:
    """Writer of one folder: used by one thread at a time, and by one process at a time.

    A batch holds the lock until it ends, so that the results of its writes stay valid until the commit.
    Bars of an atomic batch beyond `_ATOMIC_ROWS` are on disk until then.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._staging = Staging(root)
        self._aside = BarsAside(self._staging.folder)
        self._lock = threading.RLock()  # guards all below
        self._depth = 0
        self._atomic_depth = 0
        self._contents: dict[str, _Content] = {}
        self._slots: dict[str, Ints] = {}  # new facts of a file
        self._buffered = 0  # approximate number of rows in `_contents`
        self._on_disk = 0  # those of them that are set aside
        self._mapped = 0  # approximate number of rows set aside that were read into memory
        self._needs_checks = True
        self._locks = ExitStack()

    @contextmanager
    def batch(self, *, atomic: bool) -> Iterator[None]:
        """Buffer writes until the outermost block ends, or until the buffer is full."""
        with self._lock:
            if not self._depth:
                self._begin()
            elif self._atomic_depth and self._buffered - self._on_disk > _ATOMIC_ROWS:
                self._set_aside()
            self._depth += 1
            self._atomic_depth += atomic
            before = dict(self._contents), dict(self._slots), self._buffered, self._on_disk
            try:
                yield
            except BaseException:
                if atomic:
                    self._contents, self._slots, self._buffered, self._on_disk = before
                raise
            finally:
                self._depth -= 1
                self._atomic_depth -= atomic
                self._commit_if_due()

    def write(self, path: str, bars: BarColumns, *, replace: bool) -> BarDifference:
        """Add bars (at least one) to the file `path` below the root; return the changes. Needs a batch."""
        content = self._content(path)
        # Most writes append later bars: nothing is within their times.
        before, within, after = content.cut(int(bars.opened_at[0]), int(bars.opened_at[-1]))
        stored = join([run.bars for run in within])
        found = difference(bars, stored)
        changed: Ints = found.changed(replace=replace)
        aside = [len(run.bars) for run in within if run.is_aside]
        if len(changed):
            new = bars if len(changed) == len(bars) else take(bars, changed)
            merged = merge(stored, new) if len(stored) else new
            content = _Content((*before, _Run(merged), *after), is_changed=True)
            self._buffered += len(found.new)
            self._on_disk -= sum(aside)
        self._contents[path] = content
        self._mapped += sum(aside) + _LEAST_READ * len(aside)
        if self._mapped > _ATOMIC_ROWS:
            self._mapped = 0
            self._aside.release()
        return found

    def replace_file(self, path: str, bars: BarColumns) -> None:
        """Replace the file `path` by one with these bars, without reading it; without bars it is removed."""
        self._buffered += len(bars)
        self._contents[path] = _Content.of(bars, is_changed=True)

    def add_checks(self, path: str) -> None:
        """Write the file `path` again, with checks, if it has none; StoreDamagedError if it is damaged."""
        names = names_of(path)
        if not has_checks(self._root / path, names=names):
            self.replace_file(path, read_file(self._root / path, needs_checks=False, names=names))

    def remove(self, symbol: str, interval: Interval, start: int, end: int, *, below: str = "") -> int:
        """Remove a series' bars of `[start, end)`, also those that this batch wrote; return their number.

        `below`: the folder below the root that has the series. Files that lie in the range as a whole are
        removed even if they cannot be read.
        """
        own = os.path.join(below, series_folder(symbol, interval), "")
        found = series_files(self._root / below, symbol, interval)
        stored = {os.path.relpath(path, self._root) for path in found}
        written = {path for path in self._contents if path.startswith(own)}
        removed = 0
        for path in sorted(stored | written):
            first, after = bounds_of_file(path, interval)
            removed += self._remove(path, start, end, is_whole=start <= first and after <= end)
        return removed

    def _remove(self, path: str, start: int, end: int, *, is_whole: bool) -> int:
        try:
            bars = self._content(path).bars()
        except StoreDamagedError:
            if not is_whole:
                raise
            self.replace_file(path, empty_bars())
            return 0
        low, high = (int(bars.opened_at.searchsorted(edge)) for edge in (start, end))
        if high > low:
            self.replace_file(path, join([take(bars, slice(low)), take(bars, slice(high, None))]))
        return high - low

    def add_slots(self, path: str, times: Ints) -> None:
        """Add facts (ascending, each once) to the file `path`. Needs a batch."""
        stored = self._slots_of(path)
        found = np.union1d(stored, times)
        if len(found) > len(stored):
            self._slots[path] = found

    def remove_slots(self, path: str, start: int, end: int, *, is_whole: bool) -> None:
        """Remove the facts of `[start, end)` from the file `path`.

        `is_whole`: the range holds all facts of the file, which is removed even if it cannot be read.
        """
        if is_whole:
            if path in self._slots or (self._root / path).exists():
                self._slots[path] = np.empty(0, np.int64)
            return
        stored = self._slots_of(path)
        left = stored[(stored < start) | (stored >= end)]
        if len(left) < len(stored):
            self._slots[path] = left

    def _slots_of(self, path: str) -> Ints:
        found = self._slots.get(path)
        return read_slots(self._root / path) if found is None else found

    def _content(self, path: str) -> _Content:
        content = self._contents.get(path)
        if content is None:
            stored = read_file(self._root / path, needs_checks=self._needs_checks, names=names_of(path))
            content = _Content.of(stored, is_changed=False)
            self._buffered += len(stored)
        return content

    def _begin(self) -> None:
        with _errors_explained(self._root):
            self._locks.enter_context(locked(self._staging.write_lock))
            try:
                self._needs_checks = check_marker(self._root) >= FORMAT_VERSION
                self._staging.clean()
            except BaseException:
                self._locks.close()
                raise

    def _set_aside(self) -> None:
        """Move all bars in memory to disk; StoreError if that fails, and then all is as before."""
        grouped = {
            path: [(is_aside, list(runs)) for is_aside, runs in groupby(content.runs, _is_aside)]
            for path, content in self._contents.items()
        }
        in_memory = [runs for groups in grouped.values() for is_aside, runs in groups if not is_aside]
        with _errors_explained(self._root):
            moved = iter(
                self._aside.put([[run.bars for run in runs] for runs in in_memory]) if in_memory else ()
            )
        for path, groups in grouped.items():
            parts = [runs if is_aside else [_Run(next(moved), is_aside=True)] for is_aside, runs in groups]
            self._contents[path] = _Content(tuple(chain(*parts)), self._contents[path].is_changed)
        self._on_disk = self._buffered

    def _runs_of(self, content: _Content) -> Iterator[BarColumns] | None:
        return self._released_after(content.runs) if content.runs else None

    def _released_after(self, runs: tuple[_Run, ...]) -> Iterator[BarColumns]:
        for run in runs:
            yield run.bars
            if run.is_aside:
                self._aside.release()

    def _commit_if_due(self) -> None:
        has_ended = not self._depth
        try:
            if has_ended or (not self._atomic_depth and self._buffered > _BUFFERED_ROWS):
                contents, self._contents, self._buffered, self._on_disk = self._contents, {}, 0, 0
                slots, self._slots = self._slots, {}
                changed = [path for path, content in contents.items() if content.is_changed]
                if changed or slots:
                    with _errors_explained(self._root):
                        self._aside.check()
                        self._staging.commit(
                            chain(
                                # What was written is not held any more.
                                ((path, self._runs_of(contents.pop(path))) for path in changed),
                                ((path, slots_text(times) or None) for path, times in slots.items()),
                            )
                        )
        finally:
            if has_ended:
                self._locks.close()


@contextmanager
def _errors_explained(root: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"{root} cannot be written: {_meaning(error)}") from error


def _meaning(error: Exception) -> str:
    code = error.errno if isinstance(error, OSError) else None
    if code in (errno.ENOSPC, errno.EDQUOT):
        return "no space left on the disk; nothing of this write was stored. Free some space, and try again"
    if code in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            "it can be read, but you have no permission to write to it. Change the permission, or copy the "
            "folder to another location"
        )
    if code == errno.ENAMETOOLONG:
        return "the symbol is too long for a file name on this disk. Use a shorter one, or a `.db` store"
    return f"{error}. Nothing of this write was stored"


_writers: WeakValueDictionary[tuple[int, int], FolderWriter] = WeakValueDictionary()
_writers_lock = threading.Lock()


def writer_of(root: Path) -> FolderWriter:
    """Return the writer of the folder `root` (links resolved), shared by all its store objects."""
    try:
        stat = os.stat(root)
    except OSError as error:
        raise StoreError(
            f"{root} cannot be reached: {cause_of(error)}. If it was moved, give its new path with --store"
        ) from error
    with _writers_lock:
        writer = _writers.get((stat.st_dev, stat.st_ino))
        if writer is None:
            writer = _writers[stat.st_dev, stat.st_ino] = FolderWriter(root.resolve())
        return writer


def _forget_writers() -> None:
    # In a forked child, the parent's writers may be locked by threads that the child does not have.
    global _writers, _writers_lock
    _writers, _writers_lock = WeakValueDictionary(), threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_writers)
