"""Folder of an export: one writer at a time, and a replacement of all files that is done or not done.

New files are written to a folder of their own, `.tapedeck-export`, and synced; then their names are put into
a journal there, and then they are renamed. The journal is the decision: if the writer dies before it, the old
export is whole; if after, the next export or validation renames the files that are left.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from tapedeck.engine.errors import ExportError, cause_of
from tapedeck.engine.export.folder_claim import FolderClaim, FolderClaimedError
from tapedeck.engine.export.own_files import EXPORT_FILES, foreign_file, has_own_files, is_own
from tapedeck.engine.output_file import make_folders, sync_folder

_WORK: Final = ".tapedeck-export"
_LOCK: Final = "lock"
_JOURNAL: Final = "journal.json"
_DRAFT: Final = "journal.json.new"


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


class ExportFolder:
    """A folder while it is this writer's. Files of other names in it are never changed.

    `release` ends it; what was not installed is then removed, and the folder itself if it was made for this.
    """

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        """Claim the folder, which is created if necessary; complete an interrupted replacement.

        `names`: the files that will be installed. ExportError if it is claimed by another writer, has a
        user's own files under these names, or cannot be written.
        """
        self.folder = folder
        self._names = names
        self._work = folder / _WORK
        if folder.exists() and not folder.is_dir():
            raise ExportError(f"{folder} is a file: use a folder for the export")
        with export_errors(folder):
            self._was_made = make_folders(folder)
            self._claim = _claim(folder)
        try:
            _complete(folder)
            with export_errors(folder):
                _clear(self._work)
            self._check_names()
        except BaseException:
            self.release()
            raise

    def staged_path(self, name: str) -> Path:
        """Return the path under which a file is written until it is installed."""
        return self._work / name

    def has_export(self) -> bool:
        """Whether the folder has an earlier export; ExportError if that cannot be read."""
        with export_errors(self.folder):
            return has_own_files(self.folder)

    def install(self, names: Sequence[str]) -> None:
        """Give files, complete and synced, their final names, replacing all those of an earlier export.

        On an ExportError the folder is unchanged, unless it says otherwise.
        """
        self._check_names()
        with export_errors(self.folder):
            # On disk before the journal: the files' names, and the name of the folder that has them.
            sync_folder(self._work)
            sync_folder(self.folder)
            _write_journal(self._work, names)
        _complete(self.folder)

    def release(self) -> None:
        """End the claim, and remove what was not installed; safe to call twice."""
        if not (self._work / _JOURNAL).exists():
            with suppress(OSError):
                _clear(self._work)
        self._claim.release()
        if self._was_made:
            with suppress(OSError):  # it has files
                self.folder.rmdir()

    def _check_names(self) -> None:
        with export_errors(self.folder):
            foreign = foreign_file(self.folder, self._names)
        if foreign is not None:
            raise ExportError(
                f"{foreign} is not of an export, and would be replaced: move it, or use another folder"
            )


@contextmanager
def claimed_folder(folder: Path) -> Iterator[None]:
    """Claim an existing folder in this context, and complete an interrupted replacement.

    ExportError if another writer has claimed it, or it cannot be written.
    """
    with export_errors(folder):
        claim = _claim(folder)
    try:
        _complete(folder)
        yield
    finally:
        claim.release()


def is_replacing(folder: Path) -> bool:
    """Whether a replacement is under way, or was interrupted."""
    return (folder / _WORK / _JOURNAL).exists()


def complete_replacement(folder: Path) -> None:
    """Wait for a replacement that is under way; complete one that was interrupted.

    ExportError if that is not possible, for example without permission to write.
    """
    if not is_replacing(folder):
        return
    with _interruption(folder):
        claim = FolderClaim(folder / _WORK / _LOCK, wait=True)
    try:
        _complete(folder)
    finally:
        claim.release()


def _claim(folder: Path) -> FolderClaim:
    work = folder / _WORK
    if work.is_symlink() or (work.exists() and not work.is_dir()):
        raise ExportError(f"{work} is not a folder of tapedeck: move it, or use another folder")
    try:
        return FolderClaim(work / _LOCK)
    except FolderClaimedError as error:
        raise ExportError(
            f"{folder} is being written by another export ({error}): wait until it has ended, or use "
            "another folder"
        ) from error


def _clear(work: Path) -> None:
    """Remove the files that an export left without a journal."""
    for name in (*EXPORT_FILES, _DRAFT):
        (work / name).unlink(missing_ok=True)


def _write_journal(work: Path, names: Sequence[str]) -> None:
    draft = work / _DRAFT
    with draft.open("xb") as file:
        file.write(json.dumps(list(names)).encode())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(work / _JOURNAL)
    sync_folder(work)


def _complete(folder: Path) -> None:
    """Rename the files of the journal, if there is one, and remove it; by the holder of the claim only.

    A file that only the earlier export has is removed.
    """
    work = folder / _WORK
    with _interruption(folder):
        try:
            text = (work / _JOURNAL).read_bytes()
        except FileNotFoundError:
            return
        names = _names(folder, text)
        for name in names:
            with suppress(FileNotFoundError):  # renamed before the interruption
                (work / name).replace(folder / name)
        for name in EXPORT_FILES:
            path = folder / name
            if name not in names and is_own(path) and path.stat().st_size:
                path.unlink()
        sync_folder(folder)
        sync_folder(work)
        (work / _JOURNAL).unlink()
        sync_folder(work)


def _names(folder: Path, text: bytes) -> list[str]:
    try:
        names = json.loads(text)
        if isinstance(names, list) and all(name in EXPORT_FILES for name in names):
            return names
    except ValueError:
        pass  # as below
    raise ExportError(
        f"{folder / _WORK / _JOURNAL} is damaged: the export in {folder} cannot be completed. "
        f"Delete the folder {folder / _WORK}, and export again"
    )


@contextmanager
def _interruption(folder: Path) -> Iterator[None]:
    """Convert an OSError of a replacement that has begun to an ExportError with the remedy."""
    try:
        yield
    except OSError as error:
        raise ExportError(
            f"{folder} was interrupted while its files were replaced, and cannot be completed: "
            f"{error.filename or folder}: {cause_of(error)}. With that removed, and permission to write, "
            f"`tapedeck validate {folder}` completes it"
        ) from error
