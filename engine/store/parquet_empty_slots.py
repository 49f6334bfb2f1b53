"""Confirmed-empty slots of a Parquet store: a JSON file for each symbol and interval that has some.

`_empty/interval=1m/symbol=SPY.json`, in a folder that readers of partitioned data sets pass over; without the
folder, a store has no facts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import xxhash

from tapedeck.engine.errors import StoreDamagedError
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_store import EmptySlots, Ints
from tapedeck.engine.store.damage import Damage
from tapedeck.engine.store.empty_slots import HOW_TO_DROP, joined_slots, slots_of_row
from tapedeck.engine.store.parquet_files import Identity, identity_of, unreadable
from tapedeck.engine.store.parquet_layout import series_folder

_FOLDER: Final = "_empty"


def slots_file(symbol: str, interval: Interval) -> str:
    """Return the file of a series' facts, relative to the store."""
    return f"{_FOLDER}/{series_folder(symbol, interval)}.json"


def slots_text(times: Ints) -> bytes:
    """Return the content of a file of facts; nothing without facts, for which there is no file."""
    if not len(times):
        return b""
    listed = times.tolist()
    return (json.dumps({"opened_at": listed, "check": _check_of(listed)}) + "\n").encode()


def read_slots(path: Path) -> Ints:
    """Return the facts of a file, ascending; none if it does not exist.

    Raises StoreDamagedError if they are not those that were written.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return np.empty(0, np.int64)
    except OSError as error:
        raise unreadable(str(path), error) from error
    try:
        document = json.loads(content)
        listed = document["opened_at"]
        if content != slots_text(np.array(listed, np.int64)):
            raise ValueError("it differs from its checksum")
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        store = path.parent.parent.parent
        raise StoreDamagedError(
            f"{path} is damaged, or was changed by another program: {error}. To drop its facts, so that "
            f"their slots count as missing again: `tapedeck store verify --accept --store {store}`",
            file=str(path),
        ) from error
    return np.array(listed, np.int64)


class SlotsFiles:
    """The facts of a store as read last; a replaced file is read again."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = str(root / _FOLDER)
        self._known: dict[str, tuple[Identity, Ints]] = {}

    def between(self, symbols: Sequence[str], interval: Interval, start: int, end: int) -> EmptySlots:
        """Return the facts with `start <= opened_at < end`."""
        if not os.path.exists(self._folder):
            return joined_slots([])
        parts: list[EmptySlots] = []
        for row, symbol in enumerate(symbols):
            times = self._times(slots_file(symbol, interval))
            low, high = times.searchsorted((start, end)).tolist()
            if low < high:
                parts.append(slots_of_row(row, times[low:high]))
        return joined_slots(parts)

    def damage(self) -> Iterator[Damage]:
        """Yield the damage of each file."""
        for path in self.paths():
            try:
                read_slots(path)
            except StoreDamagedError as error:
                yield Damage(str(path), f"{error.__cause__ or error}; {HOW_TO_DROP}")

    def paths(self) -> list[Path]:
        """Return the path of each file."""
        return sorted(Path(self._folder).glob("interval=*/*.json"))

    def clear(self) -> None:
        """Drop what was read."""
        self._known.clear()

    def _times(self, name: str) -> Ints:
        path = self._root / name
        try:
            identity = identity_of(os.stat(path))
        except FileNotFoundError:
            return np.empty(0, np.int64)
        except OSError as error:
            raise unreadable(str(path), error) from error
        known = self._known.get(name)
        if known is None or known[0] != identity:
            known = self._known[name] = identity, read_slots(path)
        return known[1]


def _check_of(times: list[int]) -> str:
    return xxhash.xxh3_64_hexdigest(json.dumps(times).encode())
