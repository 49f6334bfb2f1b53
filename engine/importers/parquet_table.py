"""Columns of a Parquet file, with the index of a pandas frame as one of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tapedeck.engine.importers.file_rows import UnreadableFileError
from tapedeck.engine.importers.table_rows import Table


def read_parquet_table(file: Path) -> Table:
    """Return all rows of a Parquet file; an unnamed index of times is named `timestamp`."""
    try:
        # ParquetFile, not read_table: a parent folder named `symbol=SPY` would add a column.
        data = pq.ParquetFile(file).read()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise UnreadableFileError(
            file, f"not a Parquet file, or damaged ({error}); download it again"
        ) from error
    except OSError as error:
        raise UnreadableFileError(file, f"cannot be read ({error.strerror or error})") from error
    data = data.rename_columns([_name(name, data) for name in data.column_names])

    def texts(wanted: Iterable[int]) -> Mapping[int, tuple[int, str]]:
        return {row: (row + 1, _text(data, row)) for row in wanted}

    return Table(data, np.arange(data.num_rows, dtype=np.int64), {}, texts)


def _name(name: str, data: pa.Table) -> str:
    if name == "__index_level_0__" and pa.types.is_temporal(data.schema.field(name).type):
        return "timestamp" if "timestamp" not in data.column_names else name
    return name


def _text(data: pa.Table, row: int) -> str:
    return ", ".join(f"{name}={value}" for name, value in data.slice(row, 1).to_pylist()[0].items())
