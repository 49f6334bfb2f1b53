"""Trace of the calls that change files, as `file_calls.c` writes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO


@dataclass(frozen=True, slots=True)
class FileCall:
    """One call that was carried out.

    `kind`: write, rename, fsync, unlink, truncate, create or mkdir; `path`: of a rename, the old one, and
    `to` the new one; `offset`: of a write, or the new length of a truncated file; `data`: bytes of a write.
    """

    kind: str
    path: str
    to: str = ""
    offset: int = 0
    data: bytes = b""

    def __str__(self) -> str:
        size = f" {len(self.data)} bytes at {self.offset}" if self.kind == "write" else ""
        return f"{self.kind} {self.path}{f' → {self.to}' if self.to else ''}{size}"


def read_trace(file: BinaryIO) -> list[FileCall]:
    """Return the calls of a trace."""
    calls = []
    while line := file.readline():
        kind, path, to, offset, size = line.decode(errors="surrogateescape").rstrip("\n").split("\t")
        calls.append(FileCall(kind, path, to, int(offset), file.read(int(size))))
    return calls
