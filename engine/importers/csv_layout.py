"""Layout of a CSV file from its first lines: delimiter, names of the columns, and where its rows begin."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tapedeck.engine.importers.column_names import (
    join_pair,
    names_prices,
    names_quotes,
    plain_name,
    unique_names,
)
from tapedeck.engine.importers.file_rows import UnreadableFileError
from tapedeck.engine.importers.text_kinds import is_missing, is_number, is_time

MOST_COLUMNS: Final = 20_000
_DELIMITERS: Final = ("\t", ";", "|", ",", " ")
_BLANKS: Final = re.compile(" {2,}")
_SAMPLE: Final = 300
_TRIED: Final = 50
_TICKER_LABELS: Final = ("ticker", "tickers", "symbol", "symbols")
_LEVEL_LABELS: Final = ("", "price", "prices", "attributes", "attribute", *_TICKER_LABELS)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the file that is not blank: its number from 1, its text, and its fields."""

    number: int
    text: str
    fields: list[str]


@dataclass(frozen=True, slots=True)
class CsvLayout:
    """Delimiter and columns of a CSV file.

    `names`: one for each field of a row, without repetitions; "1", "2", ... where the file has none, pairs
    such as `('Close', 'AAPL')` where a second line of the header holds symbols. `rows_from`: number of the
    first line that may be a row. `header`: texts of the lines that name the columns.
    """

    delimiter: str
    names: tuple[str, ...]
    has_names: bool
    rows_from: int
    header: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def find_layout(file: Path, text: str, *, skip: int = 0, wanted: Collection[str] = ()) -> CsvLayout:
    """Return the layout of a CSV file that begins with `text`.

    `skip`: number of lines to leave out. `wanted`: names that the user gives for columns; the line that has
    them all holds the names. Raises UnreadableFileError where there is no line.
    """
    lines = [
        (number, line)
        for number, line in enumerate(text.split("\n"), start=1)
        if line.strip() and number > skip
    ][:_SAMPLE]
    if not lines:
        raise UnreadableFileError(file, "empty file" if not skip else f"no lines behind the first {skip:,}")
    delimiter = _delimiter([line for _, line in lines])
    rows = [Line(number, line, split_line(line, delimiter)) for number, line in lines]
    if max(len(row.fields) for row in rows) > MOST_COLUMNS:
        raise UnreadableFileError(file, f"more than {MOST_COLUMNS:,} columns: this is not a table of bars")
    first = next((i for i, row in enumerate(rows) if _is_data(row.fields)), len(rows))
    at = _header_at(rows[:first], wanted, has_rows=first < len(rows))
    if at is None:
        return _without_names(rows, delimiter, skip)
    return _with_names(rows, at, delimiter, skip)


def split_line(line: str, delimiter: str) -> list[str]:
    """Return the fields of one line, without blanks around them."""
    if delimiter == " ":
        line = _BLANKS.sub(" ", line.strip())
    try:
        return [field.strip() for field in next(csv.reader([line], delimiter=delimiter))]
    except (csv.Error, StopIteration):
        return [line]


def _delimiter(lines: Sequence[str]) -> str:
    # The one that makes rows of data. A semicolon or tab comes before a comma, which may be the sign of
    # decimals: 2013.10.07;1,12551;1,12560;1,12547;1,12556.
    tried = lines[-_TRIED:]
    found = {sign: [split_line(line, sign) for line in tried] for sign in _DELIMITERS}
    counts = {sign: sum(map(_is_data, rows)) for sign, rows in found.items()}
    if any(counts.values()):
        return max(_DELIMITERS, key=lambda sign: counts[sign])
    # Rows of quotes have few numbers: the line of their names tells.
    named = [sign for sign in _DELIMITERS if any(map(names_quotes, (split_line(x, sign) for x in lines)))]
    if named:
        return named[0]
    for sign, rows in found.items():
        width, count = Counter(map(len, rows)).most_common(1)[0]
        if width >= 5 and count * 2 >= len(rows):
            return sign
    return max(",;\t|", key=lambda sign: len(found[sign][0]))


def _is_data(fields: Sequence[str]) -> bool:
    numbers = sum(map(is_number, fields))
    if numbers >= 4:
        return True
    gaps = sum(1 for field in fields if field and is_missing(field))
    return numbers + gaps >= 4 and any(map(is_time, fields))


