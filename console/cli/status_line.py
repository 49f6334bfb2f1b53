"""Status line: one line of a terminal that is written again and again, below the lines of a command."""

from __future__ import annotations

from typing import Final

from tapedeck.console.cli.terminal import Terminal
from tapedeck.engine.printable import printable_line

_ERASE: Final = "\r\x1b[2K"


class StatusLine:
    """The last line of stderr, on a capable terminal; else nothing."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._is_shown = terminal.has_status_line
        self._text = ""

    def show(self, text: str) -> None:
        """Show a text in place of the one before, cut to the terminal's width."""
        if self._is_shown and text != self._text:
            self._text = text
            self._terminal.write_status(f"{_ERASE}{printable_line(text)[: self._terminal.width - 1]}")

    def clear(self) -> None:
        """Remove the text, so that a line can be written."""
        if self._is_shown and self._text:
            self._text = ""
            self._terminal.write_status(_ERASE)
