"""The one table of actions: behind footer, help, palette, key changes, mouse, key scripts and README."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Final

from tapedeck.engine.errors import nearest


class Mode(Enum):
    """Where an action works: the main screen, or a screen that opens over it."""

    MAIN = "main"
    COVERAGE = "coverage"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a user can do.

    `keys`: Textual's names, several with commas; "" where only the palette and scripts have it. `handler`:
    group and method that do it, `argument` what that is given. `group` heads it in help. `footer`: its rank
    there, 0: not shown; where it gets narrow, high ranks go first. `label` is the footer's word, `help` one
    sentence.
    """

    id: str
    keys: str
    label: str
    help: str
    handler: str
    group: str
    argument: str = ""
    modes: frozenset[Mode] = frozenset({Mode.MAIN})
    footer: int = 0


EVERYWHERE: Final = frozenset(Mode)
PANELS: Final = ("symbols", "chart", "indicators", "quality", "metrics", "events", "log")
"""The panels of the main screen; their keys are 1, 2, 3, …"""

_PLAY, _LOOK, _SHOW, _DATA, _APP = "Play", "Look around", "Show", "Data", "Console"

ACTIONS: Final[tuple[Action, ...]] = (
    Action("pause", "space", "pause", "Pause, or play on", "transport.toggle", _PLAY, footer=1),
    Action("resume", "", "play", "Play on", "transport.resume", _PLAY),
    Action("step", "full_stop", "step", "One slot on", "transport.on", _PLAY, "slot", footer=2),
    Action(
        "step_back", "comma", "back", "One slot back: look at the past",
        "looking.back", _PLAY, "slot", footer=3
    ),
    Action("minute_on", "m", "minute", "A minute on", "transport.on", _PLAY, "minute"),
    Action("minute_back", "M", "minute back", "A minute back", "looking.back", _PLAY, "minute"),
    Action("hour_on", "o", "hour", "An hour on", "transport.on", _PLAY, "hour"),
    Action("hour_back", "O", "hour back", "An hour back", "looking.back", _PLAY, "hour"),
    Action("day_on", "d", "day", "A day on, to the same time", "transport.on", _PLAY, "day"),
    Action("day_back", "D", "day back", "A day back, to the same time", "looking.back", _PLAY, "day"),
    Action(
        "next_session", "n", "next session",
        "On to the next session's open; in the past, at most to the present",
        "transport.next_session", _PLAY
    ),
    Action("faster", "plus,equals_sign", "faster", "Play faster", "transport.faster", _PLAY, footer=5),
    Action("slower", "minus", "slower", "Play slower", "transport.slower", _PLAY, footer=6),
    Action("max_speed", "0", "max", "As fast as data allow", "transport.fastest", _PLAY),
    Action("speed", "", "speed", "Play at a speed: 60, or max", "transport.speed", _PLAY),
    Action(
        "goto", "g", "go to", "Go to a time or date: 10:30, 14h, next open, tuesday",
        "looking.ask_moment", _LOOK, footer=4
    ),
    Action(
        "previous_event", "left_square_bracket", "previous event", "Back to the previous event of the list",
        "looking.event", _LOOK, "back"
    ),
    Action(
        "next_event", "right_square_bracket", "next event",
        "On to the next event of the list, up to the present",
        "looking.event", _LOOK, "on"
    ),
    Action("present", "end", "present", "Return from looking back", "looking.present", _LOOK),
    Action("next_symbol", "tab,down", "next symbol", "The next symbol", "panels.symbol", _LOOK, "1"),
    Action(
        "previous_symbol", "shift+tab,up", "previous symbol", "The previous symbol",
        "panels.symbol", _LOOK, "-1"
    ),
    Action("symbol", "", "symbol", "Go to a symbol by its name", "panels.focus", _LOOK),
    Action(
        "why", "w", "why", "Where the symbol's numbers come from; first the one it is sorted by",
        "looking.why", _LOOK, footer=9
    ),
    Action(
        "breakpoint", "b", "break", "Pause wherever a condition becomes true; list and remove such",
        "looking.ask_breakpoint", _LOOK, footer=8
    ),
    Action("unbreak", "", "unbreak", "Remove a breakpoint", "looking.remove_breakpoint", _LOOK),
    Action("bookmark", "apostrophe", "bookmark", "Mark this moment", "looking.ask_bookmark", _LOOK),
    *(
        Action(f"panel_{name}", str(number), name, f"Show {name}, or go there", "panels.show", _SHOW, name)
        for number, name in enumerate(PANELS, 1)
    ),
    Action("coverage", "8", "coverage", "Which bars are stored: symbols by days", "panels.coverage", _SHOW),
    Action("report", "9", "report", "How the run went so far", "panels.report", _SHOW),
    Action("maximise", "z", "maximise", "The panel alone, or all again", "panels.maximise", _SHOW, footer=10),
    Action("hide", "x", "hide", "Hide the panel; its key brings it back", "panels.hide", _SHOW),
    Action("interval", "i", "interval", "The chart's next interval", "panels.interval", _SHOW, footer=7),
    Action(
        "filter", "slash", "filter", "Filter symbols, events or log as you type",
        "panels.filter", _SHOW, footer=11
    ),
    Action(
        "sort", "s", "sort",
        "Sort symbols by the next column, and show the largest on top",
        "panels.sort", _SHOW
    ),
    Action("reverse", "S", "reverse", "Turn the order of symbols round", "panels.reverse", _SHOW),
    Action("theme", "t", "theme", "The next theme", "panels.theme", _SHOW),
    Action(
        "export_csv", "e", "export", "Export what was played as CSV",
        "data.export_csv", _DATA, modes=frozenset({Mode.MAIN, Mode.REPORT}), footer=12
    ),
    Action(
        "export_json", "j", "export JSON", "Export the state as session.json",
        "data.export_json", _DATA, modes=frozenset({Mode.MAIN, Mode.REPORT})
    ),
    Action("copy", "y", "copy", "Copy the panel as CSV, Markdown or JSON", "data.copy", _DATA),
    Action(
        "save_script", "", "save script",
        "Save what was done as a key script; looking back is left out",
        "data.save_script", _DATA
    ),
    Action("help", "question_mark", "help", "All keys", "app.help", _APP, modes=EVERYWHERE, footer=1),
    Action(
        "quit", "q", "quit", "End the run in order, and leave",
        "app.quit", _APP, modes=EVERYWHERE, footer=1
    ),
    Action(
        "quit_now", "ctrl+c,ctrl+q", "end", "End in order, without asking",
        "app.quit_now", _APP, modes=EVERYWHERE
    ),
    Action(
        "suspend", "ctrl+z", "suspend", "Stand still and give the terminal back; fg there returns",
        "app.suspend", _APP, modes=EVERYWHERE
    ),
)  # fmt: skip

