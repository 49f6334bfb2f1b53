"""Ingest: stores the bars of an importer's files, and counts every row."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Final

from tapedeck.engine.errors import BarImportError
from tapedeck.engine.importers.evidence import ImportEvidence
from tapedeck.engine.importers.file_rows import (
    FileRows,
    UnclearFileError,
    UnnamedFileError,
    UnreadableFileError,
)
from tapedeck.engine.importers.importer import BarFiles, Importer
from tapedeck.engine.importers.part_writer import PartWriter
from tapedeck.engine.importers.quote_writer import QuoteWriter, RefusedQuote
from tapedeck.engine.importers.report import (
    ImportOptions,
    ImportProgress,
    ImportReport,
    IsCancelled,
    RefusedFileError,
    RejectedRow,
    ShowProgress,
    SkippedFile,
    TakeRejected,
)
from tapedeck.engine.importers.symbol_column import FROM_NAME
from tapedeck.engine.importers.symbols import shared_symbols
from tapedeck.engine.store.bar_store import BarStore

_DEFAULTS: Final = ImportOptions()
_MOST_KEPT: Final = 1000


def import_bars(
    importer: Importer,
    path: Path,
    store: BarStore | None,
    *,
    options: ImportOptions = _DEFAULTS,
    progress: ShowProgress | None = None,
    cancelled: IsCancelled | None = None,
    take_rejected: TakeRejected | None = None,
    **described: Any,  # noqa: ANN401  # the importer's own options
) -> ImportReport:
    """Import the bars and quotes that `importer` finds in `path`, a file or a folder, into `store`.

    Importing again changes nothing. Tables are stored in one transaction: all files, or, on an error, none;
    other importers' files one by one. Without a store (a dry run) the rows are only read and checked.
    `cancelled` is called before each part of a file; what was read before is stored. `take_rejected` gets all
    rejected rows. Raises BarImportError where nothing can be read, UnclearFileError where rows contradict the
    options, RefusedFileError in a strict import.
    """
    found = importer.find(path, **described)
    ingest = _Ingest(
        store, found, options, progress=progress, cancelled=cancelled, take_rejected=take_rejected
    )
    return ingest.run()


class _Ingest:
    """One import: reads the files one after the other, stores their good rows, and counts."""

    def __init__(
        self,
        store: BarStore | None,
        found: BarFiles,
        options: ImportOptions,
        *,
        progress: ShowProgress | None,
        cancelled: IsCancelled | None,
        take_rejected: TakeRejected | None,
    ) -> None:
        self._store = store
        self._found = found
        self._options = options
        self._progress = progress
        self._cancelled = cancelled
        self._take_rejected = take_rejected
        self._evidence = ImportEvidence(found.evidence, as_is=options.as_is)
        self._writer = PartWriter(store, self._evidence, options)
        self._quote_evidence = ImportEvidence(found.evidence, as_is=options.as_is)
        self._quote_writer = QuoteWriter(store, self._quote_evidence, options)
        self._named_files: dict[Path, None] = {}
        self._files = 0
        self._rows = 0
        self._rejected: list[RejectedRow] = []
        self._rejected_count = 0
        self._unreadable: list[SkippedFile] = []

    def run(self) -> ImportReport:
        """Read and store every file, and return the report."""
        interrupted, question = False, None
        try:
            interrupted = self._store_files()
        except UnclearFileError as error:
            if self._store is not None:
                raise
            question = error
        if self._unreadable and not self._files and not (interrupted or question):
            raise BarImportError(_nothing_readable(self._unreadable))
        writer, quotes = self._writer, self._quote_writer
        counts = writer.counts + quotes.counts
        return ImportReport(
            files=self._files,
            rows_read=self._rows,
            written=counts.written,
            unchanged=counts.unchanged,
            replaced=counts.replaced,
            rejected=tuple(self._rejected),
            rejected_count=self._rejected_count,
            gaps=counts.gaps,
            skipped=(*self._found.skipped, *self._unreadable),
            interrupted=interrupted,
            series=self._evidence.reports(),
            zone=self._evidence.zone_name,
            columns=writer.columns,
            notes=(
                *writer.all_notes(),
                *quotes.notes(),
                *self._evidence.notes,
                *self._quote_evidence.notes,
                *self._evidence.unplayed_notes(),
                *self._evidence.hours_notes(),
                *shared_symbols(self._named_files),
            ),
            first_bars=tuple(writer.first_bars),
            quotes=self._quote_evidence.reports(),
            first_quotes=tuple(quotes.first_quotes),
            earlier=counts.earlier,
            left_out=counts.left_out,
            is_dry_run=self._store is None,
            question=question,
        )

    def _store_files(self) -> bool:
        # Returns whether the import was cancelled.
        files = self._found.files
        sizes = [_size(file) for file in files]
        total, done = sum(sizes), 0
        with self._batch(atomic=self._found.evidence is not None):
            for number, (file, size) in enumerate(zip(files, sizes, strict=True)):
                self._show(number, len(files), done, total, file)
                is_whole = not self._is_cancelled() and self._store_file(file)
                is_last = number == len(files) - 1 or not is_whole
                self._check_evidence(file, self._files, is_last=is_last)
                if not is_whole:
                    return True
                done += size
        self._show(len(files), len(files), total, total, None)
        return False

    def _store_file(self, file: Path) -> bool:
        # Returns whether the whole file was read; False where the import was cancelled.
        before = self._writer.counts, self._quote_writer.counts
        count_before, rows_before = self._rejected_count, self._rows
        self._writer.begin_file()
        self._quote_writer.begin_file()
        is_whole = True
        try:
            with self._batch(atomic=True):
                last = None
                for rows in self._found.read(file):
                    if last is not None and self._is_cancelled():
                        is_whole = False
                        break
                    self._take_part(rows)
                    if last is None and not self._files:
                        self._check_evidence(file, 1, is_last=False)  # before a long file is read to its end
                    last = rows
                if last is not None:
                    self._writer.end_file(last)
                    self._take_refused(file, self._quote_writer.end_file(file))
                if self._rejected_count > count_before and self._options.strict:
                    # Raised inside the block, which rolls back the good rows.
                    raise self._refusal(file, count_before)
        except (UnreadableFileError, UnnamedFileError) as error:
            if self._options.strict or (isinstance(error, UnnamedFileError) and len(self._found.files) == 1):
                raise
            self._writer.counts, self._quote_writer.counts = before
            self._rows, self._rejected_count = rows_before, count_before
            del self._rejected[count_before:]
            self._unreadable.append(SkippedFile(file, error.reason))
            return True
        self._files += 1
        return is_whole

    def _take_part(self, rows: FileRows) -> None:
        self._writer.describe(rows)
        reasons = (self._quote_writer if rows.is_quotes else self._writer).write(rows)
        if rows.reading is not None and rows.reading.columns.get("symbol") == FROM_NAME:
            self._named_files[rows.file] = None
        self._rows += len(rows)
        self._rejected_count += len(reasons)
        wanted = sorted(reasons)
        if self._take_rejected is None:
            wanted = wanted[: max(0, _MOST_KEPT - len(self._rejected))]
        if not wanted:
            return
        texts = rows.texts(wanted)
        self._keep_rejected(
            [RejectedRow(rows.file, texts[row][0], reasons[row], texts[row][1]) for row in wanted]
        )

    def _take_refused(self, file: Path, refused: Sequence[RefusedQuote]) -> None:
        self._rejected_count += len(refused)
        self._keep_rejected([RejectedRow(file, row.line, row.reason, row.text) for row in refused])

    def _keep_rejected(self, rejected: Sequence[RejectedRow]) -> None:
        self._rejected += rejected[: max(0, _MOST_KEPT - len(self._rejected))]
        if self._take_rejected is not None:
            self._take_rejected(rejected)

    def _check_evidence(self, file: Path, files: int, *, is_last: bool) -> None:
        for evidence in (self._evidence, self._quote_evidence):
            evidence.check(file, files, is_last=is_last)

    def _refusal(self, file: Path, count_before: int) -> RefusedFileError:
        rows = self._rejected[count_before:]
        count = self._rejected_count - count_before
        return RefusedFileError(file, rows, count, is_all=self._found.evidence is not None)

    def _batch(self, *, atomic: bool) -> AbstractContextManager[None]:
        return nullcontext() if self._store is None else self._store.batch(atomic=atomic)

    def _is_cancelled(self) -> bool:
        return self._cancelled is not None and self._cancelled()

    def _show(self, files_done: int, files: int, bytes_done: int, size: int, current: Path | None) -> None:
        if self._progress is not None:
            self._progress(ImportProgress(files_done, files, bytes_done, size, self._rows, current))


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
