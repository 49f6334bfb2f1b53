"""List dialog that shows, hides and orders items by key and mouse, applied at once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Label, OptionList
from textual.widgets.option_list import Option

from tapedeck.console.app.panels.key_line import named_key

_KEYS: Final = (
    ("space", "show/hide", "flip"),
    ("u", "up", "move_up"),
    ("d", "down", "move_down"),
    ("r", "reset", "reset"),
    ("escape", "back", "leave"),
)
"""Keys of the dialog, their labels and actions."""


class OrderedChoiceScreen(ModalScreen[None]):
    """Lists all items: shown ones first, in their order.

    `apply`: called with the keys of the items to show after each change, none for the default.
    """

    HEADING: ClassVar[str]
    LIST_ID: ClassVar[str]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "back"),
        Binding("space", "flip", "show or hide"),
        Binding("u,shift+up,minus", "move_up", "move up"),
        Binding("d,shift+down,plus", "move_down", "move down"),
        Binding("r", "reset", "reset"),
    ]

    def __init__(self, apply: Callable[[tuple[str, ...]], None]) -> None:
        super().__init__()
        self._apply = apply
        self._list = OptionList(id=self.LIST_ID)
        self._order: list[str] = []
        self._shown: set[str] = set()

    @property
    def heading(self) -> str:
        """The dialog's heading."""
        return self.HEADING

    @abstractmethod
    def keys(self) -> Sequence[str]:
        """Return the keys of all items."""

    @abstractmethod
    def shown_keys(self) -> Sequence[str]:
        """Return the keys of the shown items, in order."""

    @abstractmethod
    def about(self, key: str, *, is_shown: bool) -> str:
        """Return a few words on an item."""

    def refusal(self, shown: set[str]) -> str:
        """Return why a set of items cannot be shown, or ""."""
        del shown
        return ""

    def compose(self) -> ComposeResult:
        """Compose the list and its keys."""
        with Vertical(classes="dialog"):
            yield Label(self.heading, classes="dialog-title")
            yield self._list
            parts = [named_key(key, label).stylize(f"@click=screen.{call}") for key, label, call in _KEYS]
            yield Label(Content("  ").join(parts), classes="dialog-foot")

    def on_mount(self) -> None:
        """Fill the list."""
        self._read()
        self._fill(0)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Show or hide an item, by enter or a click."""
        event.stop()
        self._flip(event.option_index)

    def action_flip(self) -> None:
        """Show or hide the item under the cursor."""
        if self._list.highlighted is not None:
            self._flip(self._list.highlighted)

    def action_move_up(self) -> None:
        """Move the item under the cursor up."""
        self._move(-1)

    def action_move_down(self) -> None:
        """Move the item under the cursor down."""
        self._move(1)

    def action_reset(self) -> None:
        """Show the default items."""
        self._apply(())
        self._read()
        self._fill(0)

    def action_leave(self) -> None:
        """Close the dialog."""
        self.dismiss(None)

    def _move(self, rows: int) -> None:
        at = self._list.highlighted
        if at is not None and 0 <= at + rows < len(self._order):
            self._order.insert(at + rows, self._order.pop(at))
            self._change(at + rows)

    def _flip(self, at: int) -> None:
        shown = self._shown ^ {self._order[at]}
        refused = self.refusal(shown)
        if refused:
            self.notify(refused, severity="warning")
            return
        self._shown = shown
        self._change(at)

    def _change(self, at: int) -> None:
        self._apply(tuple(key for key in self._order if key in self._shown))
        self._fill(at)

    def _read(self) -> None:
        shown = self.shown_keys()
        self._order = [*shown, *(key for key in self.keys() if key not in shown)]
        self._shown = set(shown)

    def _fill(self, highlighted: int) -> None:
        self._list.clear_options()
        self._list.add_options([Option(self._line(key)) for key in self._order])
        self._list.highlighted = highlighted

    def _line(self, key: str) -> Content:
        is_shown = key in self._shown
        longest = max(map(len, self._order))
        mark = "[x]" if is_shown else "[ ]"
        about = self.about(key, is_shown=is_shown)
        return Content.assemble(f"{mark} {key.ljust(longest)}  ", (about, "$text-muted"))
