"""Bars of a LEAN zip file: parsed with Arrow where the file is regular, else row by row."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from tapedeck.engine.importers.file_content import read_member
from tapedeck.engine.importers.file_rows import FileRows, SeriesRows, UnreadableFileError
from tapedeck.engine.importers.lean_layout import LeanFile
from tapedeck.engine.importers.text_numbers import number_fault
from tapedeck.engine.importers.zones import DAY_SECONDS, FIRST_YEAR, LAST_YEAR, localise
from tapedeck.engine.store.bar_store import BarColumns, Floats, Ints
from tapedeck.engine.store.quote_columns import packed
from tapedeck.engine.store.quote_store import QuoteColumns

_FIELDS: Final = ("time", "open", "high", "low", "close", "volume")
# Bars of bid and of ask, each with the last size; of them the closes are stored.
_QUOTE_FIELDS: Final = (
    "time",
    *("bid open", "bid high", "bid low", "bid close", "last bid size"),
    *("ask open", "ask high", "ask low", "ask close", "last ask size"),
)
_BID, _BID_SIZE, _ASK, _ASK_SIZE = 3, 4, 8, 9  # positions behind the time
_PLAIN: Final = b"0123456789.-,\r\n"
_DAILY_LINE: Final = re.compile(rb"(?<=^\d{8}) 00:00,", re.MULTILINE)
_LARGEST: Final = 1 << 26
"""Bytes of a CSV file; a day of seconds has 5 MB."""
_LARGEST_BLOCK: Final = 1 << 24
_PARSING: Final = arrow_csv.ParseOptions(quote_char=False)
_CONVERSION: Final = arrow_csv.ConvertOptions(
    column_types=dict.fromkeys(_FIELDS[1:], pa.float64()) | {"time": pa.int64()}, null_values=[]
)
# A blank field is a side without a quote.
_QUOTE_CONVERSION: Final = arrow_csv.ConvertOptions(
    column_types=dict.fromkeys(_QUOTE_FIELDS[1:], pa.float64()) | {"time": pa.int64()}, null_values=[""]
)
_DAILY_TIME: Final = re.compile(r"(\d{4})(\d\d)(\d\d) (\d\d:\d\d)", re.ASCII)
_MILLISECONDS: Final = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_DAY_MILLISECONDS: Final = DAY_SECONDS * 1000

Columns = tuple[Ints, list[Floats]]


def read_lean_file(file: LeanFile) -> FileRows:
    """Return the rows of a LEAN zip file; UnreadableFileError where it holds no readable CSV file.

    LEAN's milliseconds are the market's local time of day: on a day with a clock change they are not the time
    elapsed since midnight.
    """
    data = read_member(file.path, lambda names: _member(file, names), _LARGEST).removeprefix(BOM_UTF8)
    columns, faults = parse_fast(data, file), dict[int, str]()
    if columns is None:
        columns, faults = parse_exactly(data, file)
    count = len(columns[0]) + len(faults)
    if not count:
        raise UnreadableFileError(file.path, "no rows")
    rows = np.arange(count, dtype=np.int64)
    if faults:
        rows = np.delete(rows, list(faults))
    return _with_instants(data, file, columns, rows, faults)


def parse_fast(data: bytes, file: LeanFile) -> Columns | None:
    """Return the times and the unscaled values of all rows; None where `parse_exactly` is needed.

    Times are milliseconds of the day, of daily bars seconds since 1970.
    """
    daily, days_found, fields = file.day is None, 0, _fields_of(file)
    if daily:
        # The date that remains is a number, which parses many times faster than a time.
        data, days_found = _DAILY_LINE.subn(b",", data)
    if data.translate(None, _PLAIN):
        return None
    try:
        conversion = _QUOTE_CONVERSION if file.is_quotes else _CONVERSION
        table = arrow_csv.read_csv(pa.BufferReader(data), _reading(len(data), fields), _PARSING, conversion)
    except pa.ArrowInvalid:
        return None
    if table["time"].null_count:
        return None
    times = table["time"].to_numpy()
    if daily:
        days = _fast_days(times) if days_found == len(times) else None
    else:
        days = times if _are_plain(times) else None
    return None if days is None else (days, [table[name].to_numpy() for name in fields[1:]])


def parse_exactly(data: bytes, file: LeanFile) -> tuple[Columns, dict[int, str]]:
    """Return the columns of `parse_fast` for the readable rows, and the reasons of the others by row."""
    times: list[int] = []
    values: list[list[float]] = [[] for _ in _fields_of(file)[1:]]
    faults: dict[int, str] = {}
    for row, (_, text) in enumerate(_rows_of(data)):
        parsed = _parse_row(text, file)
        if isinstance(parsed, str):
            faults[row] = parsed
            continue
        times.append(parsed[0])
        for column, value in zip(values, parsed[1], strict=True):
            column.append(value)
    return (np.array(times, np.int64), [np.array(column, np.float64) for column in values]), faults


def _with_instants(
    data: bytes, file: LeanFile, columns: Columns, rows: Ints, faults: dict[int, str]
) -> FileRows:
    times, values = columns
    if file.day is not None:
        midnight = (file.day - date(1970, 1, 1)).days * DAY_SECONDS
        times, ambiguous = localise(midnight + times // 1000, file.zone)
        if ambiguous:
            faults |= {int(rows[i]): reason for i, reason in ambiguous.items()}
            chosen = np.delete(np.arange(len(rows)), list(ambiguous))
            times, rows, values = times[chosen], rows[chosen], [column[chosen] for column in values]
    series = SeriesRows(file.symbol, _bars(times, values, file), rows)

    def texts(wanted: Iterable[int]) -> Mapping[int, tuple[int, str]]:
        lines = _rows_of(data)
        return {row: lines[row] for row in wanted}

    return FileRows(
        file.path,
        file.interval,
        [series],
        faults,
        texts,
        is_quotes=file.is_quotes,
        is_labelled=file.is_quotes,
    )


def _bars(times: Ints, values: list[Floats], file: LeanFile) -> BarColumns:
    """Return the bars, or packed quotes, of unscaled values."""
    if file.is_quotes:
        bid, ask = values[_BID] / file.scale, values[_ASK] / file.scale
        return packed(QuoteColumns(times, bid, ask, values[_BID_SIZE], values[_ASK_SIZE]))
    opens, highs, lows, closes = (column / file.scale for column in values[:4])
    return BarColumns(times, opens, highs, lows, closes, values[4])


def _fields_of(file: LeanFile) -> tuple[str, ...]:
    return _QUOTE_FIELDS if file.is_quotes else _FIELDS


def _member(file: LeanFile, names: Iterable[str]) -> str:
    path, kind = file.path, "quote" if file.is_quotes else "trade"
    tables = [name for name in names if name.lower().endswith(".csv") and not name.startswith("__MACOSX/")]
    if len(tables) > 1:
        # LEAN names the CSV file of a day by symbol and kind, that of daily bars by symbol.
        stem = path.stem.lower()
        tables = [
            name
            for name in tables
            if name.lower().endswith(f"_{kind}.csv") or Path(name).stem.lower() == stem
        ] or tables
    if len(tables) != 1:
        raise UnreadableFileError(path, f"zip file with {len(tables)} CSV files of {kind} bars: expected one")
    return tables[0]


def _fast_days(dates: Ints) -> Ints | None:
    # Dates as numbers, 20131007, to seconds; None if one of them is invalid.
    year, month, day = dates // 10000, dates // 100 % 100, dates % 100
    if not bool(((year >= FIRST_YEAR) & (year <= LAST_YEAR) & (month >= 1) & (month <= 12)).all()):
        return None
    months = (year - 1970) * 12 + month - 1
    first, next_first = _days_to_month(months), _days_to_month(months + 1)
    if not bool(((day >= 1) & (day <= next_first - first)).all()):
        return None
    days: Ints = first + day - 1
    return days * DAY_SECONDS


def _days_to_month(months: Ints) -> Ints:
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def _reading(size: int, fields: tuple[str, ...]) -> arrow_csv.ReadOptions:
    # One block for all but huge files; a block larger than the file would cost more than the parsing.
    block = min(size + 1, _LARGEST_BLOCK)
    return arrow_csv.ReadOptions(use_threads=False, column_names=fields, block_size=block)


def _are_plain(milliseconds: Ints) -> bool:
    return bool(((milliseconds >= 0) & (milliseconds < _DAY_MILLISECONDS) & (milliseconds % 1000 == 0)).all())


def _rows_of(data: bytes) -> list[tuple[int, str]]:
    # Line number and text of every row, without blank lines.
    lines = enumerate(data.splitlines(), start=1)
    return [(number, line.decode("utf-8", "replace")) for number, line in lines if line.strip()]


def _parse_row(text: str, file: LeanFile) -> tuple[int, list[float]] | str:
    names, fields = _fields_of(file), [part.strip() for part in text.split(",")]
    if len(fields) != len(names):
        return f"{len(fields)} fields instead of {len(names)}: {', '.join(names)}"
    time = _parse_day(fields[0]) if file.day is None else _parse_milliseconds(fields[0])
    if isinstance(time, str):
        return time
    values = []
    for name, value in zip(names[1:], fields[1:], strict=True):
        if file.is_quotes and not value:
            values.append(np.nan)
            continue
        if fault := number_fault(name, value):
            return fault
        values.append(float(value))
    return time, values


def _parse_milliseconds(text: str) -> int | str:
    if _MILLISECONDS.fullmatch(text) is None:
        return f"invalid time {text!r}: expected a whole number of milliseconds"
    time = int(text)
    if not 0 <= time < _DAY_MILLISECONDS:
        return f"time {text} is outside the day: expected 0 to {_DAY_MILLISECONDS - 1} milliseconds"
    if time % 1000:
        return f"time {text} is not on a whole second: expected milliseconds that end in 000"
    return time


def _parse_day(text: str) -> int | str:
    match = _DAILY_TIME.fullmatch(text)
    if match is None:
        return f"invalid time {text!r}: expected the format 20131007 00:00"
    try:
        day = date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError as error:
        return f"invalid time {text!r}: {error}"
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        return f"time {text!r} is outside the years {FIRST_YEAR} to {LAST_YEAR}"
    if match[4] != "00:00":
        return f"time {text!r} of a daily bar is not 00:00"
    return (day - date(1970, 1, 1)).days * DAY_SECONDS
