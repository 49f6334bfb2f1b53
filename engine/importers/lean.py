"""Import of bars in the folders and zip files of the LEAN engine."""

from __future__ import annotations

from pathlib import Path

from tapedeck.engine.importers.ingest import Ingest
from tapedeck.engine.importers.lean_layout import find_lean_files
from tapedeck.engine.importers.lean_rows import read_lean_file
from tapedeck.engine.importers.report import ImportOptions, ImportReport, IsCancelled, ShowProgress
from tapedeck.engine.store.bar_store import BarStore

_DEFAULTS = ImportOptions()


def import_lean(
    root: Path,
    store: BarStore,
    *,
    options: ImportOptions = _DEFAULTS,
    progress: ShowProgress | None = None,
    cancelled: IsCancelled | None = None,
) -> ImportReport:
    """Import the second, minute and daily trade bars below `root` into `store`.

    `root` holds `equity`, `crypto` or `index`, or is any folder or zip file below one of these. The good rows
    of a file are stored in one transaction; importing again changes nothing. `cancelled` is asked before each
    file. Raises BarImportError where `root` holds nothing of the kind, RefusedFileError in a strict import.
    """
    files, skipped = find_lean_files(root)
    by_path = {file.path: file for file in files}
    ingest = Ingest(store, options=options, progress=progress, cancelled=cancelled)
    return ingest.run(list(by_path), lambda path: read_lean_file(by_path[path]), skipped=skipped)
