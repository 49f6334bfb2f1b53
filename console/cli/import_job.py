"""Import job: import with a progress bar, questions, and a file of rejected rows."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TextIO

from rich.console import Console

from tapedeck.console.cli.import_questions import UnclearImportError, answering_commands
from tapedeck.console.cli.invocation import Invocation
from tapedeck.engine.errors import BarImportError, ExportError, cause_of
from tapedeck.engine.importers.file_rows import UnclearFileError
from tapedeck.engine.importers.importer import Importer
from tapedeck.engine.importers.ingest import import_bars
from tapedeck.engine.importers.report import (
    ImportOptions,
    ImportProgress,
    ImportReport,
    RejectedRow,
    TakeRejected,
)
from tapedeck.engine.output_file import write_file
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.locations import open_store

ShowProgress = Callable[[ImportProgress], None]
_REJECTS_HEADER: Final = ("file", "line", "reason", "text")
_PIECE: Final = 1 << 20


def run_import(
    invocation: Invocation,
    path: Path,
    importer: Importer,
    *,
    options: ImportOptions,
    rejects: Path | None,
    importer_options: Mapping[str, Any],
    dry_run: bool = False,
) -> ImportReport:
    """Import `path` into the store of the settings, and return the report; Ctrl-C ends it after a part.

    `importer_options`: values of the importer's own options. `rejects` gets all rejected rows, also those of
    a refused file. A dry run opens no store. Raises UnclearImportError with the commands that answer a
    question.
    """
    location = None if dry_run else invocation.settings.store
    with (
        _rejected_rows(rejects) as take_rejected,
        _opened(location) as store,
        progress_bar(invocation.terminal.progress_console()) as show,
    ):
        invocation.interrupts.hold()
        try:
            return import_bars(
                importer,
                path,
                store,
                options=options,
                progress=show,
                cancelled=lambda: invocation.interrupts.seen,
                take_rejected=take_rejected,
                **importer_options,
            )
        except UnclearFileError as error:
            raise question_of(error, invocation, path) from error


def question_of(error: UnclearFileError, invocation: Invocation, path: Path) -> UnclearImportError:
    """Return the error of an unclear file below `path`, with the commands that answer it."""
    commands = answering_commands(invocation.arguments, path, error.file, error.ways)
    return UnclearImportError(f"{error}. Nothing was stored", commands)


@contextmanager
def _opened(location: Path | None) -> Iterator[BarStore | None]:
    if location is None:
        yield None
        return
    with open_store(location, create=True) as store:
        yield store


@contextmanager
def _rejected_rows(path: Path | None) -> Iterator[TakeRejected | None]:
    """Yield a function that takes rejected rows; they are written to `path` at the end, also on an error."""
    if path is None:
        yield None
        return
    # Rows wait in a temporary file, as the import may have more than fit in memory.
    with tempfile.TemporaryFile("w+", newline="", encoding="utf-8", errors="backslashreplace") as waiting:
        writer = csv.writer(waiting, lineterminator="\n")
        writer.writerow(_REJECTS_HEADER)

        def take(rows: Sequence[RejectedRow]) -> None:
            writer.writerows((row.file, row.line, row.reason, row.text) for row in rows)

        try:
            yield take
        except BarImportError:
            _write_rejects(path, waiting)
            raise
        _write_rejects(path, waiting)


def _write_rejects(path: Path, waiting: TextIO) -> None:
    """Write the rejected rows that wait; ExportError leaves an earlier file unchanged."""
    waiting.flush()
    waiting.buffer.seek(0)
    try:
        write_file(path, iter(lambda: waiting.buffer.read(_PIECE), b""))
    except OSError as error:
        raise ExportError(
            f"{path}: cannot write the rejected rows ({cause_of(error)}). The bars are imported. "
            "Name a file in a writable folder"
        ) from error


@contextmanager
def progress_bar(console: Console | None) -> Iterator[ShowProgress | None]:
    """Yield a function that shows an import's progress on a terminal; None without a terminal."""
    if console is None:
        yield None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415 - slow

    columns = (
        TextColumn("{task.fields[files]}"),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[rows]}"),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=console, auto_refresh=False, transient=True) as progress:
        task = progress.add_task("", total=None, files="", rows="")

        def show(state: ImportProgress) -> None:
            progress.update(
                task,
                total=state.bytes_total,
                completed=state.bytes_done,
                files=f"{state.files_done:,}/{state.files_total:,} files",
                rows=f"{state.rows:,} rows",
            )
            progress.refresh()

        yield show
