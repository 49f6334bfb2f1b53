"""List of selectable lines; only visible lines are formatted."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from tapedeck.console.app.widgets.canvas import ELLIPSIS, Canvas
from tapedeck.console.app.widgets.scrolled_lines import ScrolledLines

_INKS: Final = (
    "painted--base", "painted--quiet", "painted--failed",
    "lines--strong", "lines--good", "lines--fair", "lines--bad", "lines--mark", "lines--cursor",
)  # fmt: skip
_INK: Final = {name.partition("--")[2]: number for number, name in enumerate(_INKS)}

Part = tuple[str, str]
"""A text and its ink: base, quiet, strong, good, fair, bad or mark."""
LineParts = Callable[[int], Sequence[Part]]
"""Returns the parts of a line, by its number."""
Identify = Callable[[int], Hashable]
"""Returns a key that stays the same when a line moves, by its number."""


class LineList(ScrolledLines):
    """Lines with a cursor. With the newest at the bottom, a cursor on the last line follows new lines."""

    INKS = _INKS
    COMPONENT_CLASSES: ClassVar[set[str]] = set(_INKS)
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "Go there", show=False)]
    DEFAULT_CSS = """
    LineList > .lines--strong { color: $foreground; text-style: bold; }
    LineList > .lines--good { color: $success; }
    LineList > .lines--fair { color: $warning; }
    LineList > .lines--bad { color: $error; }
    LineList > .lines--mark { color: $accent; }
    LineList > .lines--cursor { background: $panel; text-style: bold; }
    """

    class Chosen(Message):
        """Posted when a line is chosen, by enter or a click."""

        def __init__(self, line_list: LineList, line: int) -> None:
            super().__init__()
            self.line_list = line_list
            self.line = line

        @property
        def control(self) -> LineList:
            """The list."""
            return self.line_list

    def __init__(self, *, newest_last: bool = True) -> None:
        super().__init__()
        self._newest_last = newest_last
        self._parts_of: LineParts = lambda _line: ()
        self._identify: Identify = int
        self._chosen: Hashable = None
        self.count = 0
        self.cursor = 0

    def show_lines(self, count: int, parts_of: LineParts, identify: Identify = int) -> None:
        """Show `count` lines. The cursor stays on its line, or on the last one if the newest is there.

        `identify` finds that line if it has moved; if it is gone, the cursor keeps its position.
        """
        follows = self._newest_last and self.cursor >= self.count - 1
        before, top = self.cursor, self.scroll_offset.y
        self._parts_of, self._identify, self.count = parts_of, identify, count
        self._set_cursor(count - 1 if follows else self._found())
        self.take_rows(count)
        if follows:
            self._reveal()
        elif self.cursor != before:
            self._scroll(max(top + self.cursor - before, 0))
        self.data_changed()

    def _found(self) -> int:
        """Return the current number of the line under the cursor."""
        lines = (self.cursor, *range(self.count))
        found = (line for line in lines if line < self.count and self._identify(line) == self._chosen)
        return next(found, self.cursor)

    def _set_cursor(self, line: int) -> None:
        self.cursor = min(max(line, 0), max(self.count - 1, 0))
        self._chosen = self._identify(self.cursor) if self.count else None

    # Keys and mouse

    @property
    def current_line(self) -> int:
        """The line under the cursor."""
        return self.cursor

    @property
    def last_line(self) -> int:
        """The newest line."""
        return self.count - 1

    def action_choose(self) -> None:
        """Choose the line under the cursor."""
        if 0 <= self.cursor < self.count:
            self.post_message(self.Chosen(self, self.cursor))

    def on_click(self, event: events.Click) -> None:
        """Choose a line."""
        position = event.get_content_offset(self)
        line = -1 if position is None else position.y + self.scroll_offset.y
        if 0 <= line < self.count:
            self.go_to(line)
            self.action_choose()

    def go_to(self, line: int) -> None:
        """Move the cursor to a line, and scroll to it."""
        self._set_cursor(line)
        self._reveal()
        self.data_changed()

    def on_resize(self, _event: events.Resize) -> None:
        """Keep the cursor's line in sight; of a list that follows, that is the newest one."""
        self._reveal()

    def _reveal(self) -> None:
        top, rows = self.scroll_offset.y, max(self.scrollable_content_region.height, 1)
        wanted = max(min(max(top, self.cursor - rows + 1), self.cursor), 0)
        if wanted != top:
            self._scroll(wanted)

    def _scroll(self, y: int) -> None:
        self.scroll_to(y=y, animate=False, force=True, immediate=True)

    # Drawing

    def paint(self, canvas: Canvas) -> None:
        """Draw the visible lines."""
        top = self.scroll_offset.y
        for y, line in enumerate(range(top, min(top + canvas.height, self.count))):
            x = length = 0
            for text, ink in self._parts_of(line):
                x, length = canvas.text(x, y, text, _INK[ink]), length + len(text)
            if length > canvas.width:
                canvas.text(canvas.width - 1, y, ELLIPSIS, _INK["quiet"])
            if line == self.cursor and self.has_focus:
                canvas.set_background(y, _INK["cursor"])
