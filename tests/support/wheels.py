"""Contents of wheels."""

from __future__ import annotations

import zipfile
from pathlib import Path


def contents(archive: Path) -> dict[str, bytes]:
    """Return the files of a wheel, by name."""
    with zipfile.ZipFile(archive) as wheel:
        return {name: wheel.read(name) for name in wheel.namelist()}
