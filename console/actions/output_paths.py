"""Where what the user asks for is written, in the console and in a batch job alike."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Final

from tapedeck.engine.export.manifest import SESSION_JSON

_MOST_OF_ONE_NAME: Final = 10_000


def json_file(path: Path) -> Path:
    """Return the file that `export json` writes: the one that is named, in a folder its session.json."""
    return path / SESSION_JSON if path.is_dir() else path


def free_name(path: Path) -> Path:
    """Return a path at which nothing stands: this one, or one with a number behind its name."""
    names = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(2, _MOST_OF_ONE_NAME))
    return next((name for name in chain((path,), names) if not name.exists()), path)
