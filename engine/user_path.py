"""Paths given by the user: faults, and `~` for a home folder."""

from __future__ import annotations

from pathlib import Path


def path_fault(path: str) -> str | None:
    """Return what is wrong with a path, or None; a line end in it could forge lines of messages."""
    if "\0" in path or "\n" in path:
        return f"invalid path {path!r}: line ends and null characters are not allowed"
    return None


def expanded(path: Path | str) -> Path:
    """Return a path with the home folder for `~`; `~name` of an unknown user stays, as in a shell."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)