def _header_at(rows: Sequence[Line], wanted: Collection[str], *, has_rows: bool) -> int | None:
    # Position of the line of names before the first row of data.
    for i, row in enumerate(rows):
        if (
            names_prices(row.fields)
            or names_quotes(row.fields)
            or (wanted and set(wanted) <= set(row.fields))
        ):
            return i
    if not rows:
        return None
    if not has_rows:
        return None if any(map(is_time, rows[0].fields)) else 0
    # Unknown names: the line before the first row, if it is one of words.
    last = rows[-1].fields
    is_wordy = len(last) >= 5 and not any(is_time(field) or is_number(field) for field in last)
    return len(rows) - 1 if is_wordy else None


def _without_names(rows: Sequence[Line], delimiter: str, skip: int) -> CsvLayout:
    begin = next(
        (i for i, row in enumerate(rows) if _is_data(row.fields) or any(map(is_time, row.fields))), 0
    )
    widths = Counter(len(row.fields) for row in rows[begin:])
    width = max(widths, key=lambda w: (widths[w], w))
    names = tuple(str(i + 1) for i in range(width))
    notes = _left_out(rows[0].number, rows[begin].number - 1) if begin else ()
    return CsvLayout(delimiter, names, False, max(rows[begin].number, skip + 1), (), notes)


def _with_names(rows: Sequence[Line], at: int, delimiter: str, skip: int) -> CsvLayout:
    names, symbols, label = list(rows[at].fields), None, None
    first = last = at
    if at and (found := _symbols(rows[at - 1].fields, names)):
        symbols, first = found, at - 1
    for i in range(at + 1, min(at + 4, len(rows))):
        fields = rows[i].fields
        if _is_data(fields):
            break
        if symbols is None and (found := _symbols(fields, names)):
            symbols = found
        elif fields[0] and not any(fields[1:]) and plain_name(names[0]) in _LEVEL_LABELS:
            label = fields[0]
        elif not (i == at + 1 and _are_units(fields, names)):
            break
        last = i
    if label is not None or (symbols and plain_name(names[0]) in _LEVEL_LABELS):
        names[0] = label or ""
    if symbols is not None:
        pairs = zip(names, symbols, strict=True)
        names = [join_pair(name, symbol) if symbol else name for name, symbol in pairs]
    notes = _left_out(rows[0].number, rows[first].number - 1) if first else ()
    if last > at:
        notes += (f"lines {rows[at].number} to {rows[last].number} are read as the names of the columns",)
    data = [row.fields for row in rows[last + 1 :] if _is_data(row.fields)]
    names = _fitted(names, data)
    header = tuple(row.text for row in rows[first : last + 1])
    begin = max(rows[last].number + 1, skip + 1)
    unique = tuple(unique_names(names))
    return CsvLayout(delimiter, unique, True, begin, header, notes)


def _symbols(fields: Sequence[str], names: Sequence[str]) -> list[str | None] | None:
    # The symbol of each column, from a line of the header that holds symbols.
    rest = fields[1:]
    if len(fields) != len(names) or len(rest) < 4 or not all(rest) or any(map(is_number, rest)):
        return None
    is_labelled = plain_name(fields[0]) in _TICKER_LABELS
    is_nameless = not fields[0] and plain_name(names[0]) in _LEVEL_LABELS
    if not (is_labelled or is_nameless) or names_prices(fields):
        return None
    return [None, *rest]


def _are_units(fields: Sequence[str], names: Sequence[str]) -> bool:
    # A line such as `UTC,USD,USD,USD,USD,shares` below the names.
    words = [field for field in fields if field]
    return (
        len(fields) == len(names)
        and len(words) >= 4
        and all(len(word) <= 12 and not is_missing(word) for word in words)
        and not any(sign.isdigit() for word in words for sign in word)
    )


def _fitted(names: list[str], data: Sequence[Sequence[str]]) -> list[str]:
    # A name for each field of the rows.
    if not data:
        return names
    width = Counter(map(len, data)).most_common(1)[0][0]
    rows = [fields for fields in data if len(fields) == width]
    extra = width - len(names)
    if extra < 0:
        return names[:width] if not any(names[width:]) else names
    if extra and not any(any(fields[len(names) :]) for fields in rows):
        return names + [""] * extra
    if (
        extra == 1
        and all(is_time(fields[1]) for fields in rows)
        and not all(is_time(fields[0]) for fields in rows)
    ):
        return ["", *names]  # the names of rows, as R writes them
    return names


def _left_out(first: int, last: int) -> tuple[str, ...]:
    lines = f"line {first}" if first == last else f"lines {first} to {last}"
    return (f"{lines} before the table {'is' if first == last else 'are'} left out",)
