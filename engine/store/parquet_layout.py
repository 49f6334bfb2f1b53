"""File layout of a Parquet store: `interval=1m/symbol=SPY/2013.parquet` under one folder."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import numpy as np

from tapedeck.engine.errors import StoreError, SymbolRefusedError, cause_of
from tapedeck.engine.intervals import BASE_INTERVALS, Interval
from tapedeck.engine.store.bar_diff import COLUMN_NAMES
from tapedeck.engine.store.bar_store import Ints
from tapedeck.engine.store.quote_columns import QUOTE_COLUMN_NAMES

FORMAT: Final = "tapedeck-bars"
FORMAT_VERSION: Final = 2
"""Version of new stores: all files have checks. In version 1, some or all have none."""

QUOTES_FOLDER: Final = "_quotes"
"""Folder of the quotes, with the layout of the bars; readers of partitioned data sets pass over it."""

_MARKER: Final = "tapedeck.json"
_OF_QUOTES: Final = f"{QUOTES_FOLDER}/"
_SUFFIX: Final = ".parquet"
_WHOLE: Final = "all" + _SUFFIX
# Without lower-case letters: on a disk that ignores case, `BRKb` and `BRKB` would be one folder.
_PLAIN: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
_FEW_YEARS: Final = 3
_EARLIEST, _LATEST, _LAST_YEAR = -62135596800, 253402300799, 9999  # the years 1 to 9999
ALL_TIMES: Final = (_EARLIEST, _LATEST + 1)
"""Range that holds the times of all bars, in seconds."""

_FEWEST_BYTES_OF_NAME: Final = 128  # that any disk allows
_SHOWN_OF_SYMBOL: Final = 40
_MOST_BYTES_OF_NAME: Final = 255  # of one file, where the disk does not say


def encoded(symbol: str) -> str:
    """Return the symbol for a file name: percent-encoded except for `A-Z 0-9 - _ .`; a final dot as well."""
    text = "".join(
        character if character in _PLAIN else "".join(f"%{byte:02X}" for byte in character.encode())
        for character in symbol
    )
    return f"{text[:-1]}%2E" if text.endswith(".") else text


@lru_cache(maxsize=4096)  # used at every read
def series_folder(symbol: str, interval: Interval) -> str:
    """Return the folder of one symbol and base interval, relative to the store."""
    return f"interval={interval}/symbol={encoded(symbol)}"


def check_symbol_fits(root: Path, symbol: str) -> None:
    """Raise SymbolRefusedError if a symbol is too long for the name of a folder on the store's disk."""
    name = f"symbol={encoded(symbol)}"
    if len(name) <= _FEWEST_BYTES_OF_NAME:
        return
    try:
        most = os.pathconf(root, "PC_NAME_MAX")
    except (OSError, ValueError, AttributeError):
        most = _MOST_BYTES_OF_NAME
    if len(name) > most:
        shown = symbol if len(symbol) <= _SHOWN_OF_SYMBOL else f"{symbol[:_SHOWN_OF_SYMBOL]}…"
        raise SymbolRefusedError(
            f"symbol {shown!r} is too long for a file name on this disk: {len(name)} bytes, at most {most}. "
            "Use a shorter one, or a `.db` store"
        )


def interval_of(path: str) -> Interval:
    """Return the interval of a file by its path below the store."""
    return Interval.parse(path.removeprefix(_OF_QUOTES).split("/", 1)[0].removeprefix("interval="))


def names_of(path: str) -> tuple[str, ...]:
    """Return the names of the columns of a file by its path below the store."""
    return QUOTE_COLUMN_NAMES if path.startswith(_OF_QUOTES) else COLUMN_NAMES


def stored_series(root: Path) -> Iterator[tuple[str, Interval]]:
    """Yield symbol and interval of every series with a file, in no order; other files are skipped."""
    for interval in BASE_INTERVALS:
        for entry in _entries(root / f"interval={interval}"):
            symbol = unquote(entry.removeprefix("symbol="))
            folder = series_folder(symbol, interval) if symbol else ""
            if folder.endswith(f"/{entry}") and _has_files(root / folder):
                yield symbol, interval


def stored_intervals(root: Path, symbol: str) -> frozenset[Interval]:
    """Return the intervals of a symbol's series that have a file."""
    return frozenset(
        interval for interval in BASE_INTERVALS if _has_files(root / series_folder(symbol, interval))
    )


def _has_files(folder: Path) -> bool:
    return any(name.endswith(_SUFFIX) for name in _entries(folder))


