"""Table reader: reads a CSV file in pieces, every field as text, with each row's line."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from tapedeck.engine.export.validation.report import FindingLog
from tapedeck.engine.tape.bar_grid import Floats, Ints, Mask

# Approximate number of bytes read at once.
_BYTES_AT_ONCE: Final = 2**23


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive rows of a table: `lines` int64 (n,), and each column as text."""

    lines: Ints
    columns: dict[str, Any]

    def codes(self, name: str) -> tuple[Ints, list[str]]:
        """Return a column as positions in the list of its distinct texts."""
        encoded = pc.dictionary_encode(self.columns[name])
        return encoded.indices.to_numpy().astype(np.int64), encoded.dictionary.to_pylist()

    def texts(self, name: str) -> list[str]:
        """Return a column as texts."""
        texts: list[str] = self.columns[name].to_pylist()
        return texts

    def empty(self, name: str) -> Mask:
        """Return where a column is empty, bool (n,)."""
        empty: Mask = pc.equal(self.columns[name], "").to_numpy(zero_copy_only=False)
        return empty

    def numbers(self, name: str) -> Floats:
        """Return a column as numbers; NaN for invalid and empty ones."""
        column = self.columns[name]
        filled = pc.if_else(pc.equal(column, ""), pa.scalar("nan"), column)
        try:
            values: Floats = pc.cast(filled, pa.float64()).to_numpy()
        except pa.ArrowInvalid:
            values = np.array([_number(text) for text in self.texts(name)], dtype=np.float64)
        return values


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


class TableReader:
    """One CSV file of an export; a missing file has no rows, and is reported by the manifest's check."""

    def __init__(self, path: Path, header: Sequence[str], log: FindingLog) -> None:
        self.name = path.name
        self.rows = 0
        self._path = path
        self._header = tuple(header)
        self._log = log

    def pieces(self) -> Iterator[Piece]:
        """Yield the rows in pieces; lines that are not rows of this table are findings, and left out."""
        if not self._path.is_file():
            return
        with self._path.open("rb") as file:
            head = file.readline()
            if not self._header_is_right(head):
                return
            line, last = 2, head
            while lines := file.readlines(_BYTES_AT_ONCE):
                piece = self._parse(lines, line)
                if piece is None:
                    return
                yield piece
                line, last = line + len(lines), lines[-1]
                self.rows += len(lines)
            if not last.endswith(b"\n"):
                self._log.add(self.name, line - 1, "the last line has no line end: the file is truncated")

    def _header_is_right(self, head: bytes) -> bool:
        found = head.decode("utf-8", "replace").rstrip("\n")
        required = ",".join(self._header)
        if found == required:
            return True
        self._log.add(self.name, 1, f"the header is {found!r}, but should be {required!r}")
        return False

    def _parse(self, lines: Sequence[bytes], first: int) -> Piece | None:
        """Return the lines as a piece, or None if they cannot be read; `first`: number of the first line."""
        data = b"".join(lines)
        if not self._is_plain_text(data, first):
            return None
        table, skipped = self._read(data, first)
        numbers = np.delete(np.arange(first, first + len(lines)), skipped)
        if len(numbers) != len(table):
            self._log.add(self.name, first, "cannot be read from here on: a quote is not closed")
            return None
        columns = {name: table.column(name).combine_chunks() for name in self._header}
        return Piece(numbers, columns)

    def _is_plain_text(self, data: bytes, first: int) -> bool:
        try:
            data.decode()
        except UnicodeDecodeError as error:
            line = first + data.count(b"\n", 0, error.start)
            self._log.add(self.name, line, "cannot be read from here on: the line is not UTF-8 text")
            return False
        if b"\r" in data:
            line = first + data.count(b"\n", 0, data.index(b"\r"))
            message = "the line has a carriage return: lines must end with a line feed alone"
            self._log.add(self.name, line, message)
        return True

    def _read(self, data: bytes, first: int) -> tuple[Any, list[int]]:
        """Return the rows with as many fields as the header, and the positions of the others."""
        skipped: list[int] = []

        def skip(row: Any) -> str:  # noqa: ANN401 - pyarrow ships no types
            skipped.append(row.number - 1)
            message = f"has {row.actual_columns} fields, not {row.expected_columns}: {row.text[:80]!r}"
            self._log.add(self.name, first + row.number - 1, message)
            return "skip"

        table = csv.read_csv(
            io.BytesIO(data),
            read_options=csv.ReadOptions(
                column_names=self._header, use_threads=False, block_size=len(data) + 1
            ),
            parse_options=csv.ParseOptions(
                invalid_row_handler=skip, ignore_empty_lines=False, newlines_in_values=False
            ),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(self._header, pa.string()), strings_can_be_null=False
            ),
        )
        return table, skipped
