"""Series of a table: the columns of each symbol that it has side by side, and their roles."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from tapedeck.engine.importers.column_names import ColumnGroup, column_groups
from tapedeck.engine.importers.column_roles import ColumnRoles, find_roles
from tapedeck.engine.importers.column_sample import ColumnSample
from tapedeck.engine.importers.table_format import TableFormat
from tapedeck.engine.importers.table_source import TableSource


@dataclass(frozen=True, slots=True)
class TableSeries:
    """Columns of a table that make the bars of one symbol, or of the symbols in a column."""

    group: ColumnGroup
    roles: ColumnRoles

    @property
    def columns(self) -> list[str]:
        """Names in the table of the columns that are read."""
        read = frozenset(self.roles.columns)
        return [name for name, plain in self.group.plain.items() if plain in read]

    def of(self, data: pa.Table) -> pa.Table:
        """Return the columns of a part of the table, under the names that the roles have."""
        return data.select(self.columns).rename_columns([self.group.plain[name] for name in self.columns])


def find_series(source: TableSource, form: TableFormat) -> list[TableSeries]:
    """Return the series of a table, at least one; errors as of `find_roles`.

    Columns are split by symbol only where the user names none.
    """
    if source.has_names and not (form.columns.names or form.columns.positions):
        groups = column_groups(source.names)
    else:
        groups = [ColumnGroup(None, {name: name for name in source.names})]
    return [TableSeries(group, _roles(source, group, form)) for group in groups]


def _roles(source: TableSource, group: ColumnGroup, form: TableFormat) -> ColumnRoles:
    texts = {plain: source.sample[name] for name, plain in group.plain.items()}
    sample = ColumnSample(list(texts), texts)
    daily = not form.interval.is_intraday
    return find_roles(source.file, sample, form.columns, has_names=source.has_names, daily=daily)
