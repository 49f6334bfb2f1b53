"""UI state kept between runs: a JSON file in the state folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

from tapedeck.console.actions.output_paths import free_name
from tapedeck.engine.errors import cause_of, shortened
from tapedeck.engine.output_file import make_folders, write_file
from tapedeck.engine.printable import printable_line
from tapedeck.engine.regular_file import read_regular

FILE_NAME: Final = "console.json"
_SET_ASIDE: Final = "console.unusable.json"
_LARGEST: Final = 1 << 20
_SESSIONS_KEPT: Final = 100


@dataclass(frozen=True, slots=True)
class UiState:
    """Theme, layout, sort order, focused symbol, changed keys (action id → keys), and chosen columns.

    `columns`: session name → columns of the symbol table, the session saved last at the end.
    """

    theme: str = ""
    hidden: tuple[str, ...] = ()
    panel: str = ""
    sort: str = ""
    descending: bool = False
    symbol: str = ""
    interval: str = ""
    keys: dict[str, str] = field(default_factory=dict)
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def with_columns(self, session: str, chosen: tuple[str, ...]) -> UiState:
        """Return the state with the columns of a session, none for the default; old sessions are dropped."""
        columns = {name: keys for name, keys in self.columns.items() if name != session}
        if chosen:
            columns[session] = chosen
        return replace(self, columns=dict(list(columns.items())[-_SESSIONS_KEPT:]))


def load_ui_state(folder: Path) -> tuple[UiState, str | None]:
    """Return the saved state; an unusable file is set aside, with a notice, and the defaults are used."""
    path = folder / FILE_NAME
    try:
        data = read_regular(path, _LARGEST + 1)
        if len(data) > _LARGEST:
            return UiState(), _set_aside(path, f"larger than {_LARGEST:,} bytes")
        return _read(json.loads(data.decode("utf-8"))), None
    except FileNotFoundError:
        return UiState(), None
    except OSError as error:
        return UiState(), _set_aside(path, cause_of(error))
    except RecursionError:
        return UiState(), _set_aside(path, "nested too deeply")
    except (TypeError, ValueError, AttributeError) as error:
        return UiState(), _set_aside(path, printable_line(shortened(str(error))))


def save_ui_state(folder: Path, ui_state: UiState) -> str | None:
    """Write the state as a whole; return a notice if that fails."""
    path = folder / FILE_NAME
    text = json.dumps(asdict(ui_state), indent=2) + "\n"
    try:
        make_folders(folder)
        write_file(path, text.encode("ascii"))
    except OSError as error:
        return f"{path} cannot be written ({cause_of(error)}): layout and theme are not saved."
    return None


def _set_aside(path: Path, reason: str) -> str:
    """Rename an unusable file, which may have been edited by hand, and return the notice."""
    kept = free_name(path.with_name(_SET_ASIDE))
    try:
        path.rename(kept)
    except OSError as error:
        return f"{path} cannot be used ({reason}), nor renamed ({cause_of(error)}): using the defaults."
    return f"{path} cannot be used ({reason}): using the defaults; the file is kept as {kept.name}."


def _read(document: object) -> UiState:
    if not isinstance(document, dict):
        raise TypeError(f"expected a mapping, found {type(document).__name__}")
    known = UiState()
    texts = {name: _text(document, name) for name in ("theme", "panel", "sort", "symbol", "interval")}
    hidden, keys = document.get("hidden", ()), document.get("keys", known.keys)
    if not isinstance(hidden, list | tuple) or not all(isinstance(name, str) for name in hidden):
        raise TypeError("hidden must be a list of panels")
    if not isinstance(keys, dict) or not all(isinstance(word, str) for pair in keys.items() for word in pair):
        raise TypeError("keys must be a mapping of actions to keys")
    return UiState(
        **texts,
        hidden=tuple(hidden),
        descending=document.get("descending") is True,
        keys=keys,
        columns=_columns(document.get("columns", {})),
    )


def _columns(found: object) -> dict[str, tuple[str, ...]]:
    if not isinstance(found, dict) or not all(isinstance(keys, list) for keys in found.values()):
        raise TypeError("columns must be a mapping of session names to lists of columns")
    if not all(isinstance(key, str) for keys in found.values() for key in keys):
        raise TypeError("columns must be names")
    return {str(name): tuple(keys) for name, keys in found.items()}


def _text(document: dict[str, object], name: str) -> str:
    value = document.get(name, "")
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text, not {value!r}")
    return value
