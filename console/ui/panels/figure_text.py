"""Text that changes with every picture."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


class FigureText(Static):
    """Lines of figures.

    Textual lays out the whole screen whenever a `Static` is given a new text; this one asks for it only where
    the number of lines has changed, and for nothing where the text is the same.
    At full speed, where every picture is of another day, its height only grows.
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines = 1
        self._shown = Content("")

    def show(self, text: Content, *, is_racing: bool = False) -> None:
        """Show lines that do not wrap; `is_racing`: the run is at full speed."""
        lines = text.plain.count("\n") + 1
        if text.is_same(self._shown) and (is_racing or lines == self._lines):
            return
        lays_out = lines > self._lines if is_racing else lines != self._lines
        self.update(text, layout=lays_out)
        self._shown = text
        if lays_out:
            self._lines = lines
