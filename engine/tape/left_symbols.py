"""Rows of symbols that left a session, on disk until they are exported or looked at.

All of them are in one file without a name, which the system deletes with the process, or once no symbol of it
is held any more.
"""

from __future__ import annotations

import io
import pickle
import tempfile
from collections import deque
from dataclasses import dataclass
from threading import Lock
from typing import Final
from weakref import ReferenceType, finalize, ref

import numpy as np

from tapedeck.engine.errors import EngineError, cause_of
from tapedeck.engine.tape.tape import LeftSymbol, SessionIdentity, Tape

# Unit of space in the file, in bytes: symbols of one session take equally many, though not as many bytes.
_BLOCK: Final = 4096


def spooled(part: Tape, frontier: int) -> tuple[LeftSymbol, ...]:
    """Write the rows of a tape that is cut at a frontier to disk, one symbol each.

    EngineError if the file cannot be written.
    """
    rows = np.arange(len(part.symbols), dtype=np.int64)
    return tuple(_spooled(part.cut(rows[row : row + 1], frontier), frontier) for row in rows.tolist())


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class SpooledSymbol:
    """One symbol that left a session, in the file at `place`, `size` bytes; see `LeftSymbol`.

    `shared`: what its tape shares with others, in memory: times of slots, earlier values, buckets.
    """

    symbol: str
    frontier: int
    shared: tuple[object, ...]
    file: _SpoolFile
    place: int
    size: int

    def load(self) -> Tape:
        """Return the symbol's tape, read from disk; EngineError if that fails."""
        try:
            content = self.file.read(self.place, self.size)
        except OSError as error:
            raise EngineError(
                f"the rows of {self.symbol}, which left the session, cannot be read from the temporary file: "
                f"{cause_of(error)}"
            ) from error
        tape = _Reader(io.BytesIO(content), self.shared).load()
        assert isinstance(tape, Tape)
        return tape


def _spooled(tape: Tape, frontier: int) -> SpooledSymbol:
    [symbol] = tape.symbols
    buckets = [grid.buckets for grid in tape.derived.values()]
    shared = (tape.slots, tape.earlier, *buckets)
    content = io.BytesIO()
    _Writer(content, shared).dump(tape)
    try:
        file = _spool_file()
        place = file.write(content.getbuffer())
    except OSError as error:
        raise EngineError(
            f"the rows of {symbol} cannot be written to a temporary file in {tempfile.gettempdir()}: "
            f"{cause_of(error)}. Free some space there, and remove {symbol} again"
        ) from error
    size = content.tell()
    left = SpooledSymbol(symbol, frontier, shared, file, place, size)
    finalize(left, file.release, place, size).atexit = False
    return left


class _Writer(pickle.Pickler):
    """Writes a tape, without what it shares with others, and without its identity, which is not kept."""

    def __init__(self, file: io.BytesIO, shared: tuple[object, ...]) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._numbers = {id(one): number for number, one in enumerate(shared)}

    def persistent_id(self, obj: object) -> int | None:
        return -1 if isinstance(obj, SessionIdentity) else self._numbers.get(id(obj))


class _Reader(pickle.Unpickler):
    """Reads a tape."""

    def __init__(self, file: io.BytesIO, shared: tuple[object, ...]) -> None:
        super().__init__(file)
        self._shared = shared

    def persistent_load(self, pid: int) -> object:
        return SessionIdentity() if pid < 0 else self._shared[pid]


class _SpoolFile:
    """File without a name. Space of symbols that are not held any more is used again. Thread-safe."""

    def __init__(self) -> None:
        # Without a buffer: after a failed write nothing is left in it.
        self._file = tempfile.TemporaryFile(buffering=0, prefix="tapedeck-")  # noqa: SIM115 - open for long
        self._lock = Lock()  # guards the file, and the next two
        self._end = 0
        self._free: dict[int, list[int]] = {}  # places by number of blocks
        # Filled without the lock: a symbol may be dropped by a collection while this thread holds it.
        self._released: deque[tuple[int, int]] = deque()

    def write(self, content: memoryview) -> int:
        """Write some content, and return its place."""
        blocks = _blocks(len(content))
        with self._lock:
            while self._released:
                place, size = self._released.popleft()
                self._free.setdefault(_blocks(size), []).append(place)
            free = self._free.get(blocks)
            place = free[-1] if free else self._end
            self._file.seek(place)
            while content:
                content = content[self._file.write(content) :]
            if free:
                free.pop()
            else:
                self._end += blocks * _BLOCK
            return place

    def read(self, place: int, size: int) -> bytes:
        """Return what was written at a place."""
        with self._lock:
            self._file.seek(place)
            return self._file.read(size)

    def release(self, place: int, size: int) -> None:
        """Note that a place is free."""
        self._released.append((place, size))


def _blocks(size: int) -> int:
    return -(-size // _BLOCK)


_lock = Lock()  # guards the next one
_current: ReferenceType[_SpoolFile] | None = None


def _spool_file() -> _SpoolFile:
    """Return the process's file, a new one if no symbol is held."""
    global _current  # noqa: PLW0603 - one file, as sessions may be many and open files are few
    with _lock:
        file = None if _current is None else _current()
        if file is None:
            file = _SpoolFile()
            _current = ref(file)
        return file
