"""Which kind of store a location holds, and what is wrong with those that hold none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from tapedeck.engine.errors import StoreError, nearest

if TYPE_CHECKING:
    from tapedeck.engine.store.bar_store import BarStore

DATABASE_SUFFIXES: Final = (".db", ".sqlite", ".sqlite3")


def open_store(location: Path | str, *, create: bool = False) -> BarStore:
    """Open the bars at `location`: a `.db` file is an SQLite store, a folder a Parquet store.

    With `create`, a place where nothing is yet is made into a store: a file where the name ends in `.db`,
    `.sqlite` or `.sqlite3`, else a folder. Raises StoreError that says what stands in the way.
    """
    path = Path(location).expanduser()
    is_database = path.suffix.lower() in DATABASE_SUFFIXES
    _check_place(path, is_database=is_database, create=create)
    # Imported late: neither kind of store should cost a start that needs the other, or none.
    if is_database:
        from tapedeck.engine.store.sqlite_store import SqliteStore  # noqa: PLC0415

        return SqliteStore(path, create=create)
    from tapedeck.engine.store.parquet_store import ParquetStore  # noqa: PLC0415

    return ParquetStore(path, create=create)


def _check_place(path: Path, *, is_database: bool, create: bool) -> None:
    try:
        is_folder, is_there = path.is_dir(), path.exists()
    except OSError as error:
        raise StoreError(
            f"{path} cannot be reached: {error.strerror}. Check the permissions of its folders"
        ) from error
    if is_folder and is_database:
        raise StoreError(
            f"{path} is a folder, though its name is that of a database file: rename it without "
            f"{path.suffix!r} if it holds Parquet bars, or name a file"
        )
    if is_there and not is_folder and not is_database:
        raise StoreError(
            f"{path} is a file of another kind: bars are kept in a file that ends in "
            f"{', '.join(DATABASE_SUFFIXES)}, or in a folder of Parquet files. "
            "To bring its bars into a store, use `tapedeck import ... --store PATH`"
        )
    if not is_there and not create:
        raise StoreError(
            f"{path} does not exist.{_hint(path)} To make it, import bars: "
            f"`tapedeck import ... --store {path}`"
        )
    if not is_there and not is_database and path.suffix:
        raise StoreError(
            f"{path} would be a store of no known kind: a database file ends in "
            f"{', '.join(DATABASE_SUFFIXES)}, a folder of Parquet files has no suffix"
        )


def _hint(path: Path) -> str:
    try:
        siblings = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return ""
    near = nearest(path.name, siblings)
    return f" Did you mean {str(path.with_name(near))!r}?" if near else ""
