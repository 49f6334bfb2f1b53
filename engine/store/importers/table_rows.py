"""From the columns of a table, text or typed, to bars: the part that CSV and Parquet have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.errors import BarImportError, nearest
from engine.intervals import Interval
from engine.store.bar_store import BarColumns, Ints
from engine.store.importers.bar_times import (
    EPOCH_UNITS,
    Label,
    Stamps,
    TimeFormat,
    opening_times,
    read_stamps,
)
from engine.store.importers.column_roles import VALUES, ColumnRoles, check_roles, find_roles
from engine.store.importers.file_rows import FileRows, RowTexts, SeriesRows, UnreadableFileError, check_base
from engine.store.importers.text_numbers import read_numbers
from engine.store.importers.validation import take
from engine.store.importers.zones import find_zone

_LONGEST_SYMBOL: Final = 64


@dataclass(frozen=True, slots=True)
class TableFormat:
    """What a user says of the tables to import: whose bars, of what length, in which columns, timed how.

    `symbol` None means: as a column says, else as the file is called.
    """

    interval: Interval
    symbol: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    times: TimeFormat = field(default_factory=TimeFormat)


@dataclass(frozen=True, slots=True)
class Table:
    """Columns as read, and which of the file's rows (n,) they hold; `faults` are those that are left out."""

    data: pa.Table
    rows: Ints
    faults: Mapping[int, str]
    texts: RowTexts


def make_format(
    interval: Interval,
    *,
    symbol: str | None,
    columns: Mapping[str, str] | None,
    zone: str | None,
    time_format: str | None,
    label: Label,
) -> TableFormat:
    """Return a checked format; BarImportError says which of its parts cannot be, and what could."""
    check_base(interval)
    check_roles(columns or {})
    if label not in get_args(Label):
        raise BarImportError(f"label {label!r}: a time names a bar's open or its close")
    if label == "close" and not interval.is_intraday:
        raise BarImportError(
            "label close: daily bars are named by the date of their trading day; leave it out"
        )
    if time_format is not None and "%" not in time_format and time_format not in EPOCH_UNITS:
        near = nearest(time_format, EPOCH_UNITS)
        hint = f" Did you mean {near!r}?" if near else ""
        raise BarImportError(
            f"time format {time_format!r}: allowed are {', '.join(EPOCH_UNITS)} for epochs, and patterns such "
            f"as '%m/%d/%Y %H:%M'; left out, ISO 8601 and epochs are recognised.{hint}"
        )
    times = TimeFormat(time_format, find_zone(zone) if zone is not None else None, label)
    return TableFormat(interval, _symbol(symbol) if symbol is not None else None, dict(columns or {}), times)


def to_file_rows(file: Path, table: Table, form: TableFormat) -> FileRows:
    """Return the bars of a table, split by symbol; UnreadableFileError where it cannot be one of bars."""
    names = table.data.column_names
    try:
        roles = find_roles(names, form.columns, where=str(file))
        stamps = _stamps(table.data, roles, form.times)
        times, faults = opening_times(stamps, form.interval, form.times, where=str(file))
    except BarImportError as error:
        raise UnreadableFileError(file, str(error).removeprefix(f"{file}: ")) from error
    count = len(table.rows)
    if count and len(stamps.faults) == count:
        raise UnreadableFileError(file, _no_times(stamps))
    if not count and not table.faults:
        raise UnreadableFileError(file, "it holds no rows")
    values = []
    for role, name in zip(VALUES, roles.values, strict=True):
        numbers, bad = read_numbers(role, _column(table.data, name))
        values.append(numbers)
        faults = bad | faults
    bars = BarColumns(times, *values)
    symbols = _symbols(file, table, roles.symbol, form.symbol)
    faults = _symbol_faults(symbols) | faults
    sound = np.delete(np.arange(count), list(faults))
    series = _by_symbol(symbols, bars, table.rows, sound)
    reasons = {int(table.rows[i]): fault for i, fault in faults.items()}
    return FileRows(file, form.interval, series, {**table.faults, **reasons}, table.texts)


def _stamps(data: pa.Table, roles: ColumnRoles, form: TimeFormat) -> Stamps:
    if roles.date is None or roles.time is None:
        return read_stamps(_column(data, roles.date or roles.time or ""), form)
    day, clock = (pc.utf8_trim_whitespace(_text(_column(data, name))) for name in (roles.date, roles.time))
    return read_stamps(pc.binary_join_element_wise(day, clock, " "), form)


def _no_times(stamps: Stamps) -> str:
    first = stamps.faults[min(stamps.faults)]
    return (
        f"no row has a time that can be read; of the first: {first}. Check which column holds the time, and "
        "give a time format, such as '%m/%d/%Y %H:%M', or s, ms, us or ns for epochs"
    )


def _symbols(file: Path, table: Table, column: str | None, given: str | None) -> pa.DictionaryArray:
    # The symbol of every row.
    if column is None:
        symbol = given or symbol_of(file)
        return pa.DictionaryArray.from_arrays(np.zeros(len(table.rows), np.int32), [symbol])
    symbols = pc.utf8_upper(pc.utf8_trim_whitespace(_text(_column(table.data, column)))).dictionary_encode()
    others = set(symbols.dictionary.to_pylist()) - {given}
    if given is not None and others:
        raise UnreadableFileError(
            file,
            f"its column {column!r} names {', '.join(sorted(others)[:5])}, not {given}: "
            "leave the symbol out, then each row goes to its own",
        )
    return symbols


def _symbol_faults(symbols: pa.DictionaryArray) -> dict[int, str]:
    names = enumerate(symbols.dictionary.to_pylist())
    bad = {place: fault for place, name in names if (fault := _symbol_fault(name))}
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


def symbol_of(file: Path) -> str:
    """Return the symbol a path tells: a folder `symbol=SPY` above the file, else the file's name."""
    for part in reversed(file.parts[:-1]):
        key, equals, value = part.partition("=")
        if equals and key.lower() in ("symbol", "ticker"):
            return value.upper()
    name = file.name
    for suffix in (".gz", ".csv", ".txt", ".tsv", ".parquet", ".pq"):
        if name.lower().endswith(suffix):
            name = name[: -len(suffix)]
    return name.upper()


def _symbol(text: str) -> str:
    symbol = text.strip().upper()
    if fault := _symbol_fault(symbol):
        raise BarImportError(fault)
    return symbol


def _symbol_fault(symbol: str) -> str | None:
    if not symbol:
        return "symbol is missing"
    if len(symbol) > _LONGEST_SYMBOL or not symbol.isprintable() or "�" in symbol:
        return f"symbol {symbol[:20]!r} is none: up to {_LONGEST_SYMBOL} printable characters are allowed"
    return None


def _column(data: pa.Table, name: str) -> pa.Array:
    column = data.column(data.column_names.index(name)).combine_chunks()
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _text(column: pa.Array) -> pa.Array:
    return pc.fill_null(column.cast(pa.string()), "")
