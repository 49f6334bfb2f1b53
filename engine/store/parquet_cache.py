"""The Parquet files of a store that were read last, kept open from one read to the next."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from tapedeck.engine.store.parquet_files import KeptRows, OpenFile, identity_of, unreadable

_CACHED_FILES: Final = 1024


class FileCache:
    """The files read last, opened and parsed once; a file that was replaced is opened anew."""

    def __init__(self, limit: int = _CACHED_FILES) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._budget = KeptRows()
        self._files: OrderedDict[str, OpenFile] = OrderedDict()

    def get(self, path: str) -> OpenFile | None:
        """Return the file as it is now, or None where there is none."""
        try:
            identity = identity_of(os.stat(path))
            with self._lock:
                file = self._files.get(path)
                if file is not None and file.identity == identity:
                    self._files.move_to_end(path)
                    return file
            file = OpenFile(path, self._budget)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise unreadable(path, error) from error
        self._put(path, file)
        return file

    def get_all(self, paths: Iterable[str]) -> list[OpenFile]:
        """Return those of the files that exist, as they are now."""
        return [file for path in paths if (file := self.get(path)) is not None]

    def clear(self) -> None:
        """Close all files."""
        with self._lock:
            for file in self._files.values():
                file.forget()
            self._files.clear()

    def _put(self, path: str, file: OpenFile) -> None:
        with self._lock:
            replaced = self._files.pop(path, None)
            self._files[path] = file
            forgotten = [replaced] if replaced is not None else []
            if len(self._files) > self._limit:
                forgotten.append(self._files.popitem(last=False)[1])
            for gone in forgotten:
                gone.forget()
