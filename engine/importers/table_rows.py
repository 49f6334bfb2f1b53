"""Bars from the columns of a table, as text or typed; used for CSV and Parquet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tapedeck.engine.errors import BarImportError
from tapedeck.engine.importers.bar_times import opening_times
from tapedeck.engine.importers.column_roles import VALUES, ColumnRoles, find_roles
from tapedeck.engine.importers.file_rows import FileRows, RowTexts, UnclearFileError, UnreadableFileError
from tapedeck.engine.importers.stamps import Stamps
from tapedeck.engine.importers.symbol_column import by_symbol, row_symbols, symbol_faults
from tapedeck.engine.importers.table_format import TableFormat
from tapedeck.engine.importers.validation import gap_rows
from tapedeck.engine.importers.value_survey import ValueSurvey
from tapedeck.engine.store.bar_store import BarColumns, Ints


@dataclass(frozen=True, slots=True)
class Table:
    """Columns as read, the positions of their rows in the file, shape (n,), and the faults of other rows."""

    data: pa.Table
    rows: Ints
    faults: Mapping[int, str]
    texts: RowTexts


def to_file_rows(file: Path, table: Table, form: TableFormat) -> FileRows:
    """Return the bars of a table, split by symbol; UnreadableFileError where it has no bars."""
    try:
        return _to_file_rows(file, table, form)
    except (UnreadableFileError, UnclearFileError):
        raise
    except BarImportError as error:
        raise UnreadableFileError(file, str(error).removeprefix(f"{file}: ")) from error
    except pa.ArrowException as error:
        reason = f"a column has the wrong type ({error}); name the right columns in a column map"
        raise UnreadableFileError(file, reason) from error


def _to_file_rows(file: Path, table: Table, form: TableFormat) -> FileRows:
    roles = find_roles(table.data.column_names, form.columns, where=str(file))
    formats = _survey(file, table.data, roles, form).formats()
    stamps = formats.read_times(_times(table.data, roles))
    times, faults = opening_times(stamps, form.interval, form.times, where=str(file))
    count = len(table.rows)
    if count and len(stamps.faults) == count:
        raise UnreadableFileError(file, _no_times(stamps))
    if not count and not table.faults:
        raise UnreadableFileError(file, "no rows")
    values = []
    for role, name in zip(VALUES, roles.values, strict=True):
        numbers, bad = formats.read_numbers(role, _column(table.data, name))
        values.append(numbers)
        faults = bad | faults
    bars = BarColumns(times, *values)
    column = (roles.symbol, _text(_column(table.data, roles.symbol))) if roles.symbol is not None else None
    symbols = row_symbols(file, count, column, form.symbol)
    faults = symbol_faults(symbols) | faults
    gaps = set(gap_rows(bars).tolist()) - set(faults)
    sound = np.delete(np.arange(count), [*faults, *gaps])
    series = by_symbol(symbols, bars, table.rows, sound)
    reasons = {int(table.rows[i]): fault for i, fault in faults.items()}
    return FileRows(file, form.interval, series, {**table.faults, **reasons}, table.texts, gaps=len(gaps))


def _survey(file: Path, data: pa.Table, roles: ColumnRoles, form: TableFormat) -> ValueSurvey:
    columns = dict(zip(VALUES, roles.values, strict=True))
    times = {role: name for role, name in (("time", roles.time), ("date", roles.date)) if name is not None}
    survey = ValueSurvey(file, form, times | columns)
    survey.add(_times(data, roles), {role: _column(data, name) for role, name in columns.items()})
    return survey


def _times(data: pa.Table, roles: ColumnRoles) -> pa.Array:
    # The column of times; a date and a time of day in two columns are joined.
    if roles.date is None or roles.time is None:
        return _column(data, roles.date or roles.time or "")
    day, clock = (pc.utf8_trim_whitespace(_text(_column(data, name))) for name in (roles.date, roles.time))
    return pc.binary_join_element_wise(day, clock, " ")


def _no_times(stamps: Stamps) -> str:
    first = stamps.faults[min(stamps.faults)]
    return (
        f"no row has a readable time; the first: {first}. Check the column of the time, and give a time "
        "format, such as '%m/%d/%Y %H:%M', or s, ms, us or ns for epochs"
    )


def _column(data: pa.Table, name: str) -> pa.Array:
    column = data.column(data.column_names.index(name)).combine_chunks()
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    is_text = pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return column.cast(pa.string() if is_text else kind)


def _text(column: pa.Array) -> pa.Array:
    return pc.fill_null(column.cast(pa.string()), "")
