"""Text of a file as UTF-8 in blocks of whole records, with the number of each block's first line."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tapedeck.engine.importers.file_content import ByteReader, Content
from tapedeck.engine.importers.file_rows import UnreadableFileError

BLOCK_BYTES: Final = 1 << 23
"""Bytes of a block: more than a hundred thousand rows of most tables."""
LONGEST_LINE: Final = 1 << 20
"""Bytes of a line, and of a record that quotes line ends."""

_CHUNK: Final = 1 << 20
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SIGNS: Final = "tapedeck.signs"


@dataclass(frozen=True, slots=True)
class TextBlock:
    """Whole records of a text as UTF-8, lines ended by a line feed; `line` is the number of the first."""

    data: bytes
    line: int


def text_blocks(content: Content, size: int = BLOCK_BYTES) -> Iterator[TextBlock]:
    r"""Yield the text of `content` in blocks of about `size` bytes, without a byte order mark.

    UTF-8, and UTF-16 with or without a mark, are recognised; line ends `\r\n` and `\r` become `\n`. Of other
    encodings, only signs (currencies, no-break space) are read, as in Windows-1252; letters become U+FFFD,
    since the encoding that they have is unknown. Raises UnreadableFileError where this is not text, or where
    a line is longer than LONGEST_LINE.
    """
    with content.open() as stream:
        pending, line = bytearray(), 1
        for text in _decoded(content.file, stream):
            pending += text
            _check_lines(content.file, pending, line)
            if len(pending) < size:
                continue
            end = _end_of_records(pending)
            if end:
                block = TextBlock(bytes(memoryview(pending)[:end]), line)
                del pending[:end]
                line += block.data.count(b"\n")
                yield block
        if pending:
            yield TextBlock(bytes(pending) + b"\n" * (not pending.endswith(b"\n")), line)


def split_block(block: TextBlock, size: int) -> Iterator[TextBlock]:
    """Yield a block in smaller ones of about `size` bytes, each of whole records."""
    pending, line = bytearray(block.data), block.line
    while pending:
        end = _end_of_records(pending[:size]) or pending.find(b"\n") + 1
        data = bytes(memoryview(pending)[:end])
        del pending[:end]
        yield TextBlock(data, line)
        line += data.count(b"\n")


def _decoded(file: Path, stream: ByteReader) -> Iterator[bytes]:
    head = stream.read(_CHUNK)
    mark, encoding = next(
        ((mark, name) for mark, name in _MARKS if head.startswith(mark)), (b"", _unmarked(head))
    )
    if b"\x00" in head[:4096] and encoding == "utf-8":
        raise UnreadableFileError(file, "not a text file; save it as a CSV file in UTF-8")
    decoder = codecs.getincrementaldecoder(encoding)(_SIGNS if encoding == "utf-8" else "replace")
    lines = io.IncrementalNewlineDecoder(decoder, translate=True)
    chunk = head.removeprefix(mark)
    while chunk:
        yield lines.decode(chunk).encode()
        chunk = stream.read(_CHUNK)
    yield lines.decode(b"", final=True).encode()


def _unmarked(head: bytes) -> str:
    # In UTF-16, digits and signs of a table have a NUL for every other byte.
    sample = head[: min(len(head), 4096) & ~1]
    first, second = sample[::2], sample[1::2]
    if len(sample) >= 8 and second.count(0) > len(second) * 0.9 and not first.count(0):
        return "utf-16-le"
    if len(sample) >= 8 and first.count(0) > len(first) * 0.9 and not second.count(0):
        return "utf-16-be"
    return "utf-8"


def _sign_of(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    text = error.object[error.start : error.end].decode("cp1252", "replace")
    return "".join("\ufffd" if sign.isalpha() else sign for sign in text), error.end


codecs.register_error(_SIGNS, _sign_of)


def _check_lines(file: Path, data: bytearray, line: int) -> None:
    place = 0
    while len(data) - place > LONGEST_LINE:
        end = data.rfind(b"\n", place, place + LONGEST_LINE + 1)
        if end < 0:
            number = line + data.count(b"\n", 0, place)
            raise UnreadableFileError(
                file, f"line {number:,} is longer than {LONGEST_LINE:,} bytes: this is not a table of bars"
            )
        place = end + 1


def _end_of_records(data: bytearray) -> int:
    # After the last line end outside quotes; 0 without one.
    end = last = data.rfind(b"\n") + 1
    quotes = data.count(b'"', 0, end)
    while end and quotes % 2:
        start = data.rfind(b"\n", 0, end - 1) + 1
        quotes -= data.count(b'"', start, end)
        end = start
        if last - end > LONGEST_LINE:
            # A quote that is never closed; its line is told as a faulty row.
            return last
    return end or last
