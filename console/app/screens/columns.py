"""Columns dialog: shows, hides and orders the columns of the symbol table, applied at once."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Label, OptionList
from textual.widgets.option_list import Option

from tapedeck.console.app.panels.key_line import named_key
from tapedeck.console.app.table_choice import TableChoice

_KEYS: Final = (
    ("space", "show/hide", "flip"),
    ("u", "up", "move_up"),
    ("d", "down", "move_down"),
    ("r", "reset", "reset"),
    ("escape", "back", "leave"),
)
"""Keys of the dialog, their labels and actions."""


class ColumnsScreen(ModalScreen[None]):
    """Lists all columns: shown ones first, from left to right.

    `apply`: called with the keys of the columns to show after each change, none for the default. `fitting`:
    returns the keys of the columns that fit the table, all if it is not on the screen.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,c,q", "leave", "back"),
        Binding("space", "flip", "show or hide"),
        Binding("u,shift+up,minus", "move_up", "move up"),
        Binding("d,shift+down,plus", "move_down", "move down"),
        Binding("r", "reset", "reset"),
    ]

    def __init__(
        self,
        choice: TableChoice,
        apply: Callable[[tuple[str, ...]], None],
        fitting: Callable[[], Collection[str]],
    ) -> None:
        super().__init__()
        self._choice = choice
        self._apply = apply
        self._fitting = fitting
        self._list = OptionList(id="columns")
        self._order: list[str] = []
        self._shown: set[str] = set()

    def compose(self) -> ComposeResult:
        """Compose the list and its keys."""
        with Vertical(classes="dialog"):
            yield Label("Columns of the symbol table", classes="dialog-title")
            yield self._list
            parts = [named_key(key, label).stylize(f"@click=screen.{call}") for key, label, call in _KEYS]
            yield Label(Content("  ").join(parts), classes="dialog-foot")

    def on_mount(self) -> None:
        """Fill the list."""
        self._read()
        self._fill(0)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Show or hide a column, by enter or a click."""
        event.stop()
        self._flip(event.option_index)

    def action_flip(self) -> None:
        """Show or hide the column under the cursor; the last one stays."""
        if self._list.highlighted is not None:
            self._flip(self._list.highlighted)

    def action_move_up(self) -> None:
        """Move the column under the cursor up: to the left in the table."""
        self._move(-1)

    def action_move_down(self) -> None:
        """Move the column under the cursor down."""
        self._move(1)

    def action_reset(self) -> None:
        """Show the default columns."""
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
        if not shown:
            self.notify("the last column cannot be hidden: show another one first", severity="warning")
            return
        self._shown = shown
        self._change(at)

    def _change(self, at: int) -> None:
        self._apply(tuple(key for key in self._order if key in self._shown))
        self._fill(at)

    def _read(self) -> None:
        shown = self._choice.shown
        self._order = [*shown, *(key for key in self._choice.available if key not in shown)]
        self._shown = set(shown)

    def _fill(self, highlighted: int) -> None:
        fitting = self._fitting()
        self._list.clear_options()
        self._list.add_options([Option(self._line(key, is_fitting=key in fitting)) for key in self._order])
        self._list.highlighted = highlighted

    def _line(self, key: str, *, is_fitting: bool) -> Content:
        source, is_shown = self._choice.available[key], key in self._shown
        about = "does not fit" if is_shown and not is_fitting else source.about
        longest = max(map(len, self._order))
        mark = "[x]" if is_shown else "[ ]"
        return Content.assemble(f"{mark} {key.ljust(longest)}  ", (about, "$text-muted"))
