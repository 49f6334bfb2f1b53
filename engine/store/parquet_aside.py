"""Bars of an atomic batch that are set aside on disk, so that a batch may be larger than memory.

They are in files without a name in the store's `.staging`. The system deletes such a file as soon as nothing
of it is held any more, at the latest with the process, so that a crash leaves nothing.
"""

from __future__ import annotations

import errno
import mmap
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from weakref import WeakKeyDictionary

import numpy as np
import xxhash

from tapedeck.engine.store.bar_diff import COLUMN_NAMES
from tapedeck.engine.store.bar_store import BarColumns

_PIECE: Final = 1 << 23
_BYTES: Final = 8  # of each number of a bar


class BarsAside:
    """Bars on disk, in files of `folder` that are mapped into memory; used by one thread at a time.

    A file takes an open descriptor and its space on disk until nothing of it is held any more.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: WeakKeyDictionary[mmap.mmap, int] = WeakKeyDictionary()  # digest of each

    def put(self, series: Sequence[Sequence[BarColumns]]) -> list[BarColumns]:
        """Write runs of bars to a new file, those of each series joined; return each series' bars in it.

        At least one series, and each with a bar. The returned arrays are read-only, of shape (n,) for
        the n bars of the series. Raises OSError if the file cannot be written.
        """
        digest = xxhash.xxh3_64()
        with tempfile.TemporaryFile(dir=self._folder) as file:
            for runs in series:
                for name in COLUMN_NAMES:
                    for run in runs:
                        content = np.ascontiguousarray(getattr(run, name)).data
                        file.write(content)
                        digest.update(content)
            file.flush()
            mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._files[mapping] = digest.intdigest()
        self.release()
        return list(_views(mapping, [sum(map(len, runs)) for runs in series]))

    def check(self) -> None:
        """Read all files; raises OSError if one is not what was written, as where a disk fails."""
        for mapping, written in list(self._files.items()):
            digest = xxhash.xxh3_64()
            with memoryview(mapping) as content:
                for first in range(0, len(content), _PIECE):
                    digest.update(content[first : first + _PIECE])
                    _release(mapping)
            if digest.intdigest() != written:
                raise OSError(
                    errno.EIO, f"bars that were set aside in {self._folder} are not those that were written"
                )

    def release(self) -> None:
        """Release the memory of what was read; what is read again comes from the files."""
        for mapping in list(self._files):
            _release(mapping)


def _release(mapping: mmap.mmap) -> None:
    if hasattr(mmap, "MADV_DONTNEED"):  # else the system releases it where it needs memory
        mapping.madvise(mmap.MADV_DONTNEED)


def _views(mapping: mmap.mmap, counts: Sequence[int]) -> Iterator[BarColumns]:
    place = 0
    for count in counts:
        places = range(place, place + len(COLUMN_NAMES) * count * _BYTES, count * _BYTES)
        values = [np.frombuffer(mapping, np.float64, count, at) for at in places[1:]]
        yield BarColumns(np.frombuffer(mapping, np.int64, count, place), *values)
        place = places.stop
