"""Rows of a CSV file in parts, as columns of text: with Arrow where a part is regular, else line by line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from tapedeck.engine.errors import listed
from tapedeck.engine.importers.csv_layout import CsvLayout, find_layout, split_line
from tapedeck.engine.importers.file_content import Content, contents_of
from tapedeck.engine.importers.file_rows import UnreadableFileError
from tapedeck.engine.importers.table_format import TableFormat
from tapedeck.engine.importers.table_source import Table, TableSource
from tapedeck.engine.importers.text_stream import TextBlock, split_block, text_blocks

_PIECE_BYTES: Final = 1 << 20
_SAMPLE_BYTES: Final = 1 << 17
_SAMPLE_ROWS: Final = 1000
_NAMED: Final = 20
"""Most columns that a message names."""
_BLANKS: Final = re.compile(rb" {2,}")
_OUTER_BLANKS: Final = re.compile(rb"^ +| +$", re.MULTILINE)


def open_csv_tables(file: Path, form: TableFormat) -> list[TableSource]:
    """Return the table of a CSV file, or those of a zip file; UnreadableFileError where there is none."""
    return [CsvSource(content, form) for content in contents_of(file)]


class CsvSource:
    """Table of a CSV file, which is read as often as it is asked for its rows."""

    def __init__(self, content: Content, form: TableFormat) -> None:
        self._content = content
        head = next(text_blocks(content, _SAMPLE_BYTES), None)
        if head is None:
            raise UnreadableFileError(content.file, "empty file")
        text = head.data.decode()
        self._layout = find_layout(
            content.file, text, skip=form.skip_lines, wanted=tuple(form.columns.names.values())
        )
        self._sample = _sample_of(text, self._layout)

    @property
    def file(self) -> Path:
        """The file, or the path of a member in a zip file."""
        return self._content.file

    @property
    def names(self) -> Sequence[str]:
        """Names of the columns, or positions."""
        return self._layout.names

    @property
    def has_names(self) -> bool:
        """Whether a line of the file holds names."""
        return self._layout.has_names

    @property
    def sample(self) -> Mapping[str, Sequence[str]]:
        """Texts of the first regular rows by column."""
        return self._sample

    @property
    def notes(self) -> Sequence[str]:
        """Sentences on the lines that were left out."""
        return self._layout.notes

    def parts(self, columns: Collection[str]) -> Iterator[Table]:
        """Yield all rows in parts, with these columns as text."""
        row = 0
        for text in text_blocks(self._content):
            for part in self._parts_of(_rows_only(text, self._layout), columns, row):
                row += len(part.rows) + len(part.faults)
                yield part

    def _parts_of(self, block: TextBlock, columns: Collection[str], row: int) -> Iterator[Table]:
        # Of an irregular block, only the pieces that are irregular are read line by line, which takes memory.
        whole = _read_fast(block, self._layout, columns, row)
        if whole is not None:
            yield whole
            return
        for piece in split_block(block, _PIECE_BYTES):
            part = _read_fast(piece, self._layout, columns, row)
            if part is None:
                part = _read_exactly(piece, self._layout, columns, row)
            row += len(part.rows) + len(part.faults)
            yield part


def _sample_of(text: str, layout: CsvLayout) -> dict[str, list[str]]:
    rows: list[list[str]] = []
    for line in text.split("\n")[layout.rows_from - 1 :]:
        if len(rows) == _SAMPLE_ROWS:
            break
        if line.strip() and line not in layout.header:
            fields = _fitted(split_line(line, layout.delimiter), layout)
            if len(fields) == len(layout.names):
                rows.append(fields)
    return {name: [row[i] for row in rows] for i, name in enumerate(layout.names)}


def _rows_only(block: TextBlock, layout: CsvLayout) -> TextBlock:
    # Without the lines before the rows. Lines of the header that stand among the rows, in files put together
    # from several, become blank, so that the numbers of the other lines stay.
    data, line = block.data, block.line
    if layout.rows_from > line:
        lines = data.split(b"\n", layout.rows_from - line)
        data, line = (lines[-1], layout.rows_from) if len(lines) > layout.rows_from - line else (b"", line)
    for text in layout.header:
        repeated = text.encode()
        for mark in (b"", "\ufeff".encode()):
            whole = mark + repeated + b"\n"
            if data.startswith(whole):
                data = b"\n" + data[len(whole) :]
            if b"\n" + whole in data:
                data = data.replace(b"\n" + whole, b"\n\n")
    if layout.delimiter == " ":
        data = _BLANKS.sub(b" ", _OUTER_BLANKS.sub(b"", data))
    return TextBlock(data, line)


def _read_fast(block: TextBlock, layout: CsvLayout, columns: Collection[str], first: int) -> Table | None:
    # None where the block is irregular.
    if b'"' in block.data and any(line.count(b'"') % 2 for line in block.data.split(b"\n")):
        return None
    keys = [name for name in layout.names if name in columns]
    try:
        data = arrow_csv.read_csv(
            pa.BufferReader(block.data),
            arrow_csv.ReadOptions(
                use_threads=False, column_names=layout.names, block_size=len(block.data) + 1
            ),
            arrow_csv.ParseOptions(delimiter=layout.delimiter),
            arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(layout.names, pa.string()),
                strings_can_be_null=False,
                include_columns=keys,
            ),
        )
    except pa.ArrowInvalid:
        return None
    rows = np.arange(first, first + data.num_rows, dtype=np.int64)

    def texts(wanted: Iterable[int]) -> Mapping[int, tuple[int, str]]:
        lines = [(i, line) for i, line in enumerate(block.data.split(b"\n"), start=block.line) if line]
        return {row: (lines[row - first][0], lines[row - first][1].decode()) for row in wanted}

    return Table(data, rows, {}, texts)


def _read_exactly(block: TextBlock, layout: CsvLayout, columns: Collection[str], first: int) -> Table:
    places = [i for i, name in enumerate(layout.names) if name in columns]
    values: list[list[str]] = [[] for _ in places]
    rows: list[int] = []
    faults: dict[int, str] = {}
    for row, (_, _, fields) in enumerate(_records(block, layout), start=first):
        if len(fields) != len(layout.names):
            faults[row] = _wrong_length(fields, layout)
            continue
        rows.append(row)
        for column, place in zip(values, places, strict=True):
            column.append(fields[place])
    names = [layout.names[place] for place in places]
    data = pa.table([pa.array(column, pa.string()) for column in values], names=names)

    def texts(wanted: Iterable[int]) -> Mapping[int, tuple[int, str]]:
        asked = set(wanted)
        records = enumerate(_records(block, layout), start=first)
        return {row: (line, text) for row, (line, text, _) in records if row in asked}

    return Table(data, np.array(rows, np.int64), faults, texts)


def _wrong_length(fields: Sequence[str], layout: CsvLayout) -> str:
    known = [name for name in layout.names if name]
    expected = len(known) if not layout.names[-1] else len(layout.names)
    names = f": {listed(known, _NAMED)}" if layout.has_names else ""
    return f"{len(fields)} fields instead of {expected}{names}"


def _records(block: TextBlock, layout: CsvLayout) -> Iterator[tuple[int, str, list[str]]]:
    # Number of the first line, text and fields of every row, without blank lines.
    lines = block.data.decode().split("\n")
    reader = csv.reader(io.StringIO(block.data.decode(), newline=""), delimiter=layout.delimiter)
    while True:
        start = reader.line_num
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            fields = [f"({error})"]
        text = "\n".join(lines[start : reader.line_num])
        fields = _fitted(fields, layout)
        if reader.line_num - start > 1 and len(fields) != len(layout.names):
            # A quote that is not closed; each of the lines may be a row of its own.
            for number in range(start, min(reader.line_num, len(lines))):
                if lines[number].strip():
                    alone = _fitted(split_line(lines[number], layout.delimiter), layout)
                    yield block.line + number, lines[number], alone
        elif len(fields) > 1 or text.strip():
            yield block.line + start, text, fields


def _fitted(fields: list[str], layout: CsvLayout) -> list[str]:
    # Empty fields at the end, of a delimiter too many or too few, are not a fault.
    width = len(layout.names)
    if len(fields) > width and not any(field.strip() for field in fields[width:]):
        return fields[:width]
    if len(fields) < width and not any(layout.names[len(fields) :]):
        return fields + [""] * (width - len(fields))
    return fields
