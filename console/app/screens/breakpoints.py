"""Breakpoints dialog: a line for a new one, and a list to switch, delete, save and load."""

from __future__ import annotations

from typing import ClassVar, Final, Protocol

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from tapedeck.console.app.breakpoint_list import ListedBreakpoint
from tapedeck.console.app.grid_text import QUIET, counted
from tapedeck.console.app.panels.key_line import dialog_keys
from tapedeck.console.app.screens.prompt import Check, input_meaning

_EXAMPLES: Final = (
    "{0}.change_pct < -1    any.quality < 95    time >= 10:30\n"
    "any.last crosses above any.day_open    {0}.close > {0}.close[5]"
)


class BreakpointEditor(Protocol):
    """The list of breakpoints that the dialog changes."""

    def listed(self) -> tuple[ListedBreakpoint, ...]:
        """Return the breakpoints in the order of the list."""
        ...

    def delete(self, listed: ListedBreakpoint) -> None:
        """Delete a breakpoint."""
        ...

    def switch(self, listed: ListedBreakpoint) -> None:
        """Switch a breakpoint on or off."""
        ...


class BreakpointsScreen(ModalScreen[tuple[str, str] | None]):
    """Adds and changes breakpoints; the condition is checked as it is typed.

    Its result is an action to do next, with its argument: a new breakpoint, or saving or loading the list.
    `alerts`: breakpoints alert, and pause nothing, as in a live session.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back"),
        Binding("down", "app.focus_next", "list", show=False),
        Binding("delete,backspace,x", "remove", "remove", show=False),
        Binding("space", "switch", "on or off", show=False),
        Binding("s", "file('save_breakpoints')", "save", show=False),
        Binding("l", "file('load_breakpoints')", "load", show=False),
    ]

    def __init__(self, editor: BreakpointEditor, check: Check, symbol: str, *, alerts: bool = False) -> None:
        super().__init__()
        self._title = "Alert when" if alerts else "Pause when"
        self._editor = editor
        self._check = check
        self._hint = _EXAMPLES.format(symbol if symbol.isidentifier() else f'"{symbol}"')
        self._list = OptionList(id="breakpoints")

    def compose(self) -> ComposeResult:
        """Compose the line and the list."""
        with Vertical(classes="dialog"):
            yield Label(self._title, classes="dialog-title")
            yield Input(id="prompt")
            yield Static(Content(self._hint), id="meaning")
            keys = dialog_keys(
                ("↓", "select"), ("space", "on/off"), ("x", "delete"), ("s", "save"), ("l", "load")
            )
            title = Content("  ").join([Content("Breakpoints"), keys])
            yield Label(title, id="set-title", classes="dialog-foot")
            yield self._list

    def on_mount(self) -> None:
        """Fill the list."""
        self._fill(0)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show the meaning of the condition, or its fault."""
        self._show_meaning(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Close with the condition, if it is valid."""
        if event.value.strip() and self._show_meaning(event.value):
            self.dismiss(("breakpoint", event.value.strip()))

    def on_option_list_option_selected(self, _event: OptionList.OptionSelected) -> None:
        """Switch the breakpoint on or off."""
        self.action_switch()

    def action_remove(self) -> None:
        """Delete the breakpoint under the cursor."""
        at = self._list.highlighted
        if self._list.has_focus and at is not None:
            self._editor.delete(self._editor.listed()[at])
            self._fill(at)

    def action_switch(self) -> None:
        """Switch the breakpoint under the cursor on or off."""
        at = self._list.highlighted
        if self._list.has_focus and at is not None:
            self._editor.switch(self._editor.listed()[at])
            self._fill(at)

    def action_file(self, action: str) -> None:
        """Close, and save or load the list."""
        if self._list.has_focus:
            self.dismiss((action, ""))

    def action_leave(self) -> None:
        """Close without a condition."""
        self.dismiss(None)

    def _fill(self, cursor: int) -> None:
        known = self._editor.listed()
        self._list.clear_options()
        self._list.add_options([Option(_row(one)) for one in known])
        self._list.highlighted = min(cursor, len(known) - 1) if known else None
        self._list.display = bool(known)
        self.query_one("#set-title").display = bool(known)

    def _show_meaning(self, text: str) -> bool:
        meaning, is_usable = input_meaning(text, self._hint, self._check)
        self.query_one("#meaning", Static).update(meaning)
        return is_usable


def _row(listed: ListedBreakpoint) -> Content:
    if listed.fault:
        return Content.styled(f"–  {listed.text}  (off: {listed.fault})", QUIET)
    if not listed.enabled:
        return Content.styled(f"{listed.number}  {listed.text}  (off)", QUIET)
    waits = f", waits for {', '.join(listed.waits_for)}" if listed.waits_for else ""
    return Content(f"{listed.number}  {listed.text}  ({counted(listed.hits, 'hit')}{waits})")
