"""Ingest: stores the bars of an importer's files, and counts every row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from tapedeck.engine.errors import BarImportError, SymbolRefusedError
from tapedeck.engine.importers.file_rows import FileRows, SeriesRows, UnreadableFileError
from tapedeck.engine.importers.importer import BarFiles, Importer
from tapedeck.engine.importers.report import (
    ImportOptions,
    ImportProgress,
    ImportReport,
    IsCancelled,
    RefusedFileError,
    RejectedRow,
    ShowProgress,
    SkippedFile,
)
from tapedeck.engine.importers.validation import sort_out_repeats, utc_text, validate_bars
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_diff import take
from tapedeck.engine.store.bar_store import BarStore, Ints

_DEFAULTS: Final = ImportOptions()


def import_bars(
    importer: Importer,
    path: Path,
    store: BarStore,
    *,
    options: ImportOptions = _DEFAULTS,
    progress: ShowProgress | None = None,
    cancelled: IsCancelled | None = None,
    **described: Any,  # noqa: ANN401  # the importer's own options
) -> ImportReport:
    """Import the bars that `importer` finds in `path`, a file or a folder, into `store`.

    The good rows of a file are stored in one transaction; importing again changes nothing. `cancelled` is
    called before each file. Raises BarImportError where nothing can be read, RefusedFileError in a strict
    import.
    """
    found = importer.find(path, **described)
    return _Ingest(store, options=options, progress=progress, cancelled=cancelled).run(found)


@dataclass(slots=True)
class _Counts:
    written: int = 0
    unchanged: int = 0
    replaced: int = 0


class _Ingest:
    """One import: reads the files one after the other, stores their good rows, and counts."""

    def __init__(
        self,
        store: BarStore,
        *,
        options: ImportOptions,
        progress: ShowProgress | None,
        cancelled: IsCancelled | None,
    ) -> None:
        self._store = store
        self._options = options
        self._progress = progress
        self._cancelled = cancelled
        self._counts = _Counts()
        self._files = 0
        self._rows = 0
        self._rejected: list[RejectedRow] = []
        self._unreadable: list[SkippedFile] = []

    def run(self, found: BarFiles) -> ImportReport:
        """Read and store every file.

        The good rows of a file are stored together, or, on an error, none. A file that cannot be read is
        skipped. Raises RefusedFileError in a strict import, and BarImportError where no file can be read.
        """
        interrupted = self._store_files(found)
        if self._unreadable and not self._files and not interrupted:
            raise BarImportError(_nothing_readable(self._unreadable))
        return ImportReport(
            files=self._files,
            rows_read=self._rows,
            written=self._counts.written,
            unchanged=self._counts.unchanged,
            replaced=self._counts.replaced,
            rejected=tuple(self._rejected),
            skipped=(*found.skipped, *self._unreadable),
            interrupted=interrupted,
        )

    def _store_files(self, found: BarFiles) -> bool:
        # Returns whether the import was cancelled.
        files = found.files
        sizes = [_size(file) for file in files]
        total, done = sum(sizes), 0
        with self._store.batch():
            for number, (file, size) in enumerate(zip(files, sizes, strict=True)):
                if self._cancelled is not None and self._cancelled():
                    return True
                self._show(number, len(files), done, total, file)
                self._store_file(file, found.read)
                done += size
        self._show(len(files), len(files), total, total, None)
        return False

    def _store_file(self, file: Path, read: Callable[[Path], FileRows]) -> None:
        try:
            rows = read(file)
        except UnreadableFileError as error:
            if self._options.strict:
                raise
            self._unreadable.append(SkippedFile(file, error.reason))
            return
        reasons = dict(rows.faults)
        counts = _Counts()
        with self._store.batch(atomic=True):
            for part in rows.series:
                reasons |= self._write(part, rows.interval, counts)
            rejected = _rejected(rows, reasons)
            if rejected and self._options.strict:
                # Raised inside the block, which rolls back the good rows.
                raise RefusedFileError(file, rejected)
        self._files += 1
        self._rows += len(rows)
        self._rejected += rejected
        self._counts.written += counts.written
        self._counts.unchanged += counts.unchanged
        self._counts.replaced += counts.replaced

    def _write(self, part: SeriesRows, interval: Interval, counts: _Counts) -> dict[int, str]:
        # Writes the good bars; returns the reasons of the others, by their position in the file.
        good, faults = validate_bars(part.bars, interval)
        reasons = {int(part.rows[i]): fault for i, fault in faults.items()}
        valid, rows = part.bars, part.rows
        if faults:
            kept = np.flatnonzero(good)
            valid, rows = take(part.bars, kept), part.rows[kept]
        bars = sort_out_repeats(valid)
        if not len(bars):
            return reasons
        try:
            result = self._store.write(part.symbol, interval, bars, replace=self._options.replace)
        except SymbolRefusedError as error:
            return reasons | {int(row): str(error) for row in rows}
        clashes = _clashes(part.symbol, valid.opened_at, bars.opened_at[result.conflicts])
        counts.written += result.written
        counts.replaced += result.replaced
        # A row that is neither written nor in conflict repeats a stored bar or an earlier row.
        counts.unchanged += len(rows) - result.written - result.replaced - len(clashes)
        return reasons | {int(rows[i]): clash for i, clash in clashes.items()}

    def _show(self, files_done: int, files: int, bytes_done: int, size: int, current: Path | None) -> None:
        if self._progress is not None:
            self._progress(ImportProgress(files_done, files, bytes_done, size, self._rows, current))


def _clashes(symbol: str, times: Ints, conflicts: Ints) -> dict[int, str]:
    # Every row of a conflicting time, also one that repeats another row of the file.
    if not len(conflicts):
        return {}
    return {
        int(i): f"{symbol} {utc_text(times[i])} is stored with other values; --replace overwrites them"
        for i in np.flatnonzero(np.isin(times, conflicts))
    }


def _rejected(rows: FileRows, reasons: Mapping[int, str]) -> list[RejectedRow]:
    if not reasons:
        return []
    texts = rows.texts(reasons)
    return [RejectedRow(rows.file, texts[row][0], reasons[row], texts[row][1]) for row in sorted(reasons)]


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0  # its reader reports what is wrong


def _nothing_readable(unreadable: Sequence[SkippedFile]) -> str:
    if len(unreadable) == 1:
        return str(unreadable[0])
    shown = "\n".join(f"  {entry}" for entry in unreadable[:3])
    return f"none of {len(unreadable):,} files can be read; nothing was stored. The first of them:\n{shown}"
