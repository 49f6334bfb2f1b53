"""A panel that is a list of lines with a search, newest below."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from console.ui.panels.panel import Panel
from console.ui.playback import Playback


class Listing(Panel):
    """Lines that match what is searched for. The end is followed until the reader moves up."""

    HAS_FILTER: ClassVar[bool] = True

    def __init__(self, playback: Playback) -> None:
        super().__init__(playback)
        self.list = OptionList()
        self._shown: tuple[object, ...] = ()
        self.search = ""

    def content(self) -> ComposeResult:
        """Compose the list."""
        yield self.list

    def keyboard_target(self) -> Widget:
        """Return the list."""
        return self.list

    def filter_by(self, text: str) -> None:
        """Show only what a text is found in: its words in any order."""
        self.search = text

    def matches(self, text: str) -> bool:
        """Whether a line has all words of the search."""
        folded = text.casefold()
        return all(word in folded for word in self.search.casefold().split())

    def show_lines(self, key: tuple[object, ...], lines: list[Content], empty: str) -> None:
        """Show lines; `key` changes whenever they do."""
        if not lines:
            self.face("empty", f"nothing matches {self.search!r}: escape shows all" if self.search else empty)
            self._shown = ()
            return
        self.fill()
        if key == self._shown:
            return
        self._shown = key
        at, count = self.list.highlighted, self.list.option_count
        follows = at is None or at >= count - 1
        self.list.clear_options()
        self.list.add_options([Option(line) for line in lines])
        self.list.highlighted = len(lines) - 1 if follows else at
