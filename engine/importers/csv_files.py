"""Importer of CSV files."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Unpack

from tapedeck.engine.importers.importer import BarFiles, Importer
from tapedeck.engine.importers.table_options import TABLE_OPTIONS, TableOptions

_SUFFIXES: Final = (".csv", ".csv.gz", ".txt", ".txt.gz", ".tsv", ".tsv.gz")


class CsvImporter:
    """CSV files, plain or compressed with gzip; the first line of each names the columns."""

    name = "csv"
    summary = "Import CSV files whose first line names the columns; usual names need no --column."
    examples = (
        "tapedeck import csv spy.csv --interval 1m --zone America/New_York",
        "tapedeck import csv all.csv --interval 1d --column symbol=Ticker --column time=Date",
    )
    options = TABLE_OPTIONS

    def find(self, path: Path, **table: Unpack[TableOptions]) -> BarFiles:
        """Return the file `path`, or the CSV files below it; BarImportError where there are none."""
        from tapedeck.engine.importers.csv_table import read_csv_table  # noqa: PLC0415 - slow, as the next
        from tapedeck.engine.importers.tables import find_tables  # noqa: PLC0415

        return find_tables(path, "CSV", _SUFFIXES, read_csv_table, **table)


IMPORTER: Final[Importer] = CsvImporter()
