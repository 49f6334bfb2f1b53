"""Staged files: the files of an export while they are written."""

from __future__ import annotations

import contextlib
import os

import xxhash

from tapedeck.engine.errors import ExportError
from tapedeck.engine.export.export_folder import ExportFolder, export_errors
from tapedeck.engine.export.manifest import ManifestFile


class StagedFile:
    """A file of an export, written where it is not seen, with its hash and size."""

    def __init__(self, folder: ExportFolder, name: str) -> None:
        """Create the file; ExportError if that fails."""
        self.path = folder.folder / name
        self._hash = xxhash.xxh3_128()
        self._bytes = 0
        with export_errors(self.path):
            self._file = folder.staged_path(name).open("xb")

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

    def discard(self) -> None:
        """Close the file, whose content is not needed; never fails."""
        with contextlib.suppress(OSError):
            self._file.close()


def write_whole(folder: ExportFolder, name: str, data: bytes) -> StagedFile:
    """Return a staged file with its whole content; ExportError if it cannot be written."""
    staged = StagedFile(folder, name)
    try:
        staged.append(data)
    except ExportError:
        staged.discard()
        raise
    return staged
