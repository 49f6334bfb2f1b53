"""State files: the session.json of a run on its own, without the other files of an export."""

from __future__ import annotations

from pathlib import Path

from tapedeck.engine.errors import ExportError
from tapedeck.engine.export.export_folder import claimed_folder, export_errors
from tapedeck.engine.export.manifest import MANIFEST
from tapedeck.engine.export.own_files import EXPORT_FILES, is_own
from tapedeck.engine.output_file import make_folders, write_file


def write_state_file(path: Path, data: bytes) -> None:
    """Write a state to a file, whole or not at all; folders are created if necessary.

    Under the name of an export's file only an earlier state is replaced: ExportError if the file is a user's
    own, belongs to an export with another state, or another export is writing there. ExportError also if it
    cannot be written.
    """
    with export_errors(path):
        make_folders(path.parent)
        if path.name not in EXPORT_FILES:
            write_file(path, data)
            return
    with claimed_folder(path.parent), export_errors(path):
        if not (path.exists() or path.is_symlink()):
            write_file(path, data)
        elif not is_own(path):
            raise ExportError(f"{path} is not of an export, and would be replaced: name another file")
        elif path.read_bytes() != data:
            if is_own(path.parent / MANIFEST):
                raise ExportError(f"{path} is part of an export, which would be damaged: name another file")
            write_file(path, data)
