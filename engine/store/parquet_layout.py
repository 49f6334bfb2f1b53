"""Where a Parquet store keeps what: `interval=1m/symbol=SPY/2013.parquet` under one folder."""

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

from tapedeck.engine.errors import StoreError
from tapedeck.engine.intervals import BASE_INTERVALS, Interval
from tapedeck.engine.store.bar_store import Ints

FORMAT: Final = "tapedeck-bars"
FORMAT_VERSION: Final = 1

_MARKER: Final = "tapedeck.json"
_SUFFIX: Final = ".parquet"
_WHOLE: Final = "all" + _SUFFIX
# Lower-case letters are not among them: on a disk that ignores case, `BRKb` and `BRKB` would be one folder.
_PLAIN: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
_FEW_YEARS: Final = 3


def encoded(symbol: str) -> str:
    """Return the symbol as a part of a file name: all but `A-Z 0-9 - _ .` percent-encoded, a last dot too."""
    text = "".join(
        character if character in _PLAIN else "".join(f"%{byte:02X}" for byte in character.encode())
        for character in symbol
    )
    return f"{text[:-1]}%2E" if text.endswith(".") else text


@lru_cache(maxsize=4096)  # asked for at every read
def series_folder(symbol: str, interval: Interval) -> str:
    """Return the folder, below the store's, that holds the files of one symbol and base interval."""
    return f"interval={interval}/symbol={encoded(symbol)}"


def stored_series(root: Path) -> Iterator[tuple[str, Interval]]:
    """Give symbol and interval of every series that has a file, in no order; pass over the foreign."""
    for interval in BASE_INTERVALS:
        for entry in _entries(root / f"interval={interval}"):
            symbol = unquote(entry.removeprefix("symbol="))
            folder = series_folder(symbol, interval) if symbol else ""
            if folder.endswith(f"/{entry}") and any(
                name.endswith(_SUFFIX) for name in _entries(root / folder)
            ):
                yield symbol, interval


def file_names(opened_at: Ints, interval: Interval) -> list[tuple[str, slice]]:
    """Return the file that each run of bars belongs to: one a year (UTC), or one for all daily bars."""
    if not interval.is_intraday:
        return [(_WHOLE, slice(0, len(opened_at)))]
    years = opened_at.view("M8[s]").astype("M8[Y]").astype(np.int64) + 1970
    bounds = [0, *(np.flatnonzero(np.diff(years)) + 1).tolist(), len(years)]
    return [(f"{years[first]:04d}{_SUFFIX}", slice(first, after)) for first, after in pairwise(bounds)]


def candidates(folder: str, interval: Interval, start: int, end: int) -> list[str]:
    """Return the paths of the files that may hold bars of `[start, end)`, oldest first; not all exist."""
    names = _names_of(interval, start, end)
    if names is not None:
        return [f"{folder}/{name}" for name in names]
    first, last = _year(start), _year(end - 1)
    found = sorted(name for name in _entries(folder) if _is_year(name.removesuffix(_SUFFIX)))
    return [f"{folder}/{name}" for name in found if first <= int(name.removesuffix(_SUFFIX)) <= last]


def spans_files(interval: Interval, start: int, end: int) -> bool:
    """Whether the bars of `[start, end)` may be in more than one file."""
    names = _names_of(interval, start, end)
    return names is None or len(names) > 1


@lru_cache(maxsize=64)  # a scan asks for the same range with every symbol
def _names_of(interval: Interval, start: int, end: int) -> tuple[str, ...] | None:
    """Return the names of the few files of a short range; None where listing the folder is quicker."""
    if start >= end:
        return ()
    if not interval.is_intraday:
        return (_WHOLE,)
    first, last = _year(start), _year(end - 1)
    if last - first >= _FEW_YEARS:
        return None
    return tuple(f"{year:04d}{_SUFFIX}" for year in range(first, last + 1))


def check_marker(root: Path) -> None:
    """Raise StoreError unless the folder says that it is a store, of a version this tapedeck knows."""
    try:
        marker = json.loads((root / _MARKER).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _no_store(root) from None
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{root / _MARKER} cannot be read ({error}): check its permissions, or restore it"
        ) from error
    if not isinstance(marker, dict) or marker.get("format") != FORMAT:
        raise StoreError(
            f"{root / _MARKER} is not of tapedeck: name another folder, and it will be made a store"
        )
    version = marker.get("version")
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise StoreError(
            f"{root} was made by a newer tapedeck (format {version}; this one knows {FORMAT_VERSION}): "
            "upgrade tapedeck, or name another folder"
        )


def make_marker(root: Path) -> None:
    """Make the folder a store, if there is nothing in it yet."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        if (root / _MARKER).exists() or _foreign_entries(root):
            return
        # Written aside, so that whoever opens the folder at this moment finds all of it, or nothing.
        aside = root / f"{_MARKER}.{os.getpid()}.{threading.get_ident()}"
        aside.write_text(json.dumps({"format": FORMAT, "version": FORMAT_VERSION}) + "\n", encoding="utf-8")
        os.replace(aside, root / _MARKER)
    except OSError as error:
        raise StoreError(
            f"{root} cannot be made a store: {error.strerror}. Name a place where you may write"
        ) from error


def _no_store(root: Path) -> StoreError:
    if _foreign_entries(root):
        return StoreError(
            f"{root} is a folder with other things in it, and no store of bars: name a store, or a folder "
            "that is new or empty. To bring files into a store, use `tapedeck import ... --store PATH`"
        )
    return StoreError(
        f"{root} is empty: no bars were ever stored in it. Fill it with `tapedeck import ... --store {root}`"
    )


def _foreign_entries(root: Path) -> list[str]:
    # Markers do not count, nor those that another process is just writing aside.
    return [name for name in os.listdir(root) if not name.startswith(_MARKER)]


def _year(opened_at: int) -> int:
    bounded = max(min(opened_at, 253402300799), -62135596800)  # the years 1 to 9999
    return datetime.fromtimestamp(bounded, UTC).year


def _is_year(text: str) -> bool:
    return len(text) == 4 and text.isascii() and text.isdecimal()


def _entries(folder: Path | str) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
