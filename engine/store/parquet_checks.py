"""Checks of a Parquet file: digests of its parts and sums of its days, kept between its data and its footer.

Readers find data by the offsets in the footer, and so pass over the checks: the file stays plain Parquet. The
checks cover all bytes of the file, footer and page headers included, which the checksums of pages do not.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import xxhash
from numpy.typing import NDArray

from tapedeck.engine.store.bar_store import Ints
from tapedeck.engine.store.checksums import SpanSums, as_signed

_MAGIC: Final = b"tdkcheck"
_HEAD: Final = struct.Struct("<8sII")  # magic, number of row groups, number of spans
_DIGESTS: Final = struct.Struct("<qq")  # of the footer, and of the checks up to here
_TAIL: Final = struct.Struct("<I8s")  # length of the checks, magic
_END: Final = struct.Struct("<I4s")  # Parquet's own end: length of the footer, PAR1
_WORD: Final = 8


class DamageError(ValueError):
    """Bytes that differ from their digest; the text says which."""


@dataclass(frozen=True, slots=True)
class FileChecks:
    """Checks of one file.

    Of each row group, int64 of shape (g,): `ends` (offset behind its last byte), first and last time, digest.
    `spans`: sums of the bars by span.
    """

    ends: Ints
    firsts: Ints
    lasts: Ints
    digests: Ints
    spans: SpanSums

    def check_group(self, content: memoryview, group: int) -> None:
        """Raise DamageError unless the bytes of a row group are those that were written."""
        start = int(self.ends[group - 1]) if group else 0
        if _digest(content[start : int(self.ends[group])]) != int(self.digests[group]):
            raise DamageError(f"the bytes of row group {group + 1} differ from their checksum")


def append_checks(
    path: Path, starts: Sequence[int], times: Sequence[tuple[int, int]], spans: SpanSums
) -> None:
    """Add checks to a file that was just written, and sync it to disk.

    `starts`: offset of each row group; `times`: its first and last time.
    """
    with path.open("r+b") as file:
        size = os.fstat(file.fileno()).st_size
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapping:
            footer_at = _footer_offset(mapping)
            with memoryview(mapping) as content:
                edges = [0, *starts[1:], footer_at] if starts else [0]
                digests = [_digest(content[a:b]) for a, b in pairwise(edges)]
                footer = bytes(content[footer_at:size])
        groups = [edges[1:], [first for first, _ in times], [last for _, last in times], digests]
        file.seek(footer_at)
        file.write(_packed(np.array(groups, np.int64).reshape(4, -1), spans, footer) + footer)
        file.flush()
        os.fsync(file.fileno())


def read_checks(content: memoryview) -> FileChecks | None:
    """Return the checks of a file's content, None if it has none; DamageError if a digest is wrong."""
    footer_at = _footer_offset(content)
    if bytes(content[footer_at - len(_MAGIC) : footer_at]) != _MAGIC:
        return None
    length, _ = _TAIL.unpack_from(content, footer_at - _TAIL.size)
    start, end = footer_at - length, footer_at - _TAIL.size - _DIGESTS.size
    if not 0 <= start < end:
        raise DamageError("the length of its checks is wrong")
    of_footer, of_checks = _DIGESTS.unpack_from(content, end)
    if _digest(content[start : end + _WORD]) != of_checks:
        raise DamageError("the checks differ from their checksum")
    if _digest(content[footer_at:]) != of_footer:
        raise DamageError("the bytes of the footer differ from their checksum")
    return _unpacked(content[start:end])


def has_trace_of_checks(content: mmap.mmap) -> bool:
    """Whether the magic of checks is anywhere in a file, whose footer may be damaged."""
    return content.rfind(_MAGIC) >= 0


def salvaged_spans(content: mmap.mmap) -> SpanSums | None:
    """Return the sums of a file whose footer is damaged, if its checks are whole."""
    at = content.rfind(_MAGIC) + len(_MAGIC)
    with memoryview(content) as view:
        try:
            length, _ = _TAIL.unpack_from(view, at - _TAIL.size)
            end = at - _TAIL.size - _DIGESTS.size
            _, of_checks = _DIGESTS.unpack_from(view, end)
            start = at - length
            if 0 <= start < end and _digest(view[start : end + _WORD]) == of_checks:
                return _unpacked(view[start:end]).spans
        except struct.error:
            pass  # no room for checks: none are there
    return None


def _footer_offset(content: memoryview | mmap.mmap) -> int:
    size = len(content)
    if size < _END.size:
        raise DamageError("it is too short for a Parquet file")
    length, magic = _END.unpack_from(content, size - _END.size)
    if magic != b"PAR1" or length > size - _END.size:
        raise DamageError("it does not end as a Parquet file does")
    return size - _END.size - int(length)


def _packed(groups: NDArray[np.int64], spans: SpanSums, footer: bytes) -> bytes:
    head = _HEAD.pack(_MAGIC, groups.shape[1], len(spans))
    arrays = np.concatenate([groups.reshape(-1), spans.since, spans.bars, spans.sums]).astype("<i8").tobytes()
    body = head + arrays + struct.pack("<q", _digest(footer))
    return body + struct.pack("<q", _digest(body)) + _TAIL.pack(len(body) + _WORD + _TAIL.size, _MAGIC)


def _unpacked(body: memoryview) -> FileChecks:
    magic, groups, spans = _HEAD.unpack_from(body)
    if magic != _MAGIC or len(body) != _HEAD.size + _WORD * (4 * groups + 3 * spans):
        raise DamageError("its checks are of another version of tapedeck")
    # A copy: views would keep the file's mapping open.
    numbers = np.frombuffer(body, "<i8", offset=_HEAD.size).astype(np.int64)
    ends, firsts, lasts, digests = numbers[: 4 * groups].reshape(4, groups)
    since, bars, sums = numbers[4 * groups :].reshape(3, spans)
    return FileChecks(ends, firsts, lasts, digests, SpanSums(np.zeros(spans, np.int64), since, bars, sums))


def _digest(content: memoryview | bytes) -> int:
    return as_signed(xxhash.xxh3_64_intdigest(content))