def file_names(opened_at: Ints, interval: Interval) -> list[tuple[str, slice]]:
    """Return the file of each run of bars: one per year (UTC), or one for all daily bars."""
    if not interval.is_intraday:
        return [(_WHOLE, slice(0, len(opened_at)))]
    years = opened_at.view("M8[s]").astype("M8[Y]").astype(np.int64) + 1970
    bounds = [0, *(np.flatnonzero(np.diff(years)) + 1).tolist(), len(years)]
    return [(f"{years[first]:04d}{_SUFFIX}", slice(first, after)) for first, after in pairwise(bounds)]


def candidates(folder: str, interval: Interval, start: int, end: int) -> list[str]:
    """Return the paths of files that may hold bars of `[start, end)`, oldest first; some may not exist."""
    names = _names_of(interval, start, end)
    if names is not None:
        return [f"{folder}/{name}" for name in names]
    first, last = _year(start), _year(end - 1)
    found = sorted(name for name in _entries(folder) if _is_year(name.removesuffix(_SUFFIX)))
    return [f"{folder}/{name}" for name in found if first <= int(name.removesuffix(_SUFFIX)) <= last]


def bounds_of_file(path: str, interval: Interval) -> tuple[int, int]:
    """Return the range of times (seconds) of the bars that a file may hold."""
    if not interval.is_intraday:
        return ALL_TIMES
    year = int(os.path.basename(path).removesuffix(_SUFFIX))
    first = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    return first, int(datetime(year + 1, 1, 1, tzinfo=UTC).timestamp()) if year < _LAST_YEAR else _LATEST + 1


def spans_files(interval: Interval, start: int, end: int) -> bool:
    """Whether the bars of `[start, end)` may be in more than one file."""
    names = _names_of(interval, start, end)
    return names is None or len(names) > 1


@lru_cache(maxsize=64)  # a scan uses the same range for every symbol
def _names_of(interval: Interval, start: int, end: int) -> tuple[str, ...] | None:
    """Return the names of the few files of a short range; None if listing the folder is faster."""
    if start >= end:
        return ()
    if not interval.is_intraday:
        return (_WHOLE,)
    first, last = _year(start), _year(end - 1)
    if last - first >= _FEW_YEARS:
        return None
    return tuple(f"{year:04d}{_SUFFIX}" for year in range(first, last + 1))


def check_marker(root: Path) -> int:
    """Return the version of a store; StoreError unless the folder's marker file is that of a known one."""
    path = root / _MARKER
    try:
        marker = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _no_store(root) from None
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{path} cannot be read ({error}): check its permissions, or restore it: {_marker_text().strip()}"
        ) from error
    if not isinstance(marker, dict) or marker.get("format") != FORMAT:
        raise StoreError(f"{path} is not from tapedeck: use another folder for the store")
    version = marker.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise StoreError(
            f"{path} is damaged: its version is {version!r}. Restore it: {_marker_text().strip()}"
        )
    if version > FORMAT_VERSION:
        raise StoreError(
            f"{root} was made by a newer tapedeck (format {version} in {_MARKER}; this one reads "
            f"{FORMAT_VERSION}): upgrade tapedeck, or use another folder"
        )
    return version


def make_marker(root: Path) -> None:
    """Make the folder a store if it is empty."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        if (root / _MARKER).exists() or _foreign_entries(root):
            return
        write_marker(root)
    except OSError as error:
        raise StoreError(
            f"{root} cannot become a store: {cause_of(error)}. Use a folder that you can write to"
        ) from error


def write_marker(root: Path) -> None:
    """Write the marker of a store of this version."""
    # Written to a temporary file first, so that the marker is never incomplete.
    draft = root / f"{_MARKER}.{os.getpid()}.{threading.get_ident()}"
    draft.write_text(_marker_text(), encoding="utf-8")
    os.replace(draft, root / _MARKER)


def is_store(root: Path) -> bool:
    """Whether the folder is there, with its marker."""
    return os.path.exists(root / _MARKER)


def _marker_text() -> str:
    return json.dumps({"format": FORMAT, "version": FORMAT_VERSION}) + "\n"


def _no_store(root: Path) -> StoreError:
    if _foreign_entries(root):
        return StoreError(
            f"{root} is a folder with other files, not a store: use a store, or a new or empty folder. "
            "To import files into a store, use `tapedeck import ... --store PATH`"
        )
    return StoreError(
        f"{root} is empty: it has no stored bars. Import some with `tapedeck import ... --store {root}`"
    )


def _foreign_entries(root: Path) -> list[str]:
    # Without the marker, and drafts of it by other processes.
    return [name for name in os.listdir(root) if not name.startswith(_MARKER)]


def _year(opened_at: int) -> int:
    bounded = max(min(opened_at, _LATEST), _EARLIEST)
    return datetime.fromtimestamp(bounded, UTC).year


def _is_year(text: str) -> bool:
    return len(text) == 4 and text.isascii() and text.isdecimal()


def _entries(folder: Path | str) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
