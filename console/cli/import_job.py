"""Import job: import with a progress bar, a report, and a file of rejected rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from tapedeck.console.cli.invocation import Invocation
from tapedeck.engine.errors import ExportError, cause_of
from tapedeck.engine.importers.importer import Importer
from tapedeck.engine.importers.ingest import import_bars
from tapedeck.engine.importers.report import (
    ImportOptions,
    ImportProgress,
    ImportReport,
    RefusedFileError,
    RejectedRow,
)
from tapedeck.engine.output_file import write_file
from tapedeck.engine.store.locations import open_store

ShowProgress = Callable[[ImportProgress], None]
_MAX_ROWS_SHOWN: Final = 20
_REJECTS_HEADER: Final = ("file", "line", "reason", "text")


def run_import(
    invocation: Invocation,
    path: Path,
    importer: Importer,
    *,
    options: ImportOptions,
    rejects: Path | None,
    importer_options: Mapping[str, Any],
) -> ImportReport:
    """Import `path` into the store of the settings, and return the report; Ctrl-C ends it after a file.

    `importer_options`: values of the importer's own options. `rejects` gets all rejected rows, also those of
    a refused file.
    """
    location = invocation.settings.store
    with open_store(location, create=True) as store, _bar(invocation.terminal.progress_console()) as show:
        invocation.interrupts.hold()
        try:
            report = import_bars(
                importer,
                path,
                store,
                options=options,
                progress=show,
                cancelled=lambda: invocation.interrupts.seen,
                **importer_options,
            )
        except RefusedFileError as error:
            if rejects is not None:
                write_rejects(rejects, error.rejected)
            raise
    if rejects is not None:
        write_rejects(rejects, report.rejected)
    return report


def write_report(report: ImportReport, invocation: Invocation, rejects: Path | None) -> None:
    """Write the counts of an import and the first rejected rows."""
    location = invocation.settings.store
    if invocation.as_json:
        invocation.terminal.write_json(_document(report, location))
        return
    invocation.terminal.write(report.summary(_MAX_ROWS_SHOWN))
    if rejects is not None:
        invocation.terminal.write(f"rejected rows: {rejects}")
    invocation.terminal.write(f"store: {location}")


def write_rejects(path: Path, rejected: Sequence[RejectedRow]) -> None:
    """Write rejected rows as CSV (file, line, reason, text); ExportError leaves an earlier file unchanged."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_REJECTS_HEADER)
    writer.writerows((row.file, row.line, row.reason, row.text) for row in rejected)
    try:
        write_file(path, text.getvalue().encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise ExportError(
            f"{path}: cannot write the rejected rows ({cause_of(error)}). The bars are imported. "
            "Name a file in a writable folder"
        ) from error


def _document(report: ImportReport, location: Path) -> dict[str, object]:
    return {
        "store": str(location),
        "files": report.files,
        "rows_read": report.rows_read,
        "written": report.written,
        "unchanged": report.unchanged,
        "replaced": report.replaced,
        "rejected": [
            {"file": str(row.file), "line": row.line, "reason": row.reason, "text": row.text}
            for row in report.rejected
        ],
        "skipped": [{"file": str(entry.file), "reason": entry.reason} for entry in report.skipped],
        "interrupted": report.interrupted,
    }


@contextmanager
def _bar(console: Console | None) -> Iterator[ShowProgress | None]:
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
