"""Columns of text from a CSV file: with Arrow where the file is regular, else line by line."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from tapedeck.engine.importers.file_rows import UnreadableFileError
from tapedeck.engine.importers.table_rows import Table

_DELIMITERS: Final = ",;\t|"
_LARGEST_BLOCK: Final = 1 << 24


def read_csv_table(file: Path) -> Table:
    """Return all rows of a CSV file (plain or .gz) as text; its first line holds the names of the columns.

    The delimiter is a comma, semicolon, tab or vertical bar: the most frequent one of the first line. Rows
    with too many or too few fields are faults of the table.
    """
    data = _load(file)
    head, delimiter = _head(file, data)
    fast = _read_fast(data, head, delimiter)
    if fast is not None:
        rows = np.arange(fast.num_rows, dtype=np.int64)
        return Table(fast, rows, {}, lambda wanted: _texts(data, delimiter, wanted))
    return _read_exactly(data, head, delimiter)


def _load(file: Path) -> bytes:
    try:
        data = file.read_bytes()
        if file.name.lower().endswith(".gz"):
            data = gzip.decompress(data)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise UnreadableFileError(
            file, f"gzip file damaged or cut short ({error}); download it again"
        ) from error
    except OSError as error:
        raise UnreadableFileError(file, f"cannot be read ({error.strerror or error})") from error
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in data[:4096]:
        raise UnreadableFileError(file, "not UTF-8 text; save it as a CSV file in UTF-8")
    return data.removeprefix(b"\xef\xbb\xbf")


def _head(file: Path, data: bytes) -> tuple[list[str], str]:
    # Names of the columns, and the delimiter.
    first = next((line for line in _lines(data) if line.strip()), "")
    if not first:
        raise UnreadableFileError(file, "empty file")
    delimiter = max(_DELIMITERS, key=first.count)
    return [name.strip() for name in next(csv.reader([first], delimiter=delimiter))], delimiter


def _read_fast(data: bytes, head: list[str], delimiter: str) -> pa.Table | None:
    # None where the file is irregular.
    keys = [str(i) for i in range(len(head))]
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(data),
            arrow_csv.ReadOptions(
                use_threads=False, column_names=keys, block_size=min(len(data) + 1, _LARGEST_BLOCK)
            ),
            arrow_csv.ParseOptions(delimiter=delimiter),
            arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(keys, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        return None
    return table.slice(1).rename_columns(head)


def _read_exactly(data: bytes, head: list[str], delimiter: str) -> Table:
    columns: list[list[str]] = [[] for _ in head]
    rows: list[int] = []
    faults: dict[int, str] = {}
    for row, (_, fields) in enumerate(_records(data, delimiter)):
        if len(fields) != len(head):
            faults[row] = f"{len(fields)} fields instead of {len(head)}: {', '.join(head)}"
            continue
        rows.append(row)
        for column, value in zip(columns, fields, strict=True):
            column.append(value)
    table = pa.table([pa.array(column, pa.string()) for column in columns], names=head)
    return Table(table, np.array(rows, np.int64), faults, lambda wanted: _texts(data, delimiter, wanted))


def _texts(data: bytes, delimiter: str, wanted: Iterable[int]) -> Mapping[int, tuple[int, str]]:
    rows = set(wanted)
    records = enumerate(_records(data, delimiter))
    return {row: (line, delimiter.join(fields)) for row, (line, fields) in records if row in rows}


def _records(data: bytes, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    # Line number and fields of every row after the first, without blank lines.
    reader = csv.reader(_lines(data), delimiter=delimiter)
    named = False
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, [f"({error})"]
            continue
        if len(fields) < 2 and not "".join(fields).strip():
            continue
        if named:
            yield line, fields
        named = True


def _lines(data: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", errors="replace", newline="")
