"""Import of bars in CSV and Parquet files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tapedeck.engine.errors import BarImportError
from tapedeck.engine.importers.bar_times import Label
from tapedeck.engine.importers.csv_table import read_csv_table
from tapedeck.engine.importers.ingest import Ingest
from tapedeck.engine.importers.parquet_table import read_parquet_table
from tapedeck.engine.importers.report import (
    ImportOptions,
    ImportReport,
    IsCancelled,
    ShowProgress,
    SkippedFile,
)
from tapedeck.engine.importers.table_format import make_format
from tapedeck.engine.importers.table_rows import to_file_rows
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_store import BarStore

_CSV_SUFFIXES: Final = (".csv", ".csv.gz", ".txt", ".txt.gz", ".tsv", ".tsv.gz")
_PARQUET_SUFFIXES: Final = (".parquet", ".pq")
_DEFAULTS: Final = ImportOptions()


def import_csv(
    path: Path,
    store: BarStore,
    *,
    interval: Interval,
    symbol: str | None = None,
    columns: Mapping[str, str] | None = None,
    zone: str | None = None,
    time_format: str | None = None,
    label: Label = "open",
    options: ImportOptions = _DEFAULTS,
    progress: ShowProgress | None = None,
    cancelled: IsCancelled | None = None,
) -> ImportReport:
    """Import bars from a CSV file, or from all below a folder; the first line of each names the columns.

    `columns` maps time, date, open, high, low, close, volume, symbol to column names; usual names need no
    map. Without a symbol column, `symbol` or else the file's name says whose the bars are. `zone` (an IANA
    name) is that of times without an offset, `time_format` an epoch unit or a strptime pattern, needed only
    where times are neither ISO 8601 nor epochs; `label` says which end of the bar they name. A file's good
    rows are stored in one transaction, of all its symbols. Raises BarImportError where nothing can be read,
    RefusedFileError in a strict import.
    """
    form = make_format(
        interval, symbol=symbol, columns=columns, zone=zone, time_format=time_format, label=label
    )
    ingest = Ingest(store, options=options, progress=progress, cancelled=cancelled)
    files, skipped = _find(path, "CSV", _CSV_SUFFIXES)
    return ingest.run(files, lambda file: to_file_rows(file, read_csv_table(file), form), skipped=skipped)


def import_parquet(
    path: Path,
    store: BarStore,
    *,
    interval: Interval,
    symbol: str | None = None,
    columns: Mapping[str, str] | None = None,
    zone: str | None = None,
    time_format: str | None = None,
    label: Label = "open",
    options: ImportOptions = _DEFAULTS,
    progress: ShowProgress | None = None,
    cancelled: IsCancelled | None = None,
) -> ImportReport:
    """Import bars from a Parquet file, or from all below a folder; as `import_csv`, by columns with types.

    The index of a pandas frame counts as a column. Instead of lines, rows are counted, from 1.
    """
    form = make_format(
        interval, symbol=symbol, columns=columns, zone=zone, time_format=time_format, label=label
    )
    ingest = Ingest(store, options=options, progress=progress, cancelled=cancelled)
    files, skipped = _find(path, "Parquet", _PARQUET_SUFFIXES)
    return ingest.run(files, lambda file: to_file_rows(file, read_parquet_table(file), form), skipped=skipped)


def _find(path: Path, kind: str, suffixes: tuple[str, ...]) -> tuple[list[Path], list[SkippedFile]]:
    # A file that is named is read whatever it is called; in a folder, names decide.
    if path.is_file():
        return [path], []
    if not path.exists():
        raise BarImportError(f"{path} does not exist; expected is a {kind} file, or a folder of such files")
    below = sorted(file for file in path.rglob("*") if file.is_file())
    files = [file for file in below if file.name.lower().endswith(suffixes)]
    others = [file for file in below if not file.name.lower().endswith(suffixes)]
    if not files:
        raise BarImportError(
            f"{path} holds no {kind} files, though {len(others):,} others: expected are names that end in "
            f"{', '.join(suffixes)}; another file can be imported by naming it"
        )
    reason = f"it is no {kind} file by its name"
    return files, [SkippedFile(file, reason) for file in others]
