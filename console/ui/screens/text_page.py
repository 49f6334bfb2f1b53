"""A page of text over the main screen: why, and help."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Label, Static


class TextPage(ModalScreen[None]):
    """Text that scrolls, left with escape, q or the key that opened it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter,w,question_mark", "leave", "back"),
    ]

    def __init__(self, title: str, text: Content) -> None:
        super().__init__()
        self._title = title
        self._text = text

    def compose(self) -> ComposeResult:
        """Compose title and text."""
        with Vertical(classes="page"):
            yield Label(self._title, classes="dialog-title", markup=False)
            with VerticalScroll():
                yield Static(self._text, id="page-text")
            yield Label("escape goes back", classes="dialog-foot")

    def action_leave(self) -> None:
        """Go back."""
        self.dismiss(None)
