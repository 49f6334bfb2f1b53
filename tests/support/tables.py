"""Columns of a table as the importers read them, before times and numbers are read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from tapedeck.engine.importers.csv_table import open_csv_tables
from tapedeck.engine.importers.parquet_table import open_parquet_table
from tapedeck.engine.importers.table_format import make_format
from tapedeck.engine.importers.table_series import find_series
from tapedeck.engine.intervals import MINUTE

FLAGS = {"--columns": "positions", "--column": "columns", "--skip-lines": "skip_lines"}

Columns = dict[str, list[object]]


def read_columns(file: Path, **options: object) -> dict[str | None, Columns]:
    """Return the values of each role by series: symbol of its columns, or None, to role to values."""
    form = make_format(**({"interval": MINUTE} | options))
    [source] = (open_parquet_table if file.suffix == ".parquet" else open_csv_tables)(file, form)
    series = find_series(source, form)
    names = {name for one in series for name in one.columns}
    parts = [part.data for part in source.parts(names)]
    data = pa.concat_tables(parts)
    found: dict[str | None, Columns] = {}
    for one in series:
        roles, values = one.roles.described(), one.of(data)
        if len(one.roles.volume) > 1:
            roles["volume"] = one.roles.volume[0]
        found[one.group.symbol] = {role: values.column(name).to_pylist() for role, name in roles.items()}
    return found


def options_of(way: Mapping[str, str]) -> dict[str, object]:
    """Return the keywords of the options of a way, as the command line passes them."""
    options: dict[str, object] = {}
    for flag, value in way.items():
        if flag == "--column":
            role, _, name = value.partition("=")
            options["columns"] = {role: name}
        else:
            options[FLAGS[flag]] = value
    return options
