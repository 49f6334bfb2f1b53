"""Check of a database's write-ahead log before it is opened.

SQLite takes a damaged frame of the log for the end of what was written, and drops all later transactions
without a word. A killed writer leaves at most its last frame incomplete; anything else is damage. Format:
https://sqlite.org/walformat.html
"""

from __future__ import annotations

import struct
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tapedeck.engine.errors import StoreDamagedError

_Words = NDArray[np.uint32]

_HEADER: Final = struct.Struct(">8I")  # magic, version, page size, restarts, two salts, two checksums
_MAGIC: Final = 0x377F0682  # and 1: words of the checksum are big-endian
_FRAME_WORDS: Final = 6  # of a frame's header: page, size, two salts, two checksums
_WORD: Final = 4
_FRAMES_AT_ONCE: Final = 1024
_MASK: Final = 2**32 - 1


def check_log(database: Path) -> None:
    """Raise StoreDamagedError if the write-ahead log of a database holds a damaged frame or header."""
    path = database.with_name(f"{database.name}-wal")
    found = _first_damage(path)
    # A log that is being written changes between two looks; damage does not.
    while found is not None:
        again = _first_damage(path)
        if again == found:
            raise StoreDamagedError(
                f"{path} is damaged ({found}). It holds the last writes to {database.name}: restore a copy "
                f"of both files. To go on without those writes, remove {path.name}, and import again",
                file=str(path),
            )
        found = again


def _first_damage(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER.size)
            if len(head) < _HEADER.size:
                return None
            magic, _, page, restarts, *salts_and_sums = _HEADER.unpack(head)
            salts, sums = salts_and_sums[:2], (salts_and_sums[2], salts_and_sums[3])
            order = ">u4" if magic & 1 else "<u4"
            words = np.frombuffer(head[: 6 * _WORD], order).astype(np.uint32)
            if magic & ~1 != _MAGIC or _sums_after((0, 0), _weighted(words[None, :])[0], len(words)) != sums:
                return "its header differs from its checksum"
            content = np.fromfile(file, ">u4").astype(np.uint32)
    except OSError:
        return None  # there is no log, or SQLite will tell
    length = _FRAME_WORDS + page // _WORD
    frames = content[: len(content) // length * length].reshape(-1, length)
    at, difference = _first_bad_frame(frames, salts, sums, is_swapped=order == "<u4")
    if at is None or not _is_damage(frames, at, salts, difference, is_new=restarts == 0):
        return None
    return f"frame {at + 1} of {len(frames)} differs from its checksum"


def _first_bad_frame(
    frames: _Words, salts: list[int], sums: tuple[int, int], *, is_swapped: bool
) -> tuple[int | None, tuple[int, int]]:
    """Return the position of the first frame that SQLite would not read, and how far its sums are off."""
    for start in range(0, len(frames), _FRAMES_AT_ONCE):
        part = frames[start : start + _FRAMES_AT_ONCE]
        covered = np.concatenate([part[:, :2], part[:, _FRAME_WORDS:]], axis=1)
        weighted = _weighted(covered.byteswap() if is_swapped else covered)
        for number, header in enumerate(part[:, 2:_FRAME_WORDS].tolist()):
            sums = _sums_after(sums, weighted[number], covered.shape[1])
            if header[:2] != salts or header[2:] != list(sums):
                return start + number, ((header[2] - sums[0]) & _MASK, (header[3] - sums[1]) & _MASK)
    return None, (0, 0)


def _is_damage(
    frames: _Words, at: int, salts: list[int], difference: tuple[int, int], *, is_new: bool
) -> bool:
    """Whether a frame that SQLite would not read was complete; otherwise it ends the log, as after a kill.

    In a log that began anew, older frames follow the last one. A frame that was only begun has the header of
    the new frame and the page of the old one: it is told from damage by its being the last, and by more than
    one bit of difference.
    """
    if (frames[at + 1 :, 2:4] == salts).all(axis=1).any():
        return True
    own = frames[at, 2:4].tolist()
    if own != salts:
        bits: int = sum((a ^ b).bit_count() for a, b in zip(own, salts, strict=True))
        return bits == 1
    return is_new or _is_one_bit(difference, frames.shape[1] - 4)


def _is_one_bit(difference: tuple[int, int], words: int) -> bool:
    """Whether the change of one bit of `words` words, or of the sums, makes this difference of the sums."""
    weights = _weights(words).astype(np.uint64)
    for bit in range(32):
        for step in (1 << bit, (-(1 << bit)) & _MASK):
            if difference in ((step, 0), (0, step)):
                return True
            if ((weights * np.uint64(step)) & np.uint64(_MASK) == difference).all(axis=1).any():
                return True
    return False


def _sums_after(before: tuple[int, int], weighted: _Words, words: int) -> tuple[int, int]:
    """Return SQLite's sums behind some words; `weighted`: their own share."""
    (a, b), (c, d) = _powers(words // 2)[-1]
    first, second = before
    return (a * first + b * second + int(weighted[0])) & _MASK, (
        c * first + d * second + int(weighted[1])
    ) & _MASK


def _weighted(words: _Words) -> _Words:
    """Return the share of each row of words, shape (n, 2), in the two sums."""
    share: _Words = words @ _weights(words.shape[1])
    return share


# SQLite adds two words at a time: first += word + second; second += next word + first. So both sums are sums
# of the words, each times a weight that depends on its place, modulo 2^32.


@lru_cache(maxsize=8)
def _powers(pairs: int) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return how two sums go on into those after 0, 1, ... pairs of words that are zero."""
    found = [((1, 0), (0, 1))]
    for _ in range(pairs):
        (a, b), (c, d) = found[-1]
        found.append((((a + c) & _MASK, (b + d) & _MASK), ((a + 2 * c) & _MASK, (b + 2 * d) & _MASK)))
    return found


@lru_cache(maxsize=8)
def _weights(words: int) -> _Words:
    """Return the weights of each word in the two sums, shape (words, 2)."""
    weights = []
    for (a, b), (c, d) in reversed(_powers(words // 2)[:-1]):
        weights += [((a + b) & _MASK, (c + d) & _MASK), (b, d)]
    return np.array(weights, np.uint32)
