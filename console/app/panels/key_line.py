"""Footer: keys from the action table; a click runs the action."""

from __future__ import annotations

from typing import Final

from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from tapedeck.console.actions.keys import first_key
from tapedeck.console.actions.table import MAIN, Action, screen_actions

_GAP: Final = "  "


def named_key(key: str, label: str) -> Content:
    """Return a key with its effect, as the footer writes them."""
    return Content.assemble((key, "$footer-key-foreground bold"), " ", label)


def dialog_keys(*pairs: tuple[str, str]) -> Content:
    """Return the keys of a dialog with their effects, on one line."""
    return Content(_GAP).join([named_key(key, label) for key, label in pairs])


class KeyLine(Static):
    """One line of keys. On a narrow screen, high ranks are dropped first; help and quit stay."""

    def __init__(self, mode: str, changes: dict[str, str]) -> None:
        super().__init__(id="keys")
        self._mode = mode
        self._changes = changes

    def on_resize(self, event: Resize) -> None:
        """Show the keys that fit."""
        self.update(key_line(self._mode, self._changes, event.size.width))


def key_line(mode: str, changes: dict[str, str], width: int) -> Content:
    """Return the keys of a mode that fit a width: on pages escape first, then those of the table."""
    back = [] if mode == MAIN else [named_key("escape", "panels").stylize("@click=screen.leave")]
    width -= sum(len(part) + len(_GAP) for part in back)
    actions = [action for action in screen_actions(mode) if action.footer]
    while len(actions) > 1 and _width(actions, changes) > width:
        actions.remove(max(actions, key=lambda action: action.footer))
    return Content(_GAP).join([*back, *(_part(action, changes) for action in actions)])


def _part(action: Action, changes: dict[str, str]) -> Content:
    text = named_key(first_key(action.id, changes), action.label)
    return text.stylize(f"@click=screen.do('{action.id}')")


def _width(actions: list[Action], changes: dict[str, str]) -> int:
    words = (len(first_key(action.id, changes)) + 1 + len(action.label) for action in actions)
    return sum(words) + len(_GAP) * (len(actions) - 1)
