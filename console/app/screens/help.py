"""The help page: every action with its keys, from the action table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Final

from textual.content import Content

from tapedeck.console.actions.keys import LIST_KEYS, shown_keys
from tapedeck.console.actions.table import Action, screen_actions
from tapedeck.console.app.grid_text import Cell, folded
from tapedeck.console.app.screens.text_page import TextPage
from tapedeck.console.app.widgets import TickKind

_PALETTE: Final = ("ctrl+p", "Command palette: every command and every symbol")
_MOUSE: Final = (
    ("click a row", "Focus a symbol"),
    ("click a column", "Sort by it, as s does; again, the other way round"),
    ("click a panel", "Go there; twice on its name, the panel alone, or all again"),
    ("click the timeline", "Go there"),
    ("click the gap map", "Go to that slot of that symbol"),
    ("click the footer", "What the key does"),
    ("wheel", "Scroll"),
)
_TIMELINE: Final = (
    ("┃ ◉", "Where the run stands, and the moment that is looked at; what is right of it is of the present"),
    ("━ ╍ ┄ ·", "Bars of all symbols are there, 90 % of them at least, fewer, none; each has its colour"),
    (f"{TickKind.GAP.value} {TickKind.SESSION.value}", "Bars are missing; the session opened or closed"),
    (
        f"{TickKind.BOOKMARK.value} {TickKind.BREAK.value} {TickKind.ERROR.value}",
        "A bookmark, a breakpoint that was met, something that failed",
    ),
)


def help_page(changes: Mapping[str, str]) -> TextPage:
    """Return the help page for the keys as they are, changes included."""
    return TextPage("Keys", partial(help_text, changes))


def help_text(changes: Mapping[str, str], width: int) -> Content:
    """Return all actions under their groups, then what the mouse does, and what signs mean.

    Sentences are wrapped to a width.
    """
    rows = screen_actions()
    page = _Page(max(len(_how(action, changes)) for action in rows), width)
    for group, actions in groupby(rows, key=lambda action: action.group):
        page.add(group, [(_how(action, changes), action.help) for action in actions])
    page.add("Lists, palette and mouse", [*LIST_KEYS, _PALETTE, *_MOUSE])
    page.add("Signs on the timeline", _TIMELINE)
    return page.text


def _how(action: Action, changes: Mapping[str, str]) -> str:
    """Return the keys of an action; of one that has none, what to type in the palette."""
    return shown_keys(action, changes) or f"{_PALETTE[0]} {action.label}"


class _Page:
    """Groups of keys and sentences, in two columns."""

    def __init__(self, longest: int, width: int) -> None:
        self._left = max(longest, *(len(what) for what, _ in (*LIST_KEYS, *_MOUSE)))
        self._width = width
        self._parts: list[Content] = []

    def add(self, heading: str, rows: Sequence[tuple[str, str]]) -> None:
        """Add a group."""
        lines = [(Cell(what.ljust(self._left), "$text-accent bold"), sentence) for what, sentence in rows]
        self._parts += [
            Content.styled(heading, "bold underline"),
            folded(lines, self._width),
            Content(""),
        ]

    @property
    def text(self) -> Content:
        """The page."""
        return Content("\n").join(self._parts[:-1])
