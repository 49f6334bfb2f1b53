"""Watch of the checksums of an SQLite store: finds bars that were changed since it began."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from tapedeck.engine.errors import StoreChangedError
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.checksums import SpanSums, span_words, whole_spans

ReadSums = Callable[[int, int], SpanSums]
"""Reads the sums of the watched symbols over whole spans."""

FilesState = list[tuple[int, int, int] | None]
"""Inode, size and time of change of files; the same as long as no transaction is committed."""


class SqliteWatch:
    """The checksums of some symbols as they were at the start; see `BarWatch`.

    `noun`: what the checksums are of, for errors.
    """

    def __init__(
        self,
        path: Path,
        symbols: Sequence[str],
        interval: Interval,
        bounds: tuple[int, int],
        sums: ReadSums,
        *,
        noun: str = "bars",
    ) -> None:
        self._path = path
        self._symbols = symbols
        self._interval = interval
        self._sums = sums
        self._noun = noun
        self._files = state_of(path)
        self._before = sums(*whole_spans(*bounds, interval))

    def check(self, start: int, end: int) -> None:
        """Raise StoreChangedError if bars of `[start, end)` are not those of the start."""
        files = state_of(self._path)
        if files == self._files:
            return  # no transaction has been committed: the sums need not be read
        start, end = whole_spans(start, end, self._interval)
        changed = self._before.between(start, end).differences(self._sums(start, end))
        if changed:
            row, since = changed[0]
            raise StoreChangedError(
                f"{self._path}: {self._interval} {self._noun} of {self._symbols[row]} "
                f"{span_words(since, self._interval)} were changed while this run was reading them. Run again"
            )


def state_of(path: Path) -> FilesState:
    """Return the state of a database and its log, None for one that is not there."""
    found: FilesState = []
    for file in (path, Path(f"{path}-wal")):
        try:
            status = os.stat(file)
            found.append((status.st_ino, status.st_size, status.st_mtime_ns))
        except OSError:
            found.append(None)
    return found
