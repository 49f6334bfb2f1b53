"""Files that hold tables of bars, for the importers of CSV and Parquet files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, Unpack

from tapedeck.engine.errors import BarImportError
from tapedeck.engine.importers.file_rows import FileRows
from tapedeck.engine.importers.importer import BarFiles, EvidenceRules
from tapedeck.engine.importers.report import SkippedFile
from tapedeck.engine.importers.table_format import TableFormat, make_format
from tapedeck.engine.importers.table_options import TableOptions
from tapedeck.engine.importers.table_rows import read_table
from tapedeck.engine.importers.table_source import TableSource

_PACKED: Final = ("", ".gz", ".xz", ".bz2", ".zst", ".zip")
OpenTables = Callable[[Path, TableFormat], Sequence[TableSource]]


def find_tables(
    path: Path, kind: str, suffixes: tuple[str, ...], open_tables: OpenTables, **table: Unpack[TableOptions]
) -> BarFiles:
    """Return the file `path`, whatever its name, or the files below it whose names end in `suffixes`.

    Hidden files and folders, and the copies of Jupyter and macOS, are skipped. Raises BarImportError where
    there are no files, or where a value of `table` cannot be used.
    """
    form = make_format(**table)
    files, skipped = _find(path, kind, suffixes)

    def read(file: Path) -> Iterator[FileRows]:
        for source in open_tables(file, form):
            yield from read_table(source, form)

    rules = EvidenceRules(form.interval, table.get("label"), table.get("exchange"))
    return BarFiles(files, read, skipped, rules)


def packed_suffixes(*suffixes: str) -> tuple[str, ...]:
    """Return suffixes of names, plain and with those of compressed files; `.zip` alone, too."""
    return (*(suffix + packed for suffix in suffixes for packed in _PACKED), ".zip")


def _find(path: Path, kind: str, suffixes: tuple[str, ...]) -> tuple[list[Path], list[SkippedFile]]:
    if path.is_file():
        return [path], []
    if not path.exists():
        raise BarImportError(f"{path} does not exist: name a {kind} file, or a folder of such files")
    if not path.is_dir():
        raise BarImportError(f"{path} is not a regular file: name a {kind} file, or a folder of such files")
    files, skipped = [], []
    for file in sorted(path.rglob("*")):
        if reason := _why_not(file, path, kind, suffixes):
            skipped.append(SkippedFile(file, reason))
        elif file.is_file():
            files.append(file)
    if not files:
        raise BarImportError(
            f"no {kind} files in {path} (other files: {len(skipped):,}). Names should end in "
            f"{', '.join(suffixes)}; a file with another name can be imported by naming it"
        )
    return files, skipped


def _why_not(file: Path, root: Path, kind: str, suffixes: tuple[str, ...]) -> str | None:
    # None for files to read, and for folders.
    if not file.is_file():
        return "not a regular file" if file.exists() and not file.is_dir() else None
    if any(_is_hidden(part) for part in file.relative_to(root).parts):
        return "hidden file, or in a hidden folder"
    return None if file.name.lower().endswith(suffixes) else f"not a {kind} file by its name"


def _is_hidden(part: str) -> bool:
    # `.ipynb_checkpoints`, `._SPY.csv`, `.SPY.csv.swp`, `__MACOSX`, `_temporary` of Spark.
    return part.startswith((".", "__MACOSX")) or part == "_temporary"
