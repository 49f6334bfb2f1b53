"""Lines of styled text that change with every frame: columns of figures, and the text of a bar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style
from textual.content import Content

from tapedeck.console.app.widgets.canvas import BACKGROUND, ELLIPSIS, Canvas, cells_of
from tapedeck.console.app.widgets.scrolled_lines import ScrolledLines


class StyledLines(ScrolledLines):
    """Lines that do not wrap; a line that is too long ends in an ellipsis. Styled parts do not overlap.

    Textual's `Static` redraws all of its lines if one has changed, and lays out the whole screen if their
    number has.
    """

    DEFAULT_CSS = "StyledLines { scrollbar-gutter: auto; }"
    EMPTY_TEXT: ClassVar[str] = ""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.lines: Sequence[Content] = ()
        self._code_of: dict[str, int] = {}
        self._styles: list[str] = []
        self.show(())

    def show(self, lines: Sequence[Content], *, is_racing: bool = False) -> None:
        """Show lines. `is_racing`: at maximum speed, where each frame may be of another day.

        While racing, the number of lines only grows: a scrollbar that appears or disappears makes Textual lay
        out the screen.
        """
        self.lines = lines
        self.take_rows(max(len(lines), self.virtual_size.height) if is_racing else len(lines))
        self.data_changed()

    @property
    def text(self) -> str:
        """The text of all lines, visible or not."""
        return "\n".join(line.plain for line in self.lines)

    def paint(self, canvas: Canvas) -> None:
        """Draw the visible lines."""
        if not canvas.width:  # all of it is scrollbar
            return
        top = self.scroll_offset.y
        for y, line in enumerate(self.lines[top : top + canvas.height]):
            text = line.plain
            stop, cells = canvas.text(0, y, text), cells_of(text)
            for span in line.spans:
                first, end = span.start, span.end
                if cells != len(text):
                    first, end = cells_of(text[:first]), cells_of(text[:end])
                canvas.codes[y, first:end] = self._code(str(span.style))
            if cells > stop:
                canvas.text(stop - 1, y, ELLIPSIS, int(canvas.codes[y, stop - 1]))

    def _code(self, style: str) -> int:
        """Return the code of a style of the theme; a new style gets the next code after those of `INKS`."""
        code = self._code_of.get(style)
        if code is None:
            code = self._code_of[style] = len(self.INKS) + len(self._styles)
            self._styles.append(style)
            assert code < BACKGROUND, "too many styles in one widget"
        return code

    def _ink(self, number: int) -> Style:
        if number < len(self.INKS):
            return super()._ink(number)
        named = self.app.stylesheet.parse_style(self._styles[number - len(self.INKS)])
        return (self.visual_style + named).rich_style


class StyledLine(StyledLines, can_focus=False):
    """A single line, without scrolling."""

    DEFAULT_CSS = "StyledLine { height: 1; overflow: hidden hidden; }"
