"""Help page: all actions with their keys, from the action table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Final

from textual.content import Content

from tapedeck.console.actions.keys import LIST_KEYS, shown_keys
from tapedeck.console.actions.offers import OfferState
from tapedeck.console.actions.table import Action, screen_actions
from tapedeck.console.app.grid_text import Cell, folded
from tapedeck.console.app.screens.text_page import TextPage
from tapedeck.console.app.widgets import TickKind
from tapedeck.console.app.widgets.figures import BEFORE, CORRECTED, JOINS_LATER, MADE, MISSING

_BACKTEST: Final = OfferState()
_PALETTE: Final = ("ctrl+p", "Open command palette")
_MOUSE: Final = (
    ("click a row", "Focus symbol"),
    ("click a column", "Sort by it; again: reverse order"),
    ("click a panel", "Activate it; twice on its name: maximise or restore"),
    ("click the timeline", "Go to that time"),
    ("click missing bars", "Go to that slot and symbol"),
    ("click the footer", "Same as the key"),
    ("wheel", "Scroll"),
)
_TIMELINE: Final = (
    ("┃ ◉", "Present of the run; time shown, if in the past"),
    ("━ ╍ ┄ ·", "Share of the symbols that have a bar: all, at least 90%, fewer, none"),
    (f"{TickKind.GAP.value} {TickKind.SESSION.value}", "Missing bars; open or close of the session"),
    (
        f"{TickKind.BOOKMARK.value} {TickKind.BREAK.value} {TickKind.ERROR.value}",
        "Bookmark; breakpoint hit; error",
    ),
    (TickKind.EVENT.value, "Symbol that joins or leaves"),
)
_SCANS: Final = ((TickKind.SCAN.value, "Scan that found symbols, or failed"),)
_FIGURES: Final = (
    (MISSING, "No value"),
    (BEFORE, "Value of the session before: today has none yet"),
    (MADE, "Bid or ask made of the close of the last bar, as the day has no quotes"),
    (CORRECTED, "Bar that was corrected or filled late, in a live session"),
    (JOINS_LATER, "Before a symbol, in the past: it joins later"),
    ("1─ 2─", "Lines over the price, with number and name at their right ends"),
    ("⠤⠒⠉", "Line of the chart; if you see no dots here, set chart_lines: blocks (tapedeck settings)"),
    ("PMH PML", "High and low of the pre-market, as levels in the chart"),
)
_WORDS: Final = (
    ("slot", "One base interval of a session, such as 10:30 to 10:31, with or without a bar"),
    ("stamp", "Hash over all sessions of a run: same input, same stamp"),
    ("digest", "Hash over one session: its bars, indicators and quality"),
    ("edition", "State of a live session's bars; each correction makes a new one"),
    ("coverage", "Share of a session's slots that have a stored bar: full, partial or missing"),
)


def help_page(changes: Mapping[str, str], offers: Callable[[str], bool]) -> TextPage:
    """Return the help page, with key changes; `offers`: whether the run offers an action."""
    return TextPage("Keys", partial(help_text, changes, offers=offers))


def help_text(
    changes: Mapping[str, str], width: int, *, offers: Callable[[str], bool] = _BACKTEST.offers
) -> Content:
    """Return the actions that a run offers by group, then the mouse, the signs and the console's words.

    Sentences are wrapped to a width.
    """
    rows = [action for action in screen_actions() if offers(action.id)]
    page = _Page(max(len(_how(action, changes)) for action in rows), width)
    for group, actions in groupby(rows, key=lambda action: action.group):
        page.add(group, [(_how(action, changes), action.help) for action in actions])
    page.add("Lists, palette and mouse", [*LIST_KEYS, _PALETTE, *_MOUSE])
    page.add("Signs on the timeline", [*_TIMELINE, *(_SCANS if offers("panel_scanners") else ())])
    page.add("Signs of figures", _FIGURES)
    page.add("Words", _WORDS)
    return page.text


def _how(action: Action, changes: Mapping[str, str]) -> str:
    """Return the keys of an action, or the words to type in the palette if it has none."""
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
