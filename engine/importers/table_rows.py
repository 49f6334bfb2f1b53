"""Bars from the columns of a table, as text or typed; used for CSV and Parquet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tapedeck.engine.errors import BarImportError
from tapedeck.engine.importers.bar_times import Stamps, TimeFormat, opening_times
from tapedeck.engine.importers.column_roles import VALUES, ColumnRoles, find_roles
from tapedeck.engine.importers.file_rows import FileRows, RowTexts, SeriesRows, UnreadableFileError
from tapedeck.engine.importers.symbols import symbol_of
from tapedeck.engine.importers.table_format import TableFormat
from tapedeck.engine.importers.value_survey import ValueSurvey
from tapedeck.engine.store.bar_diff import take
from tapedeck.engine.store.bar_store import BarColumns, Ints
from tapedeck.engine.symbols import symbol_fault


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
    except UnreadableFileError:
        raise
    except BarImportError as error:
        raise UnreadableFileError(file, str(error).removeprefix(f"{file}: ")) from error
    except pa.ArrowException as error:
        reason = f"a column has the wrong type ({error}); name the right columns in a column map"
        raise UnreadableFileError(file, reason) from error


def _to_file_rows(file: Path, table: Table, form: TableFormat) -> FileRows:
    roles = find_roles(table.data.column_names, form.columns, where=str(file))
    formats = _survey(table.data, roles, form.times).formats()
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
    symbols = _symbols(file, table, roles.symbol, form.symbol)
    faults = _symbol_faults(symbols) | faults
    sound = np.delete(np.arange(count), list(faults))
    series = _by_symbol(symbols, bars, table.rows, sound)
    reasons = {int(table.rows[i]): fault for i, fault in faults.items()}
    return FileRows(file, form.interval, series, {**table.faults, **reasons}, table.texts)


def _survey(data: pa.Table, roles: ColumnRoles, form: TimeFormat) -> ValueSurvey:
    columns = dict(zip(VALUES, roles.values, strict=True))
    times = {role: name for role, name in (("time", roles.time), ("date", roles.date)) if name is not None}
    survey = ValueSurvey(form, times | columns)
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


def _symbols(file: Path, table: Table, column: str | None, given: str | None) -> pa.DictionaryArray:
    # The symbol of every row.
    if column is None:
        symbol = given or symbol_of(file)
        if fault := symbol_fault(symbol):
            raise UnreadableFileError(file, f"no symbol in its name ({fault}); give one")
        return pa.DictionaryArray.from_arrays(np.zeros(len(table.rows), np.int32), [symbol])
    symbols = pc.utf8_upper(pc.utf8_trim_whitespace(_text(_column(table.data, column)))).dictionary_encode()
    others = set(symbols.dictionary.to_pylist()) - {given}
    if given is not None and others:
        raise UnreadableFileError(
            file,
            f"its column {column!r} has the symbols {', '.join(sorted(others)[:5])}, not {given}: "
            "leave the symbol out to import each row under its own",
        )
    return symbols


def _symbol_faults(symbols: pa.DictionaryArray) -> dict[int, str]:
    names = enumerate(symbols.dictionary.to_pylist())
    bad = {place: fault for place, name in names if (fault := symbol_fault(name))}
    places = symbols.indices.to_numpy()
    return {int(i): bad[int(places[i])] for i in np.flatnonzero(np.isin(places, list(bad)))} if bad else {}


def _by_symbol(symbols: pa.DictionaryArray, bars: BarColumns, rows: Ints, sound: Ints) -> list[SeriesRows]:
    places, names = symbols.indices.to_numpy()[sound], symbols.dictionary.to_pylist()
    order = np.argsort(places, kind="stable")
    bounds = np.searchsorted(places[order], np.arange(len(names) + 1))
    runs = [sound[order[first:last]] for first, last in pairwise(bounds)]
    return [
        SeriesRows(name, take(bars, run), rows[run])
        for name, run in zip(names, runs, strict=True)
        if len(run)
    ]


def _column(data: pa.Table, name: str) -> pa.Array:
    column = data.column(data.column_names.index(name)).combine_chunks()
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    is_text = pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return column.cast(pa.string() if is_text else kind)


def _text(column: pa.Array) -> pa.Array:
    return pc.fill_null(column.cast(pa.string()), "")
