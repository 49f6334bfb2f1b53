"""One line to type, checked while it is typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from tapedeck.engine.errors import ConditionError, ConfigError, TapedeckError

Check = Callable[[str], str]


class PromptScreen(ModalScreen[str | None]):
    """Asks for a line; `check` returns what it would mean, or raises what is wrong with it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "cancel")]

    def __init__(self, title: str, hint: str, check: Check, *, value: str = "") -> None:
        super().__init__()
        self._title = title
        self._hint = hint
        self._check = check
        self._value = value

    def compose(self) -> ComposeResult:
        """Compose title, line and what it means."""
        with Vertical(classes="dialog"):
            yield Label(self._title, classes="dialog-title", markup=False)
            yield Input(self._value, id="prompt")
            yield Static(Content(self._hint), id="meaning")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say what the line would mean."""
        self._say(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Leave with the line, if it can be used."""
        if event.value.strip() and self._say(event.value):
            self.dismiss(event.value.strip())

    def action_leave(self) -> None:
        """Leave without a line."""
        self.dismiss(None)

    def _say(self, text: str) -> bool:
        said, is_usable = said_of(text, self._hint, self._check)
        self.query_one("#meaning", Static).update(said)
        return is_usable


def said_of(text: str, hint: str, check: Check) -> tuple[Content, bool]:
    """Return what stands below a line that is typed, and whether the line can be used."""
    if not text.strip():
        return Content(hint), False
    try:
        return Content.assemble(("→ ", "$text-success"), check(text)), True
    except TapedeckError as error:
        return Content.styled(f"! {error_line(error)}", "$text-error"), False


def error_line(error: TapedeckError) -> str:
    """Return an error for a place that says already what it is about."""
    if isinstance(error, ConfigError) and error.problems:
        problem = error.problems[0]
        hint = f" Did you mean {problem.suggestion!r}?" if problem.suggestion else ""
        return f"{problem.message}{hint}"
    if isinstance(error, ConditionError):
        hint = f" Did you mean {error.suggestion!r}?" if error.suggestion else ""
        return f"column {error.column}: {error.message}.{hint}"
    return str(error)
