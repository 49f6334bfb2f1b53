"""Keys of actions: spelling, key changes of the settings, and README's key table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from tapedeck.console.actions.table import BY_ID, Action, screen_actions
from tapedeck.engine.errors import did_you_mean, nearest

LIST_KEYS: Final = (
    ("pageup pagedown", "Page up or down in lists"),
    ("home ctrl+end", "First or last row of lists"),
)
"""Keys of the table and of lists, for help and README."""

_PANEL: Final = "panel_"
"""Beginning of the ids of actions that show a panel."""
_SIGNS: Final = {
    "full_stop": ".", "comma": ",", "plus": "+", "equals_sign": "=", "minus": "-", "slash": "/",
    "left_square_bracket": "[", "right_square_bracket": "]", "apostrophe": "'", "question_mark": "?",
    "left_curly_bracket": "{", "right_curly_bracket": "}",
    "left_parenthesis": "(", "right_parenthesis": ")",
    "greater_than_sign": ">", "less_than_sign": "<", "up": "↑", "down": "↓", "left": "←", "right": "→",
}  # fmt: skip


def key_sign(key: str) -> str:
    """Return a key as help and messages show it: `.` for `full_stop`."""
    return _SIGNS.get(key, key)


def keys_of(action: Action, changes: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return an action's keys in Textual's names, with key changes applied."""
    text = (changes or {}).get(action.id, action.keys)
    return tuple(key.strip() for key in text.split(",") if key.strip())


def shown_keys(action: Action, changes: Mapping[str, str] | None = None) -> str:
    """Return an action's keys as help shows them."""
    return " ".join(key_sign(key) for key in keys_of(action, changes))


def _quoted_keys(action: Action) -> str:
    return " and ".join(repr(key_sign(key)) for key in keys_of(action)) or "no key"


def first_key(action_id: str, changes: Mapping[str, str] | None = None) -> str:
    """Return the first key of an action, as help shows it; "" if it has none."""
    return next(map(key_sign, keys_of(BY_ID[action_id], changes)), "")


def conflicts(changes: Mapping[str, str] | None = None) -> tuple[tuple[str, str, str], ...]:
    """Return (key, action id, action id) for each key that two actions of a mode share."""
    found: list[tuple[str, str, str]] = []
    owners: dict[tuple[str, str], str] = {}
    for action in screen_actions():
        for key in keys_of(action, changes):
            for mode in sorted(action.modes):
                other = owners.setdefault((key, mode), action.id)
                if other != action.id and (key, other, action.id) not in found:
                    found.append((key, other, action.id))
    return tuple(found)


def unknown_actions(ids: Iterable[str]) -> tuple[str, ...]:
    """Return a message for each unknown action id, with the nearest known one."""
    problems, known = [], _bindable_ids()
    for word in ids:
        if word not in known:
            near = nearest(word, known)
            hint = did_you_mean(near) or " Press ? in the console to list them."
            problems.append(f"unknown action {word!r}.{hint}")
    return tuple(problems)


def usable_keys(changes: Mapping[str, str]) -> dict[str, str]:
    """Return the valid key changes, in Textual's names; `key_problems` reports the others."""
    known = _bindable_ids()
    changed = {
        name: ",".join(_key_name(key) for key in _split_keys(keys))
        for name, keys in changes.items()
        if name in known and _split_keys(keys) and all(map(_is_key, _split_keys(keys)))
    }
    return {} if conflicts(changed) else changed


def key_problems(changes: Mapping[str, str]) -> tuple[str, ...]:
    """Return a message for each invalid key change: unknown actions and keys, missing keys, conflicts."""
    problems, ids = [*unknown_actions(changes)], _bindable_ids()
    for name, keys in changes.items():
        if name in ids:
            kept = f"{name} keeps {_quoted_keys(BY_ID[name])}."
            if not _split_keys(keys):
                problems.append(f"{name}: no key given (write a comma as comma). {kept}")
            problems += [
                f"{name}: {_unknown_key(key)} {kept}" for key in _split_keys(keys) if not _is_key(key)
            ]
    known = {name: keys for name, keys in changes.items() if name in ids}
    problems += [
        f"key {key_sign(key)!r} is used by both {one} and {other}: no key is changed."
        for key, one, other in conflicts(
            {name: ",".join(map(_key_name, _split_keys(k))) for name, k in known.items()}
        )
    ]
    return tuple(problems)


def _bindable_ids() -> tuple[str, ...]:
    """Return the ids of the actions that can have keys."""
    return tuple(action.id for action in screen_actions())


_MODIFIERS: Final = re.compile(r"^(?:(?:ctrl|shift|alt|meta|super|hyper)\+)*")


def _split_keys(keys: str) -> list[str]:
    return [key.strip() for key in keys.split(",") if key.strip()]


def _key_name(key: str) -> str:
    """Return Textual's name of a key given as a sign: `full_stop` for `.`."""
    from textual.binding import BindingsMap  # noqa: PLC0415 - only the console has keys

    if len(key) != 1 or key == ",":  # the comma separates keys
        return "comma" if key == "," else key
    return next(iter(BindingsMap([(key, "", "")]).key_to_bindings))


@cache
def _known_keys() -> frozenset[str]:
    from textual.keys import Keys  # noqa: PLC0415 - as above

    printable = (chr(code) for code in range(33, 127))
    return frozenset({key.value for key in Keys} | {_key_name(sign) for sign in printable})


def _is_key(key: str) -> bool:
    base = _MODIFIERS.sub("", key, count=1)
    return key in _known_keys() or base in _known_keys() or (len(base) == 1 and base.isprintable())


def _unknown_key(key: str) -> str:
    near = nearest(key, _known_keys())
    hint = did_you_mean(near) or " Use names such as n, f5, ctrl+n, left, full_stop."
    return f"unknown key {key!r}.{hint}"


def _signs(action: Action) -> str:
    return " ".join(f"`{key_sign(key)}`" for key in keys_of(action))


def key_table_markdown() -> str:
    """Return the table of keys for README, in the order of help; all panels have one line."""
    lines = ["| key | what it does |", "|---|---|"]
    panels = [action for action in screen_actions() if action.id.startswith(_PANEL)]
    for action in screen_actions():
        if action not in panels:
            lines += [f"| {_signs(action)} | {action.help} |"] if action.keys else []
        elif action is panels[0]:
            names = ", ".join(panel.label for panel in panels)
            lines.append(f"| {' '.join(map(_signs, panels))} | Show {names} |")
    for listed, sentence in LIST_KEYS:
        lines.append(f"| {' '.join(f'`{key}`' for key in listed.split())} | {sentence} |")
    lines.append("| `ctrl+p` | Open command palette |")
    return "\n".join(lines)
