"""Prompt dialog: an input line, checked as it is typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from tapedeck.engine.errors import ConditionError, ConfigError, TapedeckError, did_you_mean

Check = Callable[[str], str]


class PromptScreen(ModalScreen[str | None]):
    """Prompts for a line; `check` returns its meaning, or raises its fault."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "cancel")]

    def __init__(self, title: str, hint: str, check: Check, *, value: str = "") -> None:
        super().__init__()
        self._title = title
        self._hint = hint
        self._check = check
        self._value = value

    def compose(self) -> ComposeResult:
        """Compose title, line and meaning."""
        with Vertical(classes="dialog"):
            yield Label(self._title, classes="dialog-title", markup=False)
            yield Input(self._value, id="prompt")
            yield Static(Content(self._hint), id="meaning")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show the meaning of the line."""
        self._show_meaning(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Close with the line, if it is valid."""
        if event.value.strip() and self._show_meaning(event.value):
            self.dismiss(self._answer(event.value))

    def _answer(self, text: str) -> str:
        """Return the result for a valid line."""
        return text.strip()

    def action_leave(self) -> None:
        """Close without a line."""
        self.dismiss(None)

    def _show_meaning(self, text: str) -> bool:
        meaning, is_usable = input_meaning(text, self._hint, self._check)
        self.query_one("#meaning", Static).update(meaning)
        return is_usable


def input_meaning(text: str, hint: str, check: Check) -> tuple[Content, bool]:
    """Return the meaning or fault of a line as text, and whether the line is valid."""
    if not text.strip():
        return Content(hint), False
    try:
        return Content.assemble(("→ ", "$text-success"), check(text)), True
    except TapedeckError as error:
        return Content.styled(f"! {input_error(error)}", "$text-error"), False


def input_error(error: TapedeckError) -> str:
    """Return an error's message without its subject, which the prompt shows."""
    if isinstance(error, ConfigError) and error.problems:
        problem = error.problems[0]
        hint = did_you_mean(problem.suggestion)
        return f"{problem.message}{hint}"
    if isinstance(error, ConditionError):
        hint = did_you_mean(error.suggestion)
        return f"column {error.column}: {error.message}.{hint}"
    return str(error)
