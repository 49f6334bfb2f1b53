"""Recognition of an export's files: others of the same names are the user's own, and never replaced."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tapedeck.engine.export.account_tables import EQUITY_HEADER, FILLS_HEADER, TRADES_HEADER
from tapedeck.engine.export.bars_table import BARS_HEADER
from tapedeck.engine.export.history_table import HISTORY_HEADER
from tapedeck.engine.export.indicators_table import INDICATORS_HEADER
from tapedeck.engine.export.manifest import (
    BARS_CSV,
    EQUITY_CSV,
    FILLS_CSV,
    HISTORY_CSV,
    INDICATORS_CSV,
    MANIFEST,
    METRICS_JSON,
    ORDERS_CSV,
    QUALITY_CSV,
    QUOTES_CSV,
    SCANS_CSV,
    SESSION_CSV,
    SESSION_JSON,
    TRADES_CSV,
)
from tapedeck.engine.export.orders_table import ORDERS_HEADER
from tapedeck.engine.export.quality_table import QUALITY_HEADER
from tapedeck.engine.export.quotes_table import QUOTES_HEADER
from tapedeck.engine.export.scans_table import SCANS_HEADER
from tapedeck.engine.export.session_table import SESSION_HEADER

TABLES: Final = {
    SESSION_CSV: SESSION_HEADER,
    BARS_CSV: BARS_HEADER,
    INDICATORS_CSV: INDICATORS_HEADER,
    QUALITY_CSV: QUALITY_HEADER,
}
"""The CSV files of every export, and their columns."""
HISTORY_TABLE: Final = {HISTORY_CSV: HISTORY_HEADER}
"""The CSV file of exports whose session file keeps days or weeks."""
QUOTES_TABLE: Final = {QUOTES_CSV: QUOTES_HEADER}
"""The CSV file of exports whose session file streams quotes."""
SCANS_TABLE: Final = {SCANS_CSV: SCANS_HEADER}
"""The CSV file of exports whose session file has scanners."""
ACCOUNT_TABLES: Final = {
    ORDERS_CSV: ORDERS_HEADER,
    FILLS_CSV: FILLS_HEADER,
    TRADES_CSV: TRADES_HEADER,
    EQUITY_CSV: EQUITY_HEADER,
}
"""The CSV files of exports whose session file has strategies."""

# JSON files begin with their first fields.
_BEGINNINGS: Final = {
    name: ",".join(header).encode() + b"\n"
    for name, header in (TABLES | QUOTES_TABLE | HISTORY_TABLE | SCANS_TABLE | ACCOUNT_TABLES).items()
} | {
    SESSION_JSON: b'{\n  "session_name": ',
    METRICS_JSON: b'{\n  "seconds": ',
    MANIFEST: b'{\n  "format": 1,\n  "status": ',
}
EXPORT_FILES: Final = tuple(_BEGINNINGS)
"""Names of all files that an export may have."""


def has_own_files(folder: Path) -> bool:
    """Whether a folder has files of an export; OSError if they cannot be read."""
    return any(is_own(folder / name) for name in EXPORT_FILES)


def foreign_file(folder: Path, names: Iterable[str]) -> Path | None:
    """Return the first path that has one of these names of an export but is something else, or None."""
    paths = (folder / name for name in names)
    return next((path for path in paths if _exists(path) and not is_own(path)), None)


def is_own(path: Path) -> bool:
    """Whether a path is a file of an export, by its name and first bytes; an empty file is."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return False
    except (FileNotFoundError, NotADirectoryError):
        return False
    beginning = _BEGINNINGS[path.name]
    with path.open("rb") as file:
        return file.read(len(beginning)) in (beginning, b"")


def _exists(path: Path) -> bool:
    return path.is_symlink() or path.exists()
