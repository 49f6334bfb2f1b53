"""Files of the series of a Parquet store: opened as of one commit."""

from __future__ import annotations

from pathlib import Path

from tapedeck.engine.errors import StoreError
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_diff import COLUMN_NAMES, check_interval
from tapedeck.engine.store.parquet_cache import FileCache
from tapedeck.engine.store.parquet_commit import Staging
from tapedeck.engine.store.parquet_files import Names, OpenFile
from tapedeck.engine.store.parquet_layout import candidates, is_store, series_folder, spans_files


class SeriesFiles:
    """The files below a folder of a store, `interval=1m/symbol=SPY/2013.parquet`, of bars or of quotes.

    `names`: those of the columns of all files. `needs_checks`: files without checks are refused.
    """

    def __init__(
        self,
        root: Path,
        staging: Staging,
        *,
        folder: str = "",
        names: Names = COLUMN_NAMES,
        needs_checks: bool,
    ) -> None:
        self._root = root
        self._staging = staging
        self._prefix = f"{root}/{folder}/" if folder else f"{root}/"
        self._names = names
        self._cache = FileCache(needs_checks=needs_checks, names=names)

    def open(self, symbol: str, interval: Interval, start: int, end: int) -> list[OpenFile]:
        """Open the files that may hold rows of `[start, end)`, all as of one commit, oldest first."""
        check_interval(interval)
        folder = f"{self._prefix}{series_folder(symbol, interval)}"
        while True:
            files = self._cache.get_all(candidates(folder, interval, start, end))
            if not files and not is_store(self._root):
                raise StoreError(f"{self._root} was removed, or moved: give its new path with --store")
            if not spans_files(interval, start, end):
                return files  # a single file is always consistent
            if self._staging.is_commit_under_way():
                self._staging.finish_commit()
                continue
            # No commit is running now. If one ran since the first file was opened, identities differ.
            after = self._cache.get_all(candidates(folder, interval, start, end))
            if [file.identity for file in files] == [file.identity for file in after]:
                return files

    def require_checks(self) -> None:
        """Refuse files without checks from now on."""
        self._cache = FileCache(needs_checks=True, names=self._names)

    def clear(self) -> None:
        """Close the files."""
        self._cache.clear()
