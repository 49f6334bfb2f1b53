"""Bars from the columns of a table, as text or typed, part by part; used for CSV and Parquet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tapedeck.engine.errors import BarImportError
from tapedeck.engine.importers.bar_times import opening_times
from tapedeck.engine.importers.column_names import PRICES, plain_name
from tapedeck.engine.importers.column_roles import ColumnRoles
from tapedeck.engine.importers.file_rows import (
    FileRows,
    OtherColumns,
    SeriesRows,
    TableReading,
    UnclearFileError,
    UnreadableFileError,
)
from tapedeck.engine.importers.interval_column import interval_column, other_intervals
from tapedeck.engine.importers.quote_rows import QuoteTable
from tapedeck.engine.importers.stamps import Stamps, no_times
from tapedeck.engine.importers.symbol_column import RowSymbols, by_symbol, symbol_faults
from tapedeck.engine.importers.table_columns import column_of, text_of, times_of
from tapedeck.engine.importers.table_format import TableFormat
from tapedeck.engine.importers.table_series import TableSeries, find_series
from tapedeck.engine.importers.table_source import Table, TableSource
from tapedeck.engine.importers.validation import gap_rows
from tapedeck.engine.importers.value_survey import ValueFormats, ValueSurvey
from tapedeck.engine.store.bar_store import BarColumns, Ints


def read_table(source: TableSource, form: TableFormat) -> Iterator[FileRows]:
    """Yield the bars of a table in parts, split by symbol, or its quotes, if it is one of quotes.

    Raises UnreadableFileError where it has none, and UnclearFileError where it has several readings.
    """
    file = source.file
    try:
        quotes = QuoteTable.find(source, form)
        yield from _read_table(source, form) if quotes is None else quotes.read()
    except (UnreadableFileError, UnclearFileError):
        raise
    except BarImportError as error:
        raise UnreadableFileError(file, str(error).removeprefix(f"{file}: ")) from error
    except pa.ArrowException as error:
        reason = f"a column has the wrong type ({error}); name the right columns in a column map"
        raise UnreadableFileError(file, reason) from error


def _read_table(source: TableSource, form: TableFormat) -> Iterator[FileRows]:
    series = find_series(source, form)
    if len(series) > 1 and form.symbol is not None:
        symbols = ", ".join(str(one.group.symbol) for one in series[:5])
        raise UnreadableFileError(source.file, f"it has columns of {symbols}: leave the symbol out")
    columns = list(dict.fromkeys(name for one in series for name in one.columns))
    lengths = interval_column([name for name in source.names if name not in columns])
    columns += [lengths] if lengths is not None else []
    formats, parts = _surveyed(source, columns, series[0], form)
    owners = [_owner(source, one, form) for one in series]
    reading: TableReading | None = None
    is_empty = True
    for part in parts:
        if not len(part.rows) and not part.faults:
            continue
        rows = _file_rows(source, part, series, owners, formats, form, is_first=is_empty)
        # Whether a column holds symbols or a status is known from its first rows.
        reading = reading or _described(source, series, owners[0], formats, is_given=form.symbol is not None)
        yield replace(rows, reading=reading)
        is_empty = False
    if is_empty:
        raise UnreadableFileError(source.file, "no rows")


def _surveyed(
    source: TableSource, columns: Sequence[str], series: TableSeries, form: TableFormat
) -> tuple[ValueFormats, Iterator[Table]]:
    # The formats of the values, and all parts from the start: the first is read once, if it decides.
    roles = series.roles
    survey = ValueSurvey(source.file, form, roles.described())
    parts = source.parts(columns)
    read = 0
    first: Table | None = None
    for part in parts:
        read += 1
        first = first or part
        if len(part.rows):
            data = series.of(part.data)
            numbers = {role: column_of(data, name) for role, name in zip(PRICES, roles.prices, strict=True)}
            if roles.volume:
                numbers["volume"] = column_of(data, roles.volume[0])
            survey.add(times_of(data, roles.time, roles.date), numbers)
            if survey.is_decided:
                break
    formats = survey.formats()
    if read == 1 and first is not None:
        return formats, chain([first], parts)
    return formats, source.parts(columns)


def _owner(source: TableSource, series: TableSeries, form: TableFormat) -> RowSymbols:
    column = series.roles.symbol
    is_chosen = "symbol" in form.columns.names or bool(form.columns.positions)
    return RowSymbols(
        source.file, column=column, is_chosen=is_chosen, given=form.symbol or series.group.symbol
    )


def _described(
    source: TableSource,
    series: Sequence[TableSeries],
    owner: RowSymbols,
    formats: ValueFormats,
    *,
    is_given: bool,
) -> TableReading:
    # `is_given`: the user gave the symbol.
    columns = {}
    for role, name in series[0].roles.described().items():
        shown = (name or "the column without a name") if source.has_names else f"column {name}"
        columns[role] = ", ".join(text for text in (shown, formats.describe(role)) if text)
    from_names = series[0].group.symbol is not None and not is_given
    columns["symbol"] = "the names of the columns" if from_names else owner.source
    notes = [*source.notes, *series[0].roles.notes, *formats.notes]
    if len(series) > 1:
        shown = ", ".join(str(one.group.symbol) for one in series[:5])
        more = f" and {len(series) - 5:,} more" if len(series) > 5 else ""
        notes.append(f"the columns are those of {len(series):,} symbols: {shown}{more}")
    return TableReading(columns, tuple(notes))


def _file_rows(
    source: TableSource,
    part: Table,
    series: Sequence[TableSeries],
    owners: Sequence[RowSymbols],
    formats: ValueFormats,
    form: TableFormat,
    *,
    is_first: bool,
) -> FileRows:
    # A row with the bars of k symbols counts as k rows: their positions are k times the row's, and on.
    step = len(series)
    found: list[SeriesRows] = []
    reasons = {row * step: fault for row, fault in part.faults.items()}
    read = _read_by(series)
    lengths = interval_column([name for name in part.data.column_names if name not in read])
    strange = (
        {} if lengths is None else other_intervals(text_of(column_of(part.data, lengths)), form.interval)
    )
    gap_count = 0
    for place, (one, owner) in enumerate(zip(series, owners, strict=True)):
        data = one.of(part.data)
        bars, stamps, faults = _bars(source, data, one.roles, formats, form, is_first=is_first)
        if faults and source.has_names:
            _check_no_other_names(source, part, data, one.roles)
        symbol = one.roles.symbol
        symbols = owner.of(len(part.rows), None if symbol is None else text_of(column_of(data, symbol)))
        faults = symbol_faults(symbols) | faults | strange
        gaps = set(gap_rows(bars).tolist()) - set(faults)
        gap_count += len(gaps)
        sound = np.delete(np.arange(len(part.rows)), [*faults, *gaps])
        rows = part.rows * step + place
        found += by_symbol(symbols, bars, rows, sound, _daily_instants(stamps, form))
        reasons |= {int(rows[i]): fault for i, fault in faults.items()}

    def texts(wanted: Iterable[int]) -> Mapping[int, tuple[int, str]]:
        asked = list(wanted)
        known = part.texts({row // step for row in asked})
        return {row: known[row // step] for row in asked}

    others = _other_columns(source, series) if step == 1 else None
    row_texts = texts if step > 1 else part.texts
    return FileRows(source.file, form.interval, found, reasons, row_texts, others=others, gaps=gap_count)


def _read_by(series: Sequence[TableSeries]) -> set[str]:
    return {name for one in series for name in one.columns}


def _daily_instants(stamps: Stamps, form: TableFormat) -> Ints | None:
    if form.interval.is_intraday:
        return None
    return np.where(stamps.known, stamps.instants, stamps.written)


def _other_columns(source: TableSource, series: Sequence[TableSeries]) -> OtherColumns:
    # Reads the file again, for the rows of a question.
    read = frozenset(series[0].columns)
    names = [name for name in source.names if name not in read]

    def others(rows: Sequence[int]) -> dict[str, list[str]]:
        wanted, found = np.array(sorted(set(rows)), np.int64), dict[int, list[str]]()
        for part in source.parts(names):
            places = np.flatnonzero(np.isin(part.rows, wanted))
            texts = [text_of(column_of(part.data, name)).take(places).to_pylist() for name in names]
            found |= dict(zip(part.rows[places].tolist(), map(list, zip(*texts, strict=True)), strict=False))
            if len(found) == len(wanted):
                break
        return {name: [found[row][at] for row in rows] for at, name in enumerate(names)}

    return others


def _bars(
    source: TableSource,
    data: pa.Table,
    roles: ColumnRoles,
    formats: ValueFormats,
    form: TableFormat,
    *,
    is_first: bool,
) -> tuple[BarColumns, Stamps, dict[int, str]]:
    stamps = formats.read_times(times_of(data, roles.time, roles.date))
    if is_first and data.num_rows and len(stamps.faults) == data.num_rows:
        raise UnreadableFileError(source.file, no_times(stamps))
    times, faults = opening_times(stamps, form.interval, form.times, where=str(source.file))
    prices = []
    for role, name in zip(PRICES, roles.prices, strict=True):
        numbers, bad = formats.read_numbers(role, column_of(data, name))
        prices.append(numbers)
        faults = bad | faults
    volume = np.zeros(data.num_rows)
    for name in roles.volume:
        numbers, bad = formats.read_numbers("volume", column_of(data, name))
        volume = volume + numbers
        faults = bad | faults
    opens, highs, lows, closes = prices
    return BarColumns(times, opens, highs, lows, closes, volume), stamps, faults


def _check_no_other_names(source: TableSource, part: Table, data: pa.Table, roles: ColumnRoles) -> None:
    # Files put together from several may hold names again, in another order; equal ones are left out before.
    opens = column_of(data, roles.prices[0])
    if not pa.types.is_string(opens.type):
        return
    words = pc.replace_substring_regex(pc.utf8_lower(opens), r"[^a-z]", "")
    for i in np.flatnonzero(pc.is_in(words, pa.array([*PRICES, "volume"])).to_numpy(zero_copy_only=False)):
        named = [plain_name(column_of(data, name)[int(i)].as_py()) for name in roles.prices]
        if named != [plain_name(name) for name in roles.prices] and len(set(named) & set(PRICES)) >= 3:
            row = int(part.rows[i])
            line, text = part.texts([row])[row]
            raise UnclearFileError(
                source.file,
                f"line {line:,} names the columns in another order ({text}): split the file there",
            )
