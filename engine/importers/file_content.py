"""Content of a file by its first bytes, whatever its name: plain, or compressed with gzip, zip, xz, bz2, zst.

What is read is unpacked on the way, with a limit on how far it may expand.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, Final, Protocol

import pyarrow as pa

from tapedeck.engine.errors import cause_of
from tapedeck.engine.importers.file_rows import UnreadableFileError
from tapedeck.engine.regular_file import open_regular

FREE_BYTES: Final = 256 << 20
"""Bytes that any file may expand to."""
MOST_EXPANSION: Final = 250
"""Beyond FREE_BYTES, the most unpacked bytes for a packed one; tables of bars have 3 to 30."""

_HEAD: Final = 512
_PACKED: Final = (
    ("gzip", re.compile(rb"\x1f\x8b\x08")),
    ("zip", re.compile(rb"PK(\x03\x04|\x05\x06|\x07\x08)")),
    ("xz", re.compile(rb"\xfd7zXZ\x00")),
    ("bz2", re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)")),
    ("zst", re.compile(rb"\x28\xb5\x2f\xfd")),
)
_OTHERS: Final = (
    ("a Parquet file; import it with `tapedeck import parquet`", re.compile(rb"PAR1")),
    ("an Excel workbook; save its table as a CSV file", re.compile(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")),
    ("a 7-Zip archive; unpack it first", re.compile(rb"7z\xbc\xaf\x27\x1c")),
    ("a RAR archive; unpack it first", re.compile(rb"Rar!\x1a\x07")),
    ("a tar archive; unpack it first", re.compile(rb"(?s).{257}ustar")),
    ("an SQLite database", re.compile(rb"SQLite format 3\x00")),
    ("a PDF document; save its table as a CSV file", re.compile(rb"%PDF-")),
    (
        "a web page, not a table; download the file itself",
        re.compile(rb"(?i)(\xef\xbb\xbf)?\s*<(!doctype html|html|\?xml)"),
    ),
    ("JSON, not a CSV file; save its rows as CSV", re.compile(rb'(\xef\xbb\xbf)?\s*(\{\s*["}]|\[\s*[\[{])')),
)
_MEMBER_SUFFIXES: Final = (".csv", ".tsv", ".txt")


class ByteReader(Protocol):
    """A stream of bytes: at most `size` of them a call, none at its end."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes."""


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes of one table: a file, or one of several members of a zip file (`bars.zip/SPY.csv`).

    `open` begins at the first byte, unpacked; reading raises UnreadableFileError.
    """

    file: Path
    open: Callable[[], AbstractContextManager[ByteReader]]


def contents_of(file: Path) -> list[Content]:
    """Return the tables of a file: one, or those of a zip file, in its order.

    Raises UnreadableFileError where the file cannot be opened, is not a regular file, or has no table.
    """
    with _faults_told(file, None), open_regular(file) as handle:
        kind = _kind(handle.read(_HEAD))
        if kind == "zip":
            handle.seek(0)
            with _faults_told(file, kind), zipfile.ZipFile(handle) as archive:
                members = _tables(file, archive.namelist())
            # The only table of a zip file goes by the name of the file.
            return [_member(file, member, alone=len(members) == 1) for member in members]
    return [Content(file, lambda: _opened(file, kind))]


def read_member(file: Path, choose: Callable[[list[str]], str], limit: int) -> bytes:
    """Return the bytes of one member of a zip file; `choose` gets the names of all.

    Raises UnreadableFileError where it is damaged or has more than `limit` bytes.
    """
    with (
        _faults_told(file, "zip"),
        open_regular(file) as handle,
        zipfile.ZipFile(handle) as archive,
        archive.open(choose(archive.namelist())) as member,
    ):
        data = member.read(limit + 1)
    if len(data) > limit:
        raise UnreadableFileError(file, f"expands to more than {limit >> 20:,} MB, which no day of bars has")
    return data


def _kind(head: bytes) -> str | None:
    return next((kind for kind, magic in _PACKED if magic.match(head)), None)


def _tables(file: Path, names: list[str]) -> list[str]:
    if "xl/workbook.xml" in names:
        raise UnreadableFileError(file, "an Excel workbook; save its table as a CSV file")
    visible = [
        name
        for name in names
        if not name.endswith("/")
        and not any(
            part == "__MACOSX" or (part.startswith(".") and part.strip(".")) for part in name.split("/")
        )
    ]
    for suffix in _MEMBER_SUFFIXES:
        # A text file beside CSV files is a description of them.
        if found := [name for name in visible if name.lower().endswith(suffix)]:
            return found
    if len(visible) == 1:
        return visible
    raise UnreadableFileError(
        file, f"zip file without tables: expected files that end in {', '.join(_MEMBER_SUFFIXES)}"
    )


def _member(file: Path, member: str, *, alone: bool) -> Content:
    # Of a path in the archive such as ../../SPY.csv, the parts that climb have no meaning here.
    parts = [part for part in member.split("/") if part not in ("", ".", "..")]
    shown = file if alone else file.joinpath(*parts)
    return Content(shown, lambda: _opened_member(file, member))


@contextmanager
def _opened(file: Path, kind: str | None) -> Iterator[ByteReader]:
    with _faults_told(file, kind), open_regular(file) as handle, closing(_unpacked(handle, kind)) as stream:
        yield _checked(_Limited(file, stream, kind, file.stat().st_size))


@contextmanager
def _opened_member(file: Path, member: str) -> Iterator[ByteReader]:
    with _faults_told(file, "zip"), open_regular(file) as handle, zipfile.ZipFile(handle) as archive:
        size = archive.getinfo(member).compress_size
        with archive.open(member) as stream:
            yield _checked(_Limited(file, stream, "zip", size))


def _unpacked(handle: BinaryIO, kind: str | None) -> IO[bytes]:
    if kind == "gzip":
        return gzip.open(handle)  # type: ignore[return-value]  # a GzipFile, which reads bytes
    if kind == "xz":
        return lzma.open(handle)
    if kind == "bz2":
        return bz2.open(handle)
    if kind == "zst":
        return pa.CompressedInputStream(pa.PythonFile(handle, mode="r"), "zstd")  # type: ignore[no-any-return]
    return handle


class _Limited:
    """Stream that tells its faults, and ends with an error where it expands without measure."""

    def __init__(self, file: Path, stream: ByteReader, kind: str | None, packed: int) -> None:
        self._file = file
        self._stream = stream
        self._kind = kind
        self._limit = max(FREE_BYTES, packed * MOST_EXPANSION) if kind is not None else None
        self._head = b""
        self._read = 0

    def read(self, size: int, /) -> bytes:
        if self._head:
            data, self._head = self._head, b""
            return data
        with _faults_told(self._file, self._kind):
            data = self._stream.read(size)
        self._read += len(data)
        if self._limit is not None and self._read > self._limit:
            raise UnreadableFileError(
                self._file,
                f"expands to more than {self._limit >> 20:,} MB, {MOST_EXPANSION} times its size: this is "
                "not a table of bars. If it is one, unpack it first",
            )
        return data

    def check(self) -> None:
        """Raise UnreadableFileError where the first bytes are those of another kind of file."""
        head = b""
        while len(head) < _HEAD and (more := self.read(_HEAD)):
            head += more
        self._head = head
        if _kind(head) is not None:
            raise UnreadableFileError(self._file, "compressed twice; unpack it once")
        for what, magic in _OTHERS:
            if magic.match(head):
                raise UnreadableFileError(self._file, what)


def _checked(stream: _Limited) -> _Limited:
    stream.check()
    return stream


@contextmanager
def _faults_told(file: Path, kind: str | None) -> Iterator[None]:
    try:
        yield
    except (gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError) as error:
        raise _damaged(file, kind, error) from error
    except (RuntimeError, NotImplementedError) as error:
        raise UnreadableFileError(file, f"zip file cannot be unpacked ({error})") from error
    except OSError as error:
        # Faults in the data of bz2 and zst files have no number of the system.
        if kind is not None and error.errno is None:
            raise _damaged(file, kind, error) from error
        raise UnreadableFileError(file, f"cannot be read ({cause_of(error)})") from error


def _damaged(file: Path, kind: str | None, error: Exception) -> UnreadableFileError:
    return UnreadableFileError(file, f"{kind} file damaged or cut short ({error}); download it again")
