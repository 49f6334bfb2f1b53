"""Files that a session file names: of its universe, and of the classes of scanners and strategies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tapedeck.engine.config.class_names import is_path
from tapedeck.engine.config.session_config import SessionConfig
from tapedeck.engine.config.text_files import missing_file
from tapedeck.engine.errors import ConfigProblem
from tapedeck.engine.user_path import expanded

_DATA: Final = "session_data_config"


def find_missing_files(config: SessionConfig) -> list[ConfigProblem]:
    """Return a problem for each named file that does not exist; its path begins at the file's folder."""
    problems = []
    for place, text in _named(config):
        path = config.folder / expanded(text)
        if not path.exists():
            message, near = missing_file(path, {path.suffix})
            problems.append(ConfigProblem(place, text, f"the file {str(path)!r} {message}", near))
    return problems


def _named(config: SessionConfig) -> Iterator[tuple[str, str]]:
    data = config.session_data_config
    if data.universe is not None and data.universe.file is not None:
        yield f"{_DATA}.universe.file", data.universe.file
    classes = [
        *((f"{_DATA}.scanners[{at}].scanner", one.scanner) for at, one in enumerate(data.scanners)),
        *((f"strategies[{at}].strategy", one.strategy) for at, one in enumerate(config.strategies)),
    ]
    for field, written in classes:
        place = "" if written is None else written.rpartition(":")[0]
        if is_path(place):
            yield field, place
