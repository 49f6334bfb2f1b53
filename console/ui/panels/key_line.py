"""The footer: the keys that fit, from the action table; a click does what the key does."""

from __future__ import annotations

from typing import Final

from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from console.ui.actions import ACTIONS, Action, Mode, key_sign, keys_of

_GAP: Final = "  "


class KeyLine(Static):
    """One line of keys. Where it gets narrow, those of the highest rank go first; help and quit stay."""

    def __init__(self, mode: Mode, changes: dict[str, str]) -> None:
        super().__init__(id="keys")
        self._mode = mode
        self._changes = changes

    def on_resize(self, event: Resize) -> None:
        """Show what fits."""
        self.update(key_line(self._mode, self._changes, event.size.width))


def key_line(mode: Mode, changes: dict[str, str], width: int) -> Content:
    """Return the keys of a mode that fit into a width, in the order of the table."""
    actions = [action for action in ACTIONS if action.footer and mode in action.modes]
    while len(actions) > 1 and _width(actions, changes) > width:
        actions.remove(max(actions, key=lambda action: action.footer))
    return Content(_GAP).join(
        [
            Content.assemble(
                (_key(action, changes), "$footer-key-foreground bold"), " ", action.label
            ).stylize(f"@click=screen.do('{action.id}')")
            for action in actions
        ]
    )


def _width(actions: list[Action], changes: dict[str, str]) -> int:
    words = (len(_key(action, changes)) + 1 + len(action.label) for action in actions)
    return sum(words) + len(_GAP) * (len(actions) - 1)


def _key(action: Action, changes: dict[str, str]) -> str:
    keys = keys_of(action, changes)
    return key_sign(keys[0]) if keys else ""
