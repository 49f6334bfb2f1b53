"""A page of text over the main screen: help."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.screen import ModalScreen
from textual.widgets import Label, Static


class PageText(Static):
    """A text that is written for the width that it has."""

    def __init__(self, text: Callable[[int], Content], *, id: str) -> None:
        super().__init__(id=id)
        self._text = text
        self._width = 0

    def write(self, text: Callable[[int], Content]) -> None:
        """Write another text, given the width; at once where that is known."""
        self._text = text
        if self._width:
            self.update(text(self._width))

    def on_resize(self, event: Resize) -> None:
        """Write the text for another width."""
        if event.size.width != self._width:
            self._width = event.size.width
            self.update(self._text(self._width))


class TextPage(ModalScreen[None]):
    """Text that scrolls, left with escape, q or the key that opened it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter,w,question_mark", "leave", "back"),
    ]

    def __init__(self, title: str, text: Callable[[int], Content]) -> None:
        super().__init__()
        self._title = title
        self._text = text

    def compose(self) -> ComposeResult:
        """Compose title and text."""
        with Vertical(classes="page"):
            yield Label(self._title, classes="dialog-title", markup=False)
            with VerticalScroll():
                yield PageText(self._text, id="page-text")
            yield Label("escape goes back", classes="dialog-foot")

    def action_leave(self) -> None:
        """Go back."""
        self.dismiss(None)
