"""Importers: bars out of files of several kinds into a store, with a report of every row."""

from engine.store.importers.lean import import_lean
from engine.store.importers.report import (
    ImportOptions,
    ImportProgress,
    ImportReport,
    RefusedFileError,
    RejectedRow,
    SkippedFile,
)

__all__ = [
    "ImportOptions",
    "ImportProgress",
    "ImportReport",
    "RefusedFileError",
    "RejectedRow",
    "SkippedFile",
    "import_lean",
]
