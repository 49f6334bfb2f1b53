"""Files that hold tables of bars, for the importers of CSV and Parquet files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Unpack

from tapedeck.engine.errors import BarImportError
from tapedeck.engine.importers.importer import BarFiles
from tapedeck.engine.importers.report import SkippedFile
from tapedeck.engine.importers.table_format import make_format
from tapedeck.engine.importers.table_options import TableOptions
from tapedeck.engine.importers.table_rows import Table, to_file_rows


def find_tables(
    path: Path,
    kind: str,
    suffixes: tuple[str, ...],
    read_table: Callable[[Path], Table],
    **table: Unpack[TableOptions],
) -> BarFiles:
    """Return the file `path`, whatever its name, or the files below it whose names end in `suffixes`.

    Raises BarImportError where there are none, or where a value of `table` cannot be used.
    """
    form = make_format(**table)
    files, skipped = _find(path, kind, suffixes)
    return BarFiles(files, lambda file: iter([to_file_rows(file, read_table(file), form)]), skipped)


def _find(path: Path, kind: str, suffixes: tuple[str, ...]) -> tuple[list[Path], list[SkippedFile]]:
    if path.is_file():
        return [path], []
    if not path.exists():
        raise BarImportError(f"{path} does not exist: name a {kind} file, or a folder of such files")
    below = sorted(file for file in path.rglob("*") if file.is_file())
    files = [file for file in below if file.name.lower().endswith(suffixes)]
    others = [file for file in below if not file.name.lower().endswith(suffixes)]
    if not files:
        raise BarImportError(
            f"no {kind} files in {path} (other files: {len(others):,}). Names should end in "
            f"{', '.join(suffixes)}; a file with another name can be imported by naming it"
        )
    reason = f"not a {kind} file by its name"
    return files, [SkippedFile(file, reason) for file in others]
