"""Keys of actions: spelling, changes by the user, and the table of keys for README."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from tapedeck.console.actions.table import BY_ID, Action, screen_actions
from tapedeck.engine.errors import nearest

LIST_KEYS: Final = (
    ("pageup pagedown", "Page up or down in lists"),
    ("home ctrl+end", "First or last row of lists"),
)
"""Keys of the table and of lists, for help and README."""

_SIGNS: Final = {
    "full_stop": ".", "comma": ",", "plus": "+", "equals_sign": "=", "minus": "-", "slash": "/",
    "left_square_bracket": "[", "right_square_bracket": "]", "apostrophe": "'", "question_mark": "?",
    "up": "↑", "down": "↓",
}  # fmt: skip


def key_sign(key: str) -> str:
    """Return how a key is written for people: `.` for `full_stop`."""
    return _SIGNS.get(key, key)


def keys_of(action: Action, changes: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return an action's keys in Textual's names, changed ones in place of its own."""
    text = (changes or {}).get(action.id, action.keys)
    return tuple(key.strip() for key in text.split(",") if key.strip())


def shown_keys(action: Action, changes: Mapping[str, str] | None = None) -> str:
    """Return an action's keys as help shows them."""
    return " ".join(key_sign(key) for key in keys_of(action, changes))


def first_key(action_id: str, changes: Mapping[str, str] | None = None) -> str:
    """Return the first key of an action, as help shows it; "" where it has none."""
    return next(map(key_sign, keys_of(BY_ID[action_id], changes)), "")


def clashes(changes: Mapping[str, str] | None = None) -> tuple[tuple[str, str, str], ...]:
    """Return (key, action id, action id) for every key that two actions of one mode would have."""
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
    """Return a sentence for every id that no action has, with the nearest one that exists."""
    said, known = [], _with_keys()
    for word in ids:
        if word not in known:
            near = nearest(word, known)
            hint = f" Did you mean {near!r}?" if near else " Press ? in the console to list them."
            said.append(f"unknown action {word!r}.{hint}")
    return tuple(said)


def usable_keys(changes: Mapping[str, str]) -> dict[str, str]:
    """Return the valid key changes, in Textual's names; `key_problems` reports the others."""
    known = _with_keys()
    taken = {
        name: ",".join(_named(key) for key in _words(keys))
        for name, keys in changes.items()
        if name in known and _words(keys) and all(map(_is_key, _words(keys)))
    }
    return {} if clashes(taken) else taken


def key_problems(changes: Mapping[str, str]) -> tuple[str, ...]:
    """Return a sentence for each invalid key change: unknown actions and keys, missing keys, clashes."""
    said, ids = [*unknown_actions(changes)], _with_keys()
    for name, keys in changes.items():
        if name in ids:
            stays = f"{name} keeps {shown_keys(BY_ID[name]) or 'no key'}."
            if not _words(keys):
                said.append(f"{name}: no key given (write a comma as comma). {stays}")
            said += [f"{name}: {_unknown_key(key)} {stays}" for key in _words(keys) if not _is_key(key)]
    known = {name: keys for name, keys in changes.items() if name in ids}
    said += [
        f"key {key_sign(key)!r} is used by both {one} and {other}: no key is changed."
        for key, one, other in clashes({name: ",".join(map(_named, _words(k))) for name, k in known.items()})
    ]
    return tuple(said)


def _with_keys() -> tuple[str, ...]:
    """Return the ids of the actions that may have keys."""
    return tuple(action.id for action in screen_actions())


_MODIFIERS: Final = re.compile(r"^(?:(?:ctrl|shift|alt|meta|super|hyper)\+)*")


def _words(keys: str) -> list[str]:
    return [key.strip() for key in keys.split(",") if key.strip()]


def _named(key: str) -> str:
    """Return Textual's name of a key that is written as its sign: `full_stop` for `.`."""
    from textual.binding import BindingsMap  # noqa: PLC0415 - only the console has keys

    if len(key) != 1 or key == ",":  # which stands between keys
        return "comma" if key == "," else key
    return next(iter(BindingsMap([(key, "", "")]).key_to_bindings))


@cache
def _known_keys() -> frozenset[str]:
    from textual.keys import Keys  # noqa: PLC0415 - as above

    printable = (chr(code) for code in range(33, 127))
    return frozenset({key.value for key in Keys} | {_named(sign) for sign in printable})


def _is_key(key: str) -> bool:
    base = _MODIFIERS.sub("", key, count=1)
    return key in _known_keys() or base in _known_keys() or (len(base) == 1 and base.isprintable())


def _unknown_key(key: str) -> str:
    near = nearest(key, _known_keys())
    hint = f" Did you mean {near!r}?" if near else " Use names such as n, f5, ctrl+n, left, full_stop."
    return f"unknown key {key!r}.{hint}"


def key_table_markdown() -> str:
    """Return the table of keys for README, in the order of help."""
    lines = ["| key | what it does |", "|---|---|"]
    for action in screen_actions():
        if action.keys:
            keys = " ".join(f"`{key_sign(key)}`" for key in keys_of(action))
            lines.append(f"| {keys} | {action.help} |")
    for listed, sentence in LIST_KEYS:
        lines.append(f"| {' '.join(f'`{key}`' for key in listed.split())} | {sentence} |")
    lines.append("| `ctrl+p` | Open command palette |")
    return "\n".join(lines)
