"""Files written under a temporary name beside their place, and put there only when all of them are whole."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import xxhash

from tapedeck.engine.errors import ExportError
from tapedeck.engine.export.manifest import ManifestFile


def partial_path(path: Path) -> Path:
    """Return the name under which a file is written before it is whole."""
    return path.with_name(f".{path.name}.partial")


@contextmanager
def telling_export_errors(path: Path) -> Iterator[None]:
    """Turn what the system says about a file into an ExportError that names it, and says what to do."""
    try:
        yield
    except OSError as error:
        raise ExportError(
            f"{path} cannot be written: {error.strerror or error}. What stood there before is "
            "untouched; free some space or choose another folder, and export again."
        ) from error


def make_folder(folder: Path) -> bool:
    """Make an export's folder where it is not there yet; return whether it was made.

    Raises ExportError where something else stands in its place, or nothing may be written there.
    """
    if folder.is_file():
        raise ExportError(f"{folder} is a file, not a folder: name a folder for the export.")
    is_new = not folder.exists()
    with telling_export_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return is_new


def sync_folder(folder: Path) -> None:
    """Have the folder's names written to disk, where the system lets a folder be opened."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


class StagedFile:
    """One file in the making: appended to under its temporary name, hashed and counted on the way."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._hash = xxhash.xxh3_128()
        self._bytes = 0
        with telling_export_errors(path):
            self._file = partial_path(path).open("wb")

    def append(self, data: bytes) -> None:
        """Write on; ExportError where the disk is full or gone."""
        with telling_export_errors(self.path):
            self._file.write(data)
        self._hash.update(data)
        self._bytes += len(data)

    def close(self) -> ManifestFile:
        """End the file, wait until it is on disk, and return what the manifest says of it."""
        with telling_export_errors(self.path):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        return ManifestFile(name=self.path.name, bytes=self._bytes, xxh3=self._hash.hexdigest())

    def put_in_place(self) -> None:
        """Give the file its own name; one that had it before is replaced."""
        with telling_export_errors(self.path):
            partial_path(self.path).replace(self.path)

    def discard(self) -> None:
        """Remove what was written; never fails."""
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            partial_path(self.path).unlink()


def write_whole(path: Path, data: bytes) -> StagedFile:
    """Return a staged file with all of its content; removed again where it cannot be written."""
    staged = StagedFile(path)
    try:
        staged.append(data)
    except ExportError:
        staged.discard()
        raise
    return staged


def put_all_in_place(files: Sequence[StagedFile]) -> None:
    """Give closed files of one folder, one at least, their names in order, and sync the folder."""
    for staged in files:
        staged.put_in_place()
    sync_folder(files[0].path.parent)
