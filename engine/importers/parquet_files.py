"""Importer of Parquet files."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Unpack

from tapedeck.engine.importers.importer import BarFiles, Importer
from tapedeck.engine.importers.table_options import TABLE_OPTIONS, TableOptions

_SUFFIXES: Final = (".parquet", ".pq")


class ParquetImporter:
    """Parquet files; the index of a pandas frame is one of the columns, and rows are counted from 1."""

    name = "parquet"
    summary = "Import Parquet files; the index of a pandas frame is one of the columns."
    examples = ("tapedeck import parquet bars.parquet --interval 1m --symbol SPY --store bars.db",)
    options = TABLE_OPTIONS

    def find(self, path: Path, **table: Unpack[TableOptions]) -> BarFiles:
        """Return the file `path`, or the Parquet files below it; BarImportError where there are none."""
        from tapedeck.engine.importers.parquet_table import open_parquet_table  # noqa: PLC0415 - slow, as the next
        from tapedeck.engine.importers.tables import find_tables  # noqa: PLC0415

        return find_tables(path, "Parquet", _SUFFIXES, open_parquet_table, **table)


IMPORTER: Final[Importer] = ParquetImporter()
