"""Footer: the keys of the action table that do something now; a click runs the action."""

from __future__ import annotations

from collections.abc import Callable
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


LabelOf = Callable[[str], str | None]
"""Returns the word of an action, or None if it would do nothing."""


class KeyLine(Static):
    """One line of the keys that do something now. On a narrow screen, high ranks are dropped first.

    Help and quit stay. `label_of`: the word of each action in the state of the run.
    """

    def __init__(self, mode: str, changes: dict[str, str], label_of: LabelOf) -> None:
        super().__init__(id="keys")
        self._mode = mode
        self._changes = changes
        self._label_of = label_of
        self._labels: tuple[tuple[Action, str], ...] = ()

    def show_state(self, label_of: LabelOf) -> None:
        """Show the keys of a state of the run, if they have changed."""
        self._label_of = label_of
        labels = footer_actions(self._mode, label_of)
        if labels != self._labels and self.size.width:
            self._labels = labels
            self.update(key_line(self._mode, self._changes, labels, self.size.width), layout=False)

    def on_resize(self, event: Resize) -> None:
        """Show the keys that fit."""
        self._labels = ()
        self.show_state(self._label_of)


def footer_actions(mode: str, label_of: LabelOf) -> tuple[tuple[Action, str], ...]:
    """Return the actions of a mode's footer that do something now, with their words."""
    labels = ((action, label_of(action.id)) for action in screen_actions(mode) if action.footer)
    return tuple((action, label) for action, label in labels if label is not None)


def key_line(
    mode: str, changes: dict[str, str], labels: tuple[tuple[Action, str], ...], width: int
) -> Content:
    """Return the keys of a mode that fit a width: on pages escape first, then those of the table."""
    back = [] if mode == MAIN else [named_key("escape", "panels").stylize("@click=screen.leave")]
    width -= sum(len(part) + len(_GAP) for part in back)
    shown = list(labels)
    while len(shown) > 1 and _width(shown, changes) > width:
        shown.remove(max(shown, key=lambda labelled: labelled[0].footer))
    return Content(_GAP).join([*back, *(_part(action, label, changes) for action, label in shown)])


def _part(action: Action, label: str, changes: dict[str, str]) -> Content:
    text = named_key(first_key(action.id, changes), label)
    return text.stylize(f"@click=screen.do('{action.id}')")


def _width(labels: list[tuple[Action, str]], changes: dict[str, str]) -> int:
    words = (len(first_key(action.id, changes)) + 1 + len(label) for action, label in labels)
    return sum(words) + len(_GAP) * (len(labels) - 1)
