"""Rows of a Parquet file in parts, with the index of a pandas frame as one of the columns."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tapedeck.engine.errors import cause_of
from tapedeck.engine.importers.column_names import unique_names
from tapedeck.engine.importers.csv_layout import MOST_COLUMNS
from tapedeck.engine.importers.file_content import FREE_BYTES, MOST_EXPANSION
from tapedeck.engine.importers.file_rows import UnreadableFileError
from tapedeck.engine.importers.table_format import TableFormat
from tapedeck.engine.importers.table_source import Table, TableSource
from tapedeck.engine.regular_file import open_regular

_PART_ROWS: Final = 1 << 17
_SAMPLE_ROWS: Final = 1000
_LARGEST_FOOTER: Final = 64 << 20
_MOST_ROWS_PER_BYTE: Final = 200
_FREE_ROWS: Final = 10_000_000
_BUFFER: Final = 1 << 20
_MAGIC: Final = b"PAR1"


def open_parquet_table(file: Path, form: TableFormat) -> list[TableSource]:
    """Return the table of a Parquet file; UnreadableFileError where it is none, or of absurd measures."""
    return [ParquetSource(file)]


class ParquetSource:
    """Table of a Parquet file, which is read as often as it is asked for its rows."""

    has_names: Final = True
    notes: Sequence[str] = ()

    def __init__(self, file: Path) -> None:
        self.file = file
        with _opened(file) as data:
            _check_measures(file, data.metadata)
            self._stored = list(data.schema_arrow.names)
            first = next(data.iter_batches(_SAMPLE_ROWS), None)
        self.names = unique_names(self._stored)
        columns = first.columns if first is not None else [pa.array([], pa.string()) for _ in self.names]
        self.sample: Mapping[str, Sequence[str]] = {
            name: _texts(column) for name, column in zip(self.names, columns, strict=True)
        }

    def parts(self, columns: Collection[str]) -> Iterator[Table]:
        """Yield all rows in parts, with these columns in their types."""
        places = [i for i, name in enumerate(self.names) if name in columns]
        wanted = [self._stored[i] for i in places]
        are_unique = len(set(self._stored)) == len(self._stored)
        first = 0
        with _opened(self.file) as data:
            for batch in data.iter_batches(_PART_ROWS, columns=wanted if are_unique else None):
                part = pa.Table.from_batches([batch]).select(wanted if are_unique else places)
                yield _part(part.rename_columns([self.names[i] for i in places]), first)
                first += part.num_rows


@contextmanager
def _opened(file: Path) -> Iterator[pq.ParquetFile]:
    try:
        with open_regular(file) as handle:
            _check_footer(file, handle)
        # Not read_table: a parent folder named `symbol=SPY` would add a column. Without the reading ahead of
        # whole row groups, whatever their size.
        with pq.ParquetFile(
            file, buffer_size=_BUFFER, pre_buffer=False, page_checksum_verification=True
        ) as data:
            yield data
    except (pa.ArrowException, MemoryError, UnicodeDecodeError) as error:
        raise _damaged(file, str(error)) from error
    except OSError as error:
        if error.errno is None:
            raise _damaged(file, str(error)) from error
        raise UnreadableFileError(file, f"cannot be read ({cause_of(error)})") from error


def _damaged(file: Path, fault: str) -> UnreadableFileError:
    return UnreadableFileError(file, f"not a Parquet file, or damaged ({fault}); download it again")


def _check_footer(file: Path, handle: BinaryIO) -> None:
    # Before the footer is read: its size is that of the memory it takes.
    head, size = handle.read(4), handle.seek(0, os.SEEK_END)
    handle.seek(max(0, size - 8))
    tail = handle.read(8)
    if head != _MAGIC or tail[4:] != _MAGIC:
        raise _damaged(file, "it does not begin and end with PAR1")
    length = int.from_bytes(tail[:4], "little")
    if length > size:
        raise _damaged(file, "its footer is longer than the file")
    if length > _LARGEST_FOOTER:
        raise UnreadableFileError(
            file, f"its description of columns and row groups has {length >> 20:,} MB; write it with fewer"
        )


def _check_measures(file: Path, metadata: pq.FileMetaData) -> None:
    if metadata.num_columns > MOST_COLUMNS:
        raise UnreadableFileError(
            file, f"{metadata.num_columns:,} columns: a table of bars has at most {MOST_COLUMNS:,}"
        )
    size = file.stat().st_size
    unpacked = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    if metadata.num_rows > max(_FREE_ROWS, size * _MOST_ROWS_PER_BYTE) or unpacked > max(
        FREE_BYTES, size * MOST_EXPANSION
    ):
        raise UnreadableFileError(
            file,
            f"{metadata.num_rows:,} rows in {size:,} bytes: this is not a table of bars, or it is damaged",
        )


def _part(data: pa.Table, first: int) -> Table:
    def texts(wanted: Iterable[int]) -> Mapping[int, tuple[int, str]]:
        return {row: (row + 1, _text(data, row - first)) for row in wanted}

    return Table(data, np.arange(first, first + data.num_rows, dtype=np.int64), {}, texts)


def _text(data: pa.Table, row: int) -> str:
    return ", ".join(f"{name}={value}" for name, value in data.slice(row, 1).to_pylist()[0].items())


def _texts(column: pa.Array) -> list[str]:
    try:
        texts = column.cast(pa.string())
    except pa.ArrowException:
        return ["" if value is None else str(value) for value in column.to_pylist()]
    return [text or "" for text in texts.to_pylist()]
