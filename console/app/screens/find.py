"""Find dialog: a condition to find, with the last ones to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from tapedeck.console.app.panels.key_line import dialog_keys
from tapedeck.console.app.screens.prompt import Check, PromptScreen


class FindScreen(PromptScreen):
    """Prompts for a condition; the line begins with the last one, selected, so that typing replaces it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "app.focus_next", "list", show=False),
        Binding("up", "app.focus_previous", "line", show=False),
    ]

    def __init__(self, title: str, hint: str, check: Check, offered: Sequence[str]) -> None:
        super().__init__(title, hint, check, value=offered[0] if offered else "")
        self._offered = tuple(offered)

    def compose(self) -> ComposeResult:
        """Compose title, line, meaning and list."""
        with Vertical(classes="dialog"):
            yield Label(self._title, classes="dialog-title", markup=False)
            yield Input(self._value, id="prompt")
            yield Static(Content(self._hint), id="meaning")
            if len(self._offered) > 1:
                keys = dialog_keys(("↓", "select"), ("enter", "find"))
                yield Label(Content("  ").join([Content("Conditions"), keys]), classes="dialog-foot")
                yield OptionList(*(Option(Content(text), id=text) for text in self._offered))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Close with the chosen condition."""
        self.dismiss(event.option_id)
