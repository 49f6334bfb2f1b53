"""UI state kept between runs: a JSON file in the state folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from tapedeck.engine.output_file import make_folders, write_file

FILE_NAME: Final = "console.json"
_LARGEST: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class UiState:
    """Theme, layout, sort order, focused symbol, and changed keys (action id → keys)."""

    theme: str = ""
    hidden: tuple[str, ...] = ()
    panel: str = ""
    sort: str = ""
    descending: bool = False
    symbol: str = ""
    interval: str = ""
    keys: dict[str, str] = field(default_factory=dict)


def load_ui_state(folder: Path) -> tuple[UiState, str | None]:
    """Return the saved state; with an unusable file, the defaults and a notice."""
    path = folder / FILE_NAME
    try:
        if path.stat().st_size > _LARGEST:
            return UiState(), _ignored(path, f"larger than {_LARGEST:,} bytes")
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return UiState(), None
    except (OSError, ValueError) as error:
        return UiState(), _ignored(path, str(error))
    try:
        return _read(document), None
    except (TypeError, ValueError, AttributeError) as error:
        return UiState(), _ignored(path, str(error))


def save_ui_state(folder: Path, ui_state: UiState) -> str | None:
    """Write the state atomically; return a notice if that fails."""
    path = folder / FILE_NAME
    text = json.dumps(asdict(ui_state), indent=2, ensure_ascii=False) + "\n"
    try:
        make_folders(folder)
        write_file(path, text.encode())
    except OSError as error:
        return f"{path} cannot be written ({error.strerror or error}): layout and theme are not saved."
    return None


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
    return UiState(**texts, hidden=tuple(hidden), descending=document.get("descending") is True, keys=keys)


def _text(document: dict[str, object], name: str) -> str:
    value = document.get(name, "")
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text, not {value!r}")
    return value


def _ignored(path: Path, reason: str) -> str:
    return f"{path} cannot be used ({reason}): using the defaults; the file is replaced at the end."
