"""Times that stand several times in one file: the first row counts, also where a later part repeats it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tapedeck.engine.importers.file_rows import FileRows, OtherColumns, UnclearFileError
from tapedeck.engine.importers.symbol_column import column_of_symbols
from tapedeck.engine.importers.validation import Mask
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_store import Ints

_CHUNK: Final = 4096
_FEWEST: Final = 2
_LEAST_SHARE: Final = 0.2
_MOST_PAIRS: Final = 100


class SeenTimes:
    """Times of one symbol in a file: a bit for each interval of the chunks of time that have any."""

    def __init__(self, interval: Interval) -> None:
        self._seconds = interval.seconds
        self._chunks: dict[int, NDArray[np.uint8]] = {}  # packed flags
        self._last: int | None = None

    def add(self, times: Ints) -> Mask | None:
        """Add times (on boundaries of the interval, oldest first, each once); return which were there before.

        None where none was.
        """
        if not len(times):
            return None
        slots = times // self._seconds
        is_later = self._last is None or int(slots[0]) > self._last
        last = int(slots[-1])
        self._last = last if self._last is None else max(last, self._last)
        chunks = slots // _CHUNK
        starts = np.flatnonzero(np.diff(chunks, prepend=chunks[:1] - 1))
        bounds = [*starts.tolist(), len(slots)]
        seen = np.zeros(len(slots), bool)
        for place, start in enumerate(starts.tolist()):
            chunk = int(chunks[start])
            packed = self._chunks.get(chunk)
            flags = np.zeros(_CHUNK, np.uint8) if packed is None else np.unpackbits(packed)
            own = slots[start : bounds[place + 1]] % _CHUNK
            if not is_later:
                seen[start : bounds[place + 1]] = flags[own] > 0
            flags[own] = 1
            self._chunks[chunk] = np.packbits(flags)
        return seen if not is_later and bool(seen.any()) else None

    def has(self, times: Ints) -> Mask:
        """Return which of the times (in any order) were added."""
        slots = times // self._seconds
        found = np.zeros(len(slots), bool)
        chunks = slots // _CHUNK
        for chunk in np.unique(chunks):
            packed = self._chunks.get(int(chunk))
            if packed is not None:
                own = chunks == chunk
                found[own] = np.unpackbits(packed)[slots[own] % _CHUNK] > 0
        return found


class FileRepeats:
    """Rows of one file that repeat the time of an earlier row of their symbol with other values."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, Interval], SeenTimes] = {}
        self._clashes: dict[tuple[str, Interval], SeenTimes] = {}
        self._times: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        self._pairs: dict[str, tuple[OtherColumns, OtherColumns, list[int], list[int]]] = {}
        self._first: tuple[OtherColumns, int] | None = None

    def seen_before(self, symbol: str, interval: Interval, times: Ints) -> Mask | None:
        """Add the times of good rows (oldest first, each once); return which an earlier part had, or None."""
        seen = self._seen.get((symbol, interval))
        if seen is None:
            seen = self._seen[symbol, interval] = SeenTimes(interval)
        found = seen.add(times)
        known = 0 if found is None else int(found.sum())
        self._times[symbol] = self._times.get(symbol, 0) + len(times) - known
        return found

    def add_clashes(self, symbol: str, interval: Interval, times: Ints) -> None:
        """Add times whose first row was refused, as the store has other values."""
        if len(times):
            self._clashes.setdefault((symbol, interval), SeenTimes(interval)).add(times)

    def clashed_before(self, symbol: str, interval: Interval, times: Ints) -> Mask:
        """Return the times whose first row, in an earlier part, was refused: no row of them is stored."""
        clashes = self._clashes.get((symbol, interval))
        return np.zeros(len(times), bool) if clashes is None else clashes.has(times)

    def count(self, rows: FileRows, symbol: str, repeats: Mapping[int, int | None]) -> None:
        """Count rows with the time of an earlier row and other values.

        `repeats`: their positions, with those of the earlier rows; None where it is in an earlier part.
        """
        self._counts[symbol] = self._counts.get(symbol, 0) + len(repeats)
        if rows.others is None or symbol in self._pairs or not repeats:
            return
        pairs = list(repeats.items())[:_MOST_PAIRS]
        inside = [(row, earlier) for row, earlier in pairs if earlier is not None]
        if inside:
            later, earlier_rows = [row for row, _ in inside], [earlier for _, earlier in inside]
            self._pairs[symbol] = rows.others, rows.others, later, earlier_rows
        elif self._first is not None:
            others, row = self._first
            self._pairs[symbol] = rows.others, others, [pairs[0][0]], [row]

    def begin(self, rows: FileRows) -> None:
        """Remember the first row of the file, which later parts are compared with."""
        if self._first is None and rows.others is not None and rows.series:
            self._first = rows.others, int(rows.series[0].rows[0])

    def check(self, rows: FileRows) -> None:
        """Raise UnclearFileError where the rows of one symbol are evidently those of several."""
        for symbol, count in self._counts.items():
            times = self._times.get(symbol, 0)
            if count >= _FEWEST and count >= _LEAST_SHARE * times:
                raise self._several(rows, symbol, count, times)

    def _several(self, rows: FileRows, symbol: str, count: int, times: int) -> UnclearFileError:
        column = self._telling_column(symbol)
        ways: Sequence[Mapping[str, str | None]] = ()
        hint = "If a column holds the symbols, name it with --column symbol=NAME; else split the file"
        if column is not None:
            hint = f"Column {column!r} tells the rows apart"
            if rows.reading is not None and rows.reading.columns.get("symbol", "").startswith("column "):
                hint += ": keep the rows of one of its values"
            else:
                ways = [{"--column": f"symbol={column}", "--symbol": None}]
        head = f"{count:,} rows of {symbol} have the time of an earlier row and other values"
        return UnclearFileError(rows.file, f"several symbols? {head} ({times:,} times in all). {hint}", ways)

    def _telling_column(self, symbol: str) -> str | None:
        if symbol not in self._pairs:
            return None
        later, earlier, rows, earlier_rows = self._pairs[symbol]
        ours, theirs = later(rows), earlier(earlier_rows)
        names = [name for name in ours if name in theirs]
        return column_of_symbols({name: (ours[name], theirs[name]) for name in names})
