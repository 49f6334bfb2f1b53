"""Base class of lines that scroll with keys: the log, figures, lists."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from tapedeck.console.app.widgets.painted import Painted


class ScrolledLines(Painted, can_focus=True, inherit_bindings=False):
    """Lines with a current one that keys move: the cursor's, or the top line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,ctrl+home", "edge(-1)", "First line", show=False),
        Binding("end,ctrl+end", "edge(1)", "Last line", show=False),
    ]
    DEFAULT_CSS = """
    ScrolledLines { height: 1fr; overflow: hidden auto; }
    ScrolledLines { scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    """

    # The current line: the top one, unless a subclass overrides it

    @property
    def current_line(self) -> int:
        """The line that keys start from: the top line, or the target of a pending scroll."""
        return round(self.scroll_target_y)

    @property
    def last_line(self) -> int:
        """The last line that keys can go to: the top line when the newest is visible."""
        return self.max_scroll_y

    def go_to(self, line: int) -> None:
        """Go to a line, or to the nearest existing one."""
        y = min(max(line, 0), self.max_scroll_y)
        if y != self.scroll_target_y or y != self.scroll_y:
            self.scroll_to(y=y, animate=False, force=True, immediate=True)

    # Keys

    def action_move(self, lines: int) -> None:
        """Move by a number of lines."""
        self.go_to(self.current_line + lines)

    def action_page(self, pages: int) -> None:
        """Move by a number of pages."""
        self.action_move(pages * max(self.scrollable_content_region.height - 1, 1))

    def action_edge(self, direction: int) -> None:
        """Go to the first or the last line."""
        self.go_to(0 if direction < 0 else self.last_line)
