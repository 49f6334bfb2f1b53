"""The help page: every action with its keys, from the action table."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

from textual.content import Content

from console.ui.actions import ACTIONS, shown_keys
from console.ui.grid_text import Cell, grid
from console.ui.screens.text_page import TextPage

_MOUSE = (
    ("click a row", "Focus a symbol"),
    ("click a heading", "Sort by it; again, the other way round"),
    ("click the timeline", "Go there"),
    ("click the gap map", "Go to that slot of that symbol"),
    ("click the footer", "What the key does"),
    ("wheel", "Scroll"),
)


def help_page(changes: Mapping[str, str]) -> TextPage:
    """Return the help page for the keys as they are, changes included."""
    return TextPage("Keys", help_text(changes))


def help_text(changes: Mapping[str, str]) -> Content:
    """Return all actions under their groups, then what the mouse does."""
    parts: list[Content] = []
    width = max(len(shown_keys(action, changes)) for action in ACTIONS)
    for group, actions in groupby(ACTIONS, key=lambda action: action.group):
        rows = [
            (Cell((shown_keys(action, changes) or "ctrl+p").ljust(width), "$text-accent bold"), action.help)
            for action in actions
        ]
        parts += [Content.styled(group, "bold underline"), grid(["", ""], rows), Content("")]
    rows = [
        (Cell("ctrl+p".ljust(width), "$text-accent bold"), "Command palette: every command and every symbol")
    ]
    rows += [(Cell(what.ljust(width), "$text-accent bold"), does) for what, does in _MOUSE]
    parts += [Content.styled("Palette and mouse", "bold underline"), grid(["", ""], rows)]
    return Content("\n").join(parts)
