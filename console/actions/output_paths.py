"""Paths of exports and scripts, for the console and batch jobs."""

from __future__ import annotations

import os
from itertools import chain
from pathlib import Path
from typing import Final

from tapedeck.engine.export.manifest import SESSION_JSON

_MAX_NUMBER: Final = 10_000


def json_file(path: Path) -> Path:
    """Return the file of `export json`: the path, or session.json in it if it is a folder."""
    return path / SESSION_JSON if path.is_dir() else path


def free_name(path: Path) -> Path:
    """Return a path that does not exist yet: this one, or this one with a number after its name."""
    names = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(2, _MAX_NUMBER))
    return next((name for name in chain((path,), names) if not os.path.lexists(name)), path)
