"""Importer of the LEAN engine's folders and zip files."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tapedeck.engine.importers.importer import BarFiles, Importer, ImporterOption


class LeanImporter:
    """Second, minute and daily bars of trades and quotes, below a folder with `equity`, `crypto` or `index`.

    A folder or zip file below one of these can be named, too.
    """

    name = "lean"
    summary = "Import zip files of the LEAN engine's folders: equity, crypto, index; seconds, minutes, days."
    examples = (
        "tapedeck import lean data --store bars.db",
        "tapedeck import lean data/equity/usa/minute/spy --strict",
    )
    options: tuple[ImporterOption, ...] = ()

    def find(self, path: Path) -> BarFiles:
        """Return the zip files of bars below `path`; BarImportError where there are none."""
        from tapedeck.engine.importers.lean_layout import find_lean_files  # noqa: PLC0415 - slow, as the next
        from tapedeck.engine.importers.lean_rows import read_lean_file  # noqa: PLC0415

        files, skipped = find_lean_files(path)
        by_path = {file.path: file for file in files}
        return BarFiles(list(by_path), lambda file: iter([read_lean_file(by_path[file])]), skipped)


IMPORTER: Final[Importer] = LeanImporter()
