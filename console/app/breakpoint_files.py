"""Breakpoint files: the breakpoints kept with a session file, and those saved to a named file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from tapedeck.console.app.state_file import LARGEST, read_state, set_aside, write_state
from tapedeck.engine.conditions.reading import read_condition
from tapedeck.engine.conditions.syntax import references
from tapedeck.engine.errors import ConditionError, EngineError, cause_of

FOLDER: Final = "breakpoints"
MOST: Final = 500
"""Most breakpoints of a file."""
WORDS: Final = 2
"""Version of the words of conditions with which files are written."""
_NAME_LENGTH: Final = 40

_CHANGED_WORDS: Final = {
    1: {
        "change": "change is now in currency from the prior close; the percentage since the open is "
        "change_open_pct"
    },
}
"""Words whose meaning is another one after a version, with both meanings."""


@dataclass(frozen=True, slots=True)
class SavedBreakpoint:
    """A breakpoint of a file."""

    text: str
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class SavedBreakpoints:
    """The breakpoints of a file; `words`: the version of the words they were written with."""

    breakpoints: tuple[SavedBreakpoint, ...] = ()
    words: int = WORDS

    def changed_words(self) -> tuple[str, ...]:
        """Return a sentence for each condition that uses a word of another meaning than when written."""
        return tuple(
            f"{saved.text}: {meaning}"
            for version in range(self.words, WORDS)
            for word, meaning in _CHANGED_WORDS[version].items()
            for saved in self.breakpoints
            if word in _names(saved.text)
        )


def kept_path(state_folder: Path, session_file: Path) -> Path:
    """Return the file of the breakpoints that are kept with a session file."""
    resolved = Path(os.path.realpath(session_file))
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", resolved.stem)[:_NAME_LENGTH]
    return state_folder / FOLDER / f"{name}-{sha256(os.fsencode(resolved)).hexdigest()[:16]}.json"


def load_kept(path: Path) -> tuple[SavedBreakpoints, str | None]:
    """Return the kept breakpoints; an unusable file is set aside, with a notice, and there are none."""
    found, reason = read_state(path, _read)
    return found or SavedBreakpoints(), set_aside(path, reason, "no kept breakpoints") if reason else None


def save_kept(path: Path, breakpoints: Sequence[SavedBreakpoint]) -> str | None:
    """Write the kept breakpoints as a whole; return a notice if that fails."""
    try:
        _write(path, breakpoints)
    except (EngineError, OSError) as error:
        cause = cause_of(error) if isinstance(error, OSError) else str(error)
        return f"{path} cannot be written ({cause}): breakpoints are not kept."
    return None


def load_named(path: Path) -> SavedBreakpoints:
    """Return the breakpoints of a file that the user names; EngineError if it cannot be used."""
    found, reason = read_state(path, _read)
    if found is None:
        raise EngineError(f"{path} cannot be loaded: {reason or 'it does not exist'}")
    return found


def save_named(path: Path, breakpoints: Sequence[SavedBreakpoint]) -> None:
    """Write breakpoints to a file that the user names; EngineError if that fails."""
    try:
        _write(path, breakpoints)
    except OSError as error:
        raise EngineError(
            f"{path} cannot be written: {cause_of(error)}. Name a file in another folder"
        ) from error


def _write(path: Path, breakpoints: Sequence[SavedBreakpoint]) -> None:
    if len(breakpoints) > MOST or sum(len(saved.text) for saved in breakpoints) > LARGEST // 8:
        raise EngineError(f"{len(breakpoints)} breakpoints are too many or too long: delete some")
    rows = [{"condition": saved.text, "enabled": saved.enabled} for saved in breakpoints]
    write_state(path, {"words": WORDS, "breakpoints": rows})


def _read(document: object) -> SavedBreakpoints:
    if not isinstance(document, dict) or not isinstance(document.get("breakpoints"), list):
        raise TypeError("expected a mapping with a list of breakpoints")
    words, rows = document.get("words", 1), document["breakpoints"]
    if not isinstance(words, int) or isinstance(words, bool) or words < 1:
        raise TypeError(f"words must be a whole number of at least 1, not {words!r}")
    if len(rows) > MOST:
        raise ValueError(f"{len(rows):,} breakpoints: at most {MOST} are allowed")
    return SavedBreakpoints(tuple(map(_read_row, rows)), words)


def _read_row(row: object) -> SavedBreakpoint:
    if not isinstance(row, dict) or not isinstance(row.get("condition"), str):
        raise TypeError("a breakpoint must be a mapping with a condition")
    return SavedBreakpoint(" ".join(row["condition"].split()), row.get("enabled", True) is True)


def _names(text: str) -> Iterable[str]:
    """Return the names that a condition uses; none if it cannot be read."""
    try:
        return {reference.name for reference in references(read_condition(text))}
    except ConditionError:
        return ()
