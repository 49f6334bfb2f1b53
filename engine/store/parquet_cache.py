"""Cache of open Parquet files: those read last, kept open between reads."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from tapedeck.engine.store.bar_diff import COLUMN_NAMES
from tapedeck.engine.store.parquet_files import Names, OpenFile, RowBudget, identity_of, unreadable

_CACHED_FILES: Final = 1024


class FileCache:
    """The files read last, opened and parsed once; a replaced file is opened again.

    `needs_checks`: files without checks are refused. `names`: those of the columns of all files.
    """

    def __init__(
        self, limit: int = _CACHED_FILES, *, needs_checks: bool = True, names: Names = COLUMN_NAMES
    ) -> None:
        self._limit = limit
        self._needs_checks = needs_checks
        self._names = names
        self._lock = threading.Lock()
        self._budget = RowBudget()
        self._files: OrderedDict[str, OpenFile] = OrderedDict()

    def get(self, path: str) -> OpenFile | None:
        """Return the current version of a file, or None if it does not exist."""
        try:
            identity = identity_of(os.stat(path))
            with self._lock:
                file = self._files.get(path)
                if file is not None and file.identity == identity:
                    self._files.move_to_end(path)
                    return file
            file = OpenFile(path, self._budget, needs_checks=self._needs_checks, names=self._names)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise unreadable(path, error) from error
        self._put(path, file)
        return file

    def get_all(self, paths: Iterable[str]) -> list[OpenFile]:
        """Return the current versions of the files that exist."""
        return [file for path in paths if (file := self.get(path)) is not None]

    def clear(self) -> None:
        """Close all files."""
        with self._lock:
            for file in self._files.values():
                file.drop_cached_rows()
            self._files.clear()

    def _put(self, path: str, file: OpenFile) -> None:
        with self._lock:
            replaced = self._files.pop(path, None)
            self._files[path] = file
            dropped = [replaced] if replaced is not None else []
            if len(self._files) > self._limit:
                dropped.append(self._files.popitem(last=False)[1])
            for old in dropped:
                old.drop_cached_rows()
