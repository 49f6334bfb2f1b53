"""Search dialog: the progress of a search over earlier sessions, which escape cancels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from threading import Event
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Label, Static

from tapedeck.console.app.panels.key_line import dialog_keys

_PERIOD_S: Final = 0.1


@dataclass(slots=True)
class SearchProgress:
    """Progress of a search in another thread. `step`: day, sessions done and all; `cancelled`: ends it."""

    step: tuple[date, int, int] | None = None
    cancelled: Event = field(default_factory=Event)

    def report(self, day: date, done: int, total: int) -> None:
        """Note the session that is searched next."""
        self.step = day, done, total


class SearchScreen(ModalScreen[None]):
    """Shows the day that is searched, until `is_over`."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "cancel")]

    def __init__(self, title: str, progress: SearchProgress, is_over: Callable[[], bool]) -> None:
        super().__init__()
        self._title = title
        self._progress = progress
        self._is_over = is_over

    def compose(self) -> ComposeResult:
        """Compose title, progress and key."""
        with Vertical(classes="dialog"):
            yield Label(self._title, classes="dialog-title", markup=False)
            yield Static(id="meaning")
            yield Label(dialog_keys(("escape", "cancel")), classes="dialog-foot")

    def on_mount(self) -> None:
        """Follow the search."""
        self._follow()
        self.set_interval(_PERIOD_S, self._follow)

    def action_cancel(self) -> None:
        """Cancel the search; the dialog closes when it has ended."""
        self._progress.cancelled.set()
        self._follow()

    def _follow(self) -> None:
        if self._is_over() and self.is_current:
            self.dismiss(None)
            return
        step = self._progress.step
        if self._progress.cancelled.is_set():
            text = "cancelling"
        elif step is None:
            text = "searching"
        else:
            day, done, total = step
            text = f"searching {day:%a} {day}, session {done + 1} of {total}"
        self.query_one("#meaning", Static).update(Content(text))
