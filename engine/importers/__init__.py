"""Importers: bars out of files of several kinds into a store, with a report of every row."""

from tapedeck.engine.importers.lean import import_lean
from tapedeck.engine.importers.report import (
    ImportOptions,
    ImportProgress,
    ImportReport,
    RefusedFileError,
    RejectedRow,
    SkippedFile,
)
from tapedeck.engine.importers.tables import import_csv, import_parquet

__all__ = [
    "ImportOptions",
    "ImportProgress",
    "ImportReport",
    "RefusedFileError",
    "RejectedRow",
    "SkippedFile",
    "import_csv",
    "import_lean",
    "import_parquet",
]
