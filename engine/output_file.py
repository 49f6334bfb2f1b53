"""Output files: written as a whole or not at all; links, modes and devices stay what they are."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

_STREAMS: Final = (1, 2)
"""Descriptors of the standard streams, which a path such as /dev/stderr may name."""
_CANNOT_SYNC: Final = (errno.EACCES, errno.EPERM, errno.EISDIR, errno.EBADF, errno.EINVAL, errno.ENOTSUP)
_SHORTEN: Final = 40  # characters of a name in its temporary name, which must not become too long


def write_file(path: Path, data: bytes | Iterable[bytes]) -> None:
    """Write a file, whole or in pieces, replacing an earlier one; after an OSError that one is unchanged.

    A link keeps pointing to its file, which is replaced; the mode stays. A device, a pipe or the program's
    own stdout or stderr is not replaced: data is written into it.
    """
    pieces = (data,) if isinstance(data, bytes) else data
    status = _status(path)
    stream = None if status is None else _own_stream(status)
    if stream is not None:
        _write_all(stream, pieces)
    elif status is not None and not stat.S_ISREG(status.st_mode):
        _write_into(path, pieces)
    else:
        _replace(Path(os.path.realpath(path)), pieces, status)


def sync_folder(folder: Path) -> None:
    """Write the names in a folder to disk, so that a later power failure does not lose them.

    Does nothing where that is not possible (Windows, some network file systems); OSError if the disk fails.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise


def make_folders(folder: Path) -> bool:
    """Create a folder and those above it, and return whether it was created; OSError if that fails."""
    if folder.is_dir():
        return False
    missing = [folder, *(above for above in folder.parents if not above.exists())]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        sync_folder(made.parent)
    return True


def _status(path: Path) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _own_stream(status: os.stat_result) -> int | None:
    """Return the descriptor of stdout or stderr if it is this file; a replaced one would lose their text."""
    for number in _STREAMS:
        with suppress(OSError):  # closed
            if os.path.samestat(os.fstat(number), status):
                return number
    return None


def _write_into(path: Path, pieces: Iterable[bytes]) -> None:
    # Without waiting: a named pipe that is not being read is an error.
    descriptor = os.open(path, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))
    try:
        if hasattr(os, "set_blocking"):
            os.set_blocking(descriptor, True)
        _write_all(descriptor, pieces)
    finally:
        os.close(descriptor)


def _replace(path: Path, pieces: Iterable[bytes], before: os.stat_result | None) -> None:
    """Write a temporary file beside `path`, and rename it to `path`."""
    if before is not None and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    temporary = path.with_name(f".{path.name[:_SHORTEN]}.{secrets.token_hex(4)}.partial")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        try:
            _write_all(descriptor, pieces)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if before is not None:
            os.chmod(temporary, stat.S_IMODE(before.st_mode))
            _keep_owner(temporary, before)
        os.replace(temporary, path)
        sync_folder(path.parent)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _keep_owner(path: Path, before: os.stat_result) -> None:
    if hasattr(os, "chown"):
        with suppress(OSError):  # only the superuser may give files away
            os.chown(path, before.st_uid, before.st_gid)


def _write_all(descriptor: int, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        left = memoryview(piece)
        while left:
            left = left[os.write(descriptor, left) :]
