"""State files: JSON files in the state folder, read within limits; unusable ones are set aside."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from tapedeck.console.actions.output_paths import free_name
from tapedeck.engine.errors import cause_of, shortened
from tapedeck.engine.output_file import make_folders, write_file
from tapedeck.engine.printable import printable_line
from tapedeck.engine.regular_file import read_regular

LARGEST: Final = 1 << 20
"""Most bytes of a state file."""

State = TypeVar("State")


def read_state(path: Path, read: Callable[[object], State]) -> tuple[State | None, str]:
    """Return the state of a file and "", or None and the reason why it cannot be used.

    Without a file it is None and "". `read` takes the JSON document, and raises TypeError or
    ValueError for an invalid one.
    """
    try:
        data = read_regular(path, LARGEST + 1)
        if len(data) > LARGEST:
            return None, f"larger than {LARGEST:,} bytes"
        return read(json.loads(data.decode("utf-8"))), ""
    except FileNotFoundError:
        return None, ""
    except OSError as error:
        return None, cause_of(error)
    except RecursionError:
        return None, "nested too deeply"
    except (TypeError, ValueError, AttributeError) as error:
        return None, printable_line(shortened(str(error)))


def write_state(path: Path, document: object) -> None:
    """Write a document as a whole, creating its folder; OSError if that fails."""
    make_folders(path.parent)
    write_file(path, (json.dumps(document, indent=2) + "\n").encode("ascii"))


def set_aside(path: Path, reason: str, instead: str) -> str:
    """Rename an unusable file, which may have been edited by hand; return the notice, with what is used."""
    kept = free_name(path.with_name(f"{path.stem}.unusable{path.suffix}"))
    try:
        path.rename(kept)
    except OSError as error:
        return f"{path} cannot be used ({reason}), nor renamed ({cause_of(error)}): {instead}."
    return f"{path} cannot be used ({reason}): {instead}; the file is kept as {kept.name}."
