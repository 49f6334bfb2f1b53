"""Regular files: opening that refuses named pipes, devices and sockets, which could block forever."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO, Final

_KINDS: Final = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)
# A named pipe without a writer would otherwise block the opening itself.
_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class NotAFileError(OSError):
    """A path that is not a regular file, or a link to one; `strerror` names its kind."""


def open_regular(path: Path | str) -> BinaryIO:
    """Open a regular file for reading bytes; links are followed. The caller closes it.

    Raises NotAFileError, an OSError, for a folder, named pipe, device or socket, without waiting for data;
    the usual OSError if the file cannot be opened.
    """
    descriptor = os.open(path, _FLAGS)
    try:
        check_regular(os.fstat(descriptor).st_mode, path)
        return open(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: Path | str, limit: int | None = None) -> bytes:
    """Return the bytes of a regular file, at most `limit` of them. Raises as `open_regular`."""
    with open_regular(path) as file:
        return file.read() if limit is None else file.read(limit)


def check_regular(mode: int, path: Path | str) -> None:
    """Raise NotAFileError unless `mode`, of a file's status, is that of a regular file."""
    if stat.S_ISREG(mode):
        return
    kind = next((words for is_kind, words in _KINDS if is_kind(mode)), "a special file")
    raise NotAFileError(errno.EINVAL, f"it is {kind}, not a regular file", str(path))
