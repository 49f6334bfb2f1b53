"""Answers of an SQLite database to queries, through either library, as rows or arrays."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tapedeck.engine.store.bar_diff import VALUE_NAMES
from tapedeck.engine.store.sqlite_connections import ArrowConnection, damaged

if TYPE_CHECKING:
    import pyarrow as pa


class Answers(Protocol):
    """Answers to queries of one transaction. Raises StoreDamagedError for values of a wrong type."""

    def rows(self, sql: str) -> list[Any]:
        """Return the result as rows."""
        ...

    def columns(self, sql: str) -> list[Any]:
        """Return the result as arrays: float64 for prices and volume, int64 for other columns."""
        ...


@dataclass(frozen=True, slots=True)
class NativeAnswers:
    """Answers through the sqlite3 module."""

    path: Path
    connection: sqlite3.Connection

    def rows(self, sql: str) -> list[Any]:
        """Return the result as rows."""
        return self.connection.execute(sql).fetchall()

    def columns(self, sql: str) -> list[Any]:
        """Return the result as arrays."""
        with wrong_types_explained(self.path):
            return native_columns(self.connection, sql)


@dataclass(frozen=True, slots=True)
class ArrowAnswers:
    """Answers through ADBC."""

    path: Path
    connection: ArrowConnection

    def rows(self, sql: str) -> list[Any]:
        """Return the result as rows."""
        with wrong_types_explained(self.path):
            table = self.connection.query(sql).read_all()
            return list(zip(*(column.to_pylist() for column in table.columns), strict=True))

    def columns(self, sql: str) -> list[Any]:
        """Return the result as arrays."""
        with wrong_types_explained(self.path):
            table = self.connection.query(sql).read_all()
            if not len(table):  # the columns of an empty result have no types
                return [np.empty(0, _type_of(name)) for name in table.column_names]
            return arrays_of(table.column_names, table.columns)


Read = Callable[[Answers], Any]


def native_columns(
    connection: sqlite3.Connection, sql: str, parameters: Sequence[int | str] = ()
) -> list[Any]:
    """Return the result of a query as arrays, as `Answers.columns`."""
    cursor = connection.execute(sql, parameters)
    types = [(name, _type_of(name)) for name, *_ in cursor.description]
    table = np.fromiter(cursor, np.dtype(types))
    return [np.ascontiguousarray(table[name]) for name, _ in types]


def arrays_of(names: Sequence[str], columns: Sequence[pa.Array]) -> list[Any]:
    """Return columns as arrays, without a copy; TypeError if one has another type than its name asks for."""
    arrays = [column.to_numpy() for column in columns]
    for name, array in zip(names, arrays, strict=True):
        if array.dtype != _type_of(name):
            raise TypeError(f"{name} has values of type {array.dtype}")
    return arrays


@contextmanager
def wrong_types_explained(path: Path) -> Iterator[None]:
    """Turn errors of values of a wrong type into StoreDamagedErrors about `path`."""
    try:
        yield
    except (TypeError, ValueError, OverflowError) as error:
        raise damaged(path, str(error).splitlines()[0] if str(error) else type(error).__name__) from error


def _type_of(name: str) -> type[np.float64] | type[np.int64]:
    return np.float64 if name in VALUE_NAMES else np.int64
