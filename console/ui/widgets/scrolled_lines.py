"""Lines that keys go through: what the log and lists to choose from share."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from textual.binding import Binding, BindingType

from console.ui.widgets.painted import Painted


class ScrolledLines(Painted, can_focus=True, inherit_bindings=False):
    """Lines, newest below, with a place among them that keys move: a cursor, or the line on top."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,ctrl+home", "edge(-1)", "Oldest line", show=False),
        Binding("end,ctrl+end", "edge(1)", "Newest line", show=False),
    ]
    DEFAULT_CSS = """
    ScrolledLines { height: 1fr; overflow: hidden auto; }
    ScrolledLines { scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    """

    # What a widget writes

    @property
    @abstractmethod
    def place(self) -> int:
        """The line that the keys start from."""

    @property
    @abstractmethod
    def last_place(self) -> int:
        """The last line that they can go to."""

    @abstractmethod
    def go_to(self, line: int) -> None:
        """Go to a line, or to the nearest one that there is."""

    # Keys

    def action_move(self, lines: int) -> None:
        """Go on by so many lines."""
        self.go_to(self.place + lines)

    def action_page(self, pages: int) -> None:
        """Go on by so many pages."""
        self.action_move(pages * max(self.scrollable_content_region.height - 1, 1))

    def action_edge(self, direction: int) -> None:
        """Go to the oldest or the newest line."""
        self.go_to(0 if direction < 0 else self.last_place)
