"""Source of a table: its columns, its first rows, and all rows in parts, for CSV and Parquet files alike."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from tapedeck.engine.importers.file_rows import RowTexts
from tapedeck.engine.store.bar_store import Ints


@dataclass(frozen=True, slots=True)
class Table:
    """A part of a table: columns, the positions of their rows in the file, shape (n,), and faults of others.

    The keys of `faults` and the values of `rows` are positions from 0 over all parts.
    """

    data: pa.Table
    rows: Ints
    faults: Mapping[int, str]
    texts: RowTexts


class TableSource(Protocol):
    """A table in a file: what is known before its rows are read, and the rows in parts of bounded size."""

    @property
    def file(self) -> Path:
        """The file, or the path of a member in a zip file."""

    @property
    def names(self) -> Sequence[str]:
        """Names of the columns without repetitions, or positions ("1", "2", ...) where it has none."""

    @property
    def has_names(self) -> bool:
        """Whether the file names its columns."""

    @property
    def sample(self) -> Mapping[str, Sequence[str]]:
        """Texts of the first rows by column; none of them may be missing a field."""

    @property
    def notes(self) -> Sequence[str]:
        """Sentences on what was left out."""

    def parts(self, columns: Collection[str]) -> Iterator[Table]:
        """Yield all rows in parts, with these columns; raises UnreadableFileError."""
