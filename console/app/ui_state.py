"""What the console remembers from one time to the next: a small JSON file in the state folder."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

FILE_NAME: Final = "console.json"
_LARGEST: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class UiState:
    """Theme, layout, order and focus of the symbols, and changed keys (action id → keys)."""

    theme: str = ""
    hidden: tuple[str, ...] = ()
    panel: str = ""
    sort: str = ""
    descending: bool = False
    symbol: str = ""
    interval: str = ""
    keys: dict[str, str] = field(default_factory=dict)


def load_ui_state(folder: Path) -> tuple[UiState, str | None]:
    """Return what is remembered, and a sentence where the file cannot be used, which is then ignored."""
    path = folder / FILE_NAME
    try:
        if path.stat().st_size > _LARGEST:
            return UiState(), _ignored(path, "it is far too large")
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
    """Write what is to be remembered, whole or not at all; return a sentence where that cannot be."""
    path = folder / FILE_NAME
    text = json.dumps(asdict(ui_state), indent=2, ensure_ascii=False) + "\n"
    temporary = ""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{FILE_NAME}.", dir=folder)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        return f"{path} cannot be written ({error.strerror or error}): layout and theme are not remembered."
    return None


def _read(document: object) -> UiState:
    if not isinstance(document, dict):
        raise TypeError("it holds no mapping")
    known = UiState()
    texts = {name: _text(document, name) for name in ("theme", "panel", "sort", "symbol", "interval")}
    hidden, keys = document.get("hidden", ()), document.get("keys", known.keys)
    if not isinstance(hidden, list | tuple) or not all(isinstance(name, str) for name in hidden):
        raise TypeError("hidden is no list of panels")
    if not isinstance(keys, dict) or not all(isinstance(word, str) for pair in keys.items() for word in pair):
        raise TypeError("keys is no mapping of actions to keys")
    return UiState(**texts, hidden=tuple(hidden), descending=document.get("descending") is True, keys=keys)


def _text(document: dict[str, object], name: str) -> str:
    value = document.get(name, "")
    if not isinstance(value, str):
        raise TypeError(f"{name} is no text")
    return value


def _ignored(path: Path, reason: str) -> str:
    return f"{path} cannot be used ({reason}): starting with the defaults, and writing it anew at the end."
