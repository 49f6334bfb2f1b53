"""Text page over the main screen."""

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

from tapedeck.console.app.panels.key_line import dialog_keys


class PageText(Static):
    """Text laid out for its width."""

    def __init__(self, text: Callable[[int], Content], *, id: str) -> None:
        super().__init__(id=id)
        self._text = text
        self._width = 0

    def write(self, text: Callable[[int], Content]) -> None:
        """Set the text, a function of the width."""
        self._text = text
        if self._width:
            self.update(text(self._width))

    def on_resize(self, event: Resize) -> None:
        """Lay the text out for the new width."""
        if event.size.width != self._width:
            self._width = event.size.width
            self.update(self._text(self._width))


class TextPage(ModalScreen[None]):
    """Scrolling text; escape, q or the key that opened it closes it."""

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
            yield Label(dialog_keys(("escape", "back")), classes="dialog-foot")

    def action_leave(self) -> None:
        """Close the page."""
        self.dismiss(None)
