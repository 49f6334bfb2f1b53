"""Staged files: written under temporary names, and renamed when all of them are complete."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import xxhash

from tapedeck.engine.errors import ExportError, cause_of
from tapedeck.engine.export.manifest import ManifestFile


def partial_path(path: Path) -> Path:
    """Return the temporary name of a file while it is written."""
    return path.with_name(f".{path.name}.partial")


@contextmanager
def export_errors(path: Path) -> Iterator[None]:
    """Convert an OSError about a file to an ExportError with its path and a remedy."""
    try:
        yield
    except OSError as error:
        raise ExportError(
            f"{path} cannot be written: {cause_of(error)}. An earlier export is unchanged. "
            "Free some space or use another folder, and export again"
        ) from error


def make_folder(folder: Path) -> bool:
    """Create an export's folder if it does not exist; return whether it was created.

    Raises ExportError if its path is a file, or cannot be written.
    """
    if folder.is_file():
        raise ExportError(f"{folder} is a file: use a folder for the export")
    is_new = not folder.exists()
    with export_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return is_new


def sync_folder(folder: Path) -> None:
    """Sync the folder's entries to disk, on systems that can open a folder."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


class StagedFile:
    """A file written under its temporary name, with its hash and size."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._hash = xxhash.xxh3_128()
        self._bytes = 0
        with export_errors(path):
            self._file = partial_path(path).open("wb")

    def append(self, data: bytes) -> None:
        """Append data; ExportError if it cannot be written."""
        with export_errors(self.path):
            self._file.write(data)
        self._hash.update(data)
        self._bytes += len(data)

    def close(self) -> ManifestFile:
        """Close the file, sync it to disk, and return its entry in the manifest."""
        with export_errors(self.path):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        return ManifestFile(name=self.path.name, bytes=self._bytes, xxh3=self._hash.hexdigest())

    def install(self) -> None:
        """Rename the file to its final name, replacing an earlier file."""
        with export_errors(self.path):
            partial_path(self.path).replace(self.path)

    def discard(self) -> None:
        """Remove the temporary file; never fails."""
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            partial_path(self.path).unlink()


def write_whole(path: Path, data: bytes) -> StagedFile:
    """Return a staged file with its whole content; it is removed if it cannot be written."""
    staged = StagedFile(path)
    try:
        staged.append(data)
    except ExportError:
        staged.discard()
        raise
    return staged


def install_files(files: Sequence[StagedFile]) -> None:
    """Rename closed files of one folder (at least one) in order, and sync the folder."""
    for staged in files:
        staged.install()
    sync_folder(files[0].path.parent)
