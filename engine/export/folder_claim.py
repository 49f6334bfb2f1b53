"""Claim on a folder: a lock file that one process holds, and that says which one, and since when."""

from __future__ import annotations

import json
import os
import platform
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tapedeck.engine.store.folder_lock import try_lock, unlock, wait_for_lock

_FLAGS: Final = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
_MOST_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that holds a claim, its host, and the time (UTC) of the claim."""

    process: int
    host: str
    since: datetime

    def __str__(self) -> str:
        is_this = (self.process, self.host) == (os.getpid(), platform.node())
        name = f"this process, {self.process}," if is_this else f"process {self.process}"
        return f"{name} on {self.host}, since {self.since:%Y-%m-%d %H:%M:%S} UTC"


class FolderClaimedError(Exception):
    """The folder is claimed already; its text names the holder."""


class FolderClaim:
    """A held claim. The system ends it with the process, so that a killed one leaves none.

    The lock file is in a folder of its own, which is created; both are removed at the end.
    """

    def __init__(self, path: Path, *, wait: bool = False) -> None:
        """Claim by the lock file at `path`; FolderClaimedError if another has done so, unless `wait`.

        OSError if the file cannot be written.
        """
        self._path = path
        descriptor = _locked(path, wait=wait)
        # A file object: a claim that is forgotten ends when it is collected.
        self._file = os.fdopen(descriptor, "r+b", buffering=0)
        try:
            self._file.truncate(0)
            self._file.write(json.dumps({"process": os.getpid(), "host": platform.node()}).encode())
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """End the claim; safe to call twice."""
        if self._file.closed:
            return
        # Removed while it is locked: afterwards it could be the file of the next holder.
        with suppress(OSError):
            self._path.unlink()
        unlock(self._file.fileno())
        self._file.close()
        with suppress(OSError):  # it has other files, or a next holder
            self._path.parent.rmdir()


def _locked(path: Path, *, wait: bool) -> int:
    """Return the descriptor of the lock file, locked."""
    while True:
        path.parent.mkdir(exist_ok=True)
        try:
            descriptor = os.open(path, _FLAGS, 0o666)
        except FileNotFoundError:
            continue  # the last holder has just removed the folder
        try:
            if wait:
                wait_for_lock(descriptor)
            elif not try_lock(descriptor):
                raise FolderClaimedError(_holder_text(descriptor))
            if _is_at(descriptor, path):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # the last holder has just removed the file


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path, follow_symlinks=False))
    except FileNotFoundError:
        return False


def _holder_text(descriptor: int) -> str:
    try:
        found = json.loads(os.read(descriptor, _MOST_BYTES))
        since = datetime.fromtimestamp(os.fstat(descriptor).st_mtime, UTC)
        return str(Holder(int(found["process"]), str(found["host"]), since))
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"  # it has not written its name yet
