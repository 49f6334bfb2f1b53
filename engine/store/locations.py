"""Store locations: opens the store at a path, or explains why it is not one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from tapedeck.engine.errors import StoreError, cause_of, did_you_mean, nearest
from tapedeck.engine.user_path import expanded

if TYPE_CHECKING:
    from tapedeck.engine.store.checked_store import CheckedStore

DATABASE_SUFFIXES: Final = (".db", ".sqlite", ".sqlite3")


def open_store(location: Path | str, *, create: bool = False, read_only: bool = False) -> CheckedStore:
    """Open the store at `location`: a `.db` file is an SQLite store, a folder a Parquet store.

    With `create`, a path that does not exist becomes a store: a file if the name ends in `.db`, `.sqlite` or
    `.sqlite3`, else a folder. With `read_only`, no file of the store is changed. Raises StoreError with the
    reason.
    """
    path = expanded(location)
    is_database = path.suffix.lower() in DATABASE_SUFFIXES
    _check_encoding(path)
    _check_path(path, is_database=is_database, create=create)
    # Imported late, so that a start does not pay for a kind of store that it does not use.
    if is_database:
        from tapedeck.engine.store.sqlite_store import SqliteStore  # noqa: PLC0415

        return SqliteStore(path, create=create, read_only=read_only)
    from tapedeck.engine.store.parquet_store import ParquetStore  # noqa: PLC0415

    return ParquetStore(path, create=create, read_only=read_only)


def _check_encoding(path: Path) -> None:
    """Raise StoreError for a path that is not UTF-8: neither SQLite's nor Arrow's drivers can open it."""
    try:
        str(path.absolute()).encode("utf-8")
    except UnicodeEncodeError:
        raise StoreError(
            f"invalid store path {str(path)!r}: it is not UTF-8; rename the file or folder"
        ) from None


def _check_path(path: Path, *, is_database: bool, create: bool) -> None:
    try:
        is_folder, exists = path.is_dir(), path.exists()
    except OSError as error:
        raise StoreError(
            f"{path} cannot be reached: {cause_of(error)}. Check the permissions of its folders"
        ) from error
    if is_folder and is_database:
        raise StoreError(
            f"{path} is a folder with the name of a database file: rename it without "
            f"{path.suffix!r} if it holds Parquet bars, or use the path of a file"
        )
    if exists and not is_folder and not is_database:
        raise StoreError(
            f"{path} is not a store: a store is a file that ends in "
            f"{', '.join(DATABASE_SUFFIXES)}, or a folder of Parquet files. "
            "To import its bars, use `tapedeck import ... --store PATH`"
        )
    if not exists and not create:
        raise StoreError(
            f"{path} does not exist.{_hint(path)} To create it, import bars: "
            f"`tapedeck import ... --store {path}`"
        )
    if not exists and not is_database and path.suffix:
        raise StoreError(
            f"invalid store name {path}: a database file ends in "
            f"{', '.join(DATABASE_SUFFIXES)}, a folder of Parquet files has no suffix"
        )


def _hint(path: Path) -> str:
    try:
        siblings = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return ""
    near = nearest(path.name, siblings)
    return did_you_mean(near and str(path.with_name(near)))
