"""Importer of CSV files."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Unpack

from tapedeck.engine.importers.importer import BarFiles, Importer
from tapedeck.engine.importers.table_options import TABLE_OPTIONS, TableOptions


class CsvImporter:
    """CSV files, plain or compressed with gzip, zip, xz, bz2 or zst, with or without names of columns."""

    name = "csv"
    summary = "Import CSV files, plain or compressed; usual names and orders of columns need no option."
    examples = (
        "tapedeck import csv spy.csv --interval 1m --zone America/New_York",
        "tapedeck import csv all.csv --interval 1d --column symbol=Stock",
        "tapedeck import csv x.txt --interval 1m --columns date,time,open,high,low,close",
    )
    options = TABLE_OPTIONS

    def find(self, path: Path, **table: Unpack[TableOptions]) -> BarFiles:
        """Return the file `path`, or the CSV files below it; BarImportError where there are none."""
        from tapedeck.engine.importers.csv_table import open_csv_tables  # noqa: PLC0415 - slow, as the next
        from tapedeck.engine.importers.tables import find_tables, packed_suffixes  # noqa: PLC0415

        suffixes = packed_suffixes(".csv", ".txt", ".tsv")
        return find_tables(path, "CSV", suffixes, open_csv_tables, **table)


IMPORTER: Final[Importer] = CsvImporter()
