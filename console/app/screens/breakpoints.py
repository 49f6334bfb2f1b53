"""Breakpoints dialog: a line for a new one, and a list to delete from."""

from __future__ import annotations

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from tapedeck.console.app.grid_text import counted
from tapedeck.console.app.panels.key_line import dialog_keys
from tapedeck.console.app.screens.prompt import Check, input_meaning
from tapedeck.engine.system import SystemManager

_EXAMPLES: Final = (
    "{0}.change < -1    any.quality < 95    time >= 10:30\n"
    "any.last crosses above any.day_open    {0}.close > {0}.close[5]"
)


class BreakpointsScreen(ModalScreen[str | None]):
    """Adds and removes breakpoints; the condition is checked as it is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back"),
        Binding("down", "app.focus_next", "list", show=False),
        Binding("delete,backspace,x", "remove", "remove", show=False),
    ]

    def __init__(self, system: SystemManager, check: Check) -> None:
        super().__init__()
        self._system = system
        self._check = check
        symbol = system.prepare().symbols[0]
        self._hint = _EXAMPLES.format(symbol if symbol.isidentifier() else f'"{symbol}"')
        self._list = OptionList(id="breakpoints")

    def compose(self) -> ComposeResult:
        """Compose the line and the list."""
        with Vertical(classes="dialog"):
            yield Label("Pause when", classes="dialog-title")
            yield Input(id="prompt")
            yield Static(Content(self._hint), id="meaning")
            keys = dialog_keys(("↓", "select"), ("x", "delete"))
            title = Content("  ").join([Content("Breakpoints"), keys])
            yield Label(title, id="set-title", classes="dialog-foot")
            yield self._list

    def on_mount(self) -> None:
        """Fill the list."""
        self._fill()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show the meaning of the condition, or its fault."""
        self._show_meaning(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Close with the condition, if it is valid."""
        if event.value.strip() and self._show_meaning(event.value):
            self.dismiss(event.value.strip())

    def action_remove(self) -> None:
        """Remove the breakpoint under the cursor."""
        at = self._list.highlighted
        if self._list.has_focus and at is not None:
            self._system.remove_breakpoint(self._system.breakpoints()[at].number)
            self._fill()

    def action_leave(self) -> None:
        """Close without a condition."""
        self.dismiss(None)

    def _fill(self) -> None:
        known = self._system.breakpoints()
        self._list.clear_options()
        self._list.add_options(
            [Option(Content(f"{b.number}  {b.text}  ({counted(b.hits, 'hit')})")) for b in known]
        )
        self._list.highlighted = 0 if known else None
        self._list.display = bool(known)
        self.query_one("#set-title").display = bool(known)

    def _show_meaning(self, text: str) -> bool:
        meaning, is_usable = input_meaning(text, self._hint, self._check)
        self.query_one("#meaning", Static).update(meaning)
        return is_usable