LIST_KEYS: Final = (
    ("pageup pagedown", "In the table and in lists: a page up, a page down"),
    ("home ctrl+end", "In the table and in lists: to the first row, to the last"),
)
"""Keys of the table and of lists themselves, as help and README tell them."""

BY_ID: Final[Mapping[str, Action]] = {action.id: action for action in ACTIONS}

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
    """Return the key that an action is told with, as help shows it; nothing where it has none."""
    return next(map(key_sign, keys_of(BY_ID[action_id], changes)), "")


def clashes(changes: Mapping[str, str] | None = None) -> tuple[tuple[str, str, str], ...]:
    """Return (key, action id, action id) for every key that two actions of one mode would have."""
    found: list[tuple[str, str, str]] = []
    owners: dict[tuple[str, Mode], str] = {}
    for action in ACTIONS:
        for key in keys_of(action, changes):
            for mode in sorted(action.modes, key=lambda mode: mode.value):
                other = owners.setdefault((key, mode), action.id)
                if other != action.id and (key, other, action.id) not in found:
                    found.append((key, other, action.id))
    return tuple(found)


def unknown_actions(ids: Iterable[str]) -> tuple[str, ...]:
    """Return a sentence for every id that no action has, with the nearest one that exists."""
    said = []
    for word in ids:
        if word not in BY_ID:
            near = nearest(word, BY_ID)
            hint = f" Did you mean {near!r}?" if near else " `tapedeck` shows all of them with ?."
            said.append(f"{word!r} is no action.{hint}")
    return tuple(said)


def usable_keys(changes: Mapping[str, str]) -> dict[str, str]:
    """Return the key changes that can be taken, in Textual's names; without those `key_problems` tells of."""
    taken = {
        name: ",".join(_named(key) for key in _words(keys))
        for name, keys in changes.items()
        if name in BY_ID and _words(keys) and all(map(_is_key, _words(keys)))
    }
    return {} if clashes(taken) else taken


def key_problems(changes: Mapping[str, str]) -> tuple[str, ...]:
    """Return a sentence for each key change that cannot be taken: unknown actions and keys, none, clashes."""
    said = [*unknown_actions(changes)]
    for name, keys in changes.items():
        if name in BY_ID:
            stays = f"{name} stays on {shown_keys(BY_ID[name]) or 'none'}."
            if not _words(keys):
                said.append(f"{name}: no key is given (a comma is written comma). {stays}")
            said += [f"{name}: {_unknown_key(key)} {stays}" for key in _words(keys) if not _is_key(key)]
    known = {name: keys for name, keys in changes.items() if name in BY_ID}
    said += [
        f"the key {key_sign(key)} would do both {one} and {other}: no key is changed."
        for key, one, other in clashes({name: ",".join(map(_named, _words(k))) for name, k in known.items()})
    ]
    return tuple(said)


_MODIFIERS: Final = re.compile(r"(?:(?:ctrl|shift|alt|meta|super|hyper)\+)*")


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
    base = key[_MODIFIERS.match(key).end() :]  # type: ignore[union-attr] # it matches nothing, too
    return key in _known_keys() or base in _known_keys() or (len(base) == 1 and base.isprintable())


def _unknown_key(key: str) -> str:
    near = nearest(key, _known_keys())
    hint = f" Did you mean {near!r}?" if near else " Keys are written as n, f5, ctrl+n, left, full_stop."
    return f"{key!r} is no key.{hint}"


def key_table_markdown() -> str:
    """Return the table of keys for README, in the order of help."""
    lines = ["| key | what it does |", "|---|---|"]
    for action in ACTIONS:
        if action.keys:
            keys = " ".join(f"`{key_sign(key)}`" for key in keys_of(action))
            lines.append(f"| {keys} | {action.help} |")
    for listed, sentence in LIST_KEYS:
        lines.append(f"| {' '.join(f'`{key}`' for key in listed.split())} | {sentence} |")
    lines.append("| `ctrl+p` | Command palette: every command and every symbol |")
    return "\n".join(lines)
