"""Text files given by the user: reading, and errors that say why a file cannot be read."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Final

from tapedeck.engine.errors import WHOLE_FILE, ConfigError, ConfigProblem, cause_of, nearest
from tapedeck.engine.printable import printable_line
from tapedeck.engine.regular_file import read_regular

LARGEST: Final = 1024 * 1024
"""Bytes of the largest text that is read: session file, key script, settings file, theme."""
MAX_VALUES: Final = 100_000
"""Most values of a document in such a text."""
MAX_DEPTH: Final = 40
"""Most levels of a document."""
TOO_LARGE: Final = f"is too large or too deep: at most {MAX_VALUES:,} values, {MAX_DEPTH} levels deep"
"""Message for a document with more."""

# A file is proposed only if its name is almost the one given.
_CUTOFF: Final = 0.8


def read_text_file(path: Path, what: str, *, suffixes: Collection[str] = ()) -> str:
    """Return the UTF-8 text of a regular file; ConfigError with the reason if it cannot be read.

    `what`: the kind of file in messages. `suffixes`: those of files to propose, all without any.
    """
    try:
        if path.is_dir():
            found = _files_in(path, suffixes) if suffixes else []
            contents = f"; it contains {', '.join(found[:5])}" if found else ""
            raise unreadable(path, f"is a folder, not a {what}{contents}")
        data = read_regular(path, LARGEST + 1)
    except FileNotFoundError:
        raise unreadable(path, *missing_file(path, suffixes)) from None
    except OSError as error:
        raise unreadable(path, f"cannot be read: {cause_of(error)}") from error
    if len(data) > LARGEST:
        raise unreadable(path, f"is too large for a {what}: more than {LARGEST // 1024} KiB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise unreadable(path, f"is not UTF-8 text (byte {error.start + 1}): save it as UTF-8") from error


def unreadable(path: Path, message: str, suggestion: str | None = None) -> ConfigError:
    """Return the error for a whole file; `message` continues a sentence that begins with its path."""
    return ConfigError(str(path), [ConfigProblem(WHOLE_FILE, str(path), f"{message}.", suggestion)])


def missing_file(path: Path, suffixes: Collection[str]) -> tuple[str, str | None]:
    """Return what is said of a file that does not exist, and the path of the file that is meant, or None."""
    folder = path.parent
    if not folder.is_dir():
        return f"does not exist, nor does the folder {str(folder)!r}", None
    near = nearest(path.name, _files_in(folder, suffixes), cutoff=_CUTOFF)
    return "does not exist", str(folder / near) if near else None


def _files_in(folder: Path, suffixes: Collection[str]) -> list[str]:
    # glob, unlike iterdir, returns nothing for a folder without read permission.
    return sorted(
        printable_line(entry.name)
        for entry in folder.glob("*")
        if (entry.suffix.lower() in suffixes if suffixes else entry.is_file())
    )
