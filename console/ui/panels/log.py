"""The log: what the engine and the console say they do."""

from __future__ import annotations

from typing import ClassVar, Final

from textual.content import Content

from console.ui.log_lines import LogLine, LogLines
from console.ui.panels.listing import Listing
from console.ui.playback import Picture, Playback
from console.ui.screen_data import Table

_SHOWN: Final = 500
_STYLES: Final = {"warning": "$text-warning", "error": "$text-error", "critical": "$text-error"}


class LogPanel(Listing):
    """The last lines of the log, searchable. No times of day: the only clock on screen is the session's."""

    NAME: ClassVar[str] = "log"

    def __init__(self, playback: Playback, lines: LogLines) -> None:
        super().__init__(playback)
        self._lines = lines

    def look(self, picture: Picture) -> None:
        """Show the last lines, whatever the run does."""
        self.show(picture)

    def show(self, picture: Picture) -> None:
        """Show the last lines that match."""
        key = (self._lines.count, self.search)
        if key != self._shown:
            found = [_line(line) for line in self._found()[-_SHOWN:]]
            self.show_lines(key, found, "the log is empty")

    def as_table(self, picture: Picture) -> Table:
        """Return the lines."""
        return Table.of(
            ["level", "source", "message"], [(line.level, line.source, line.text) for line in self._found()]
        )

    def _found(self) -> list[LogLine]:
        return [
            line for line in self._lines.lines() if self.matches(f"{line.level} {line.source} {line.text}")
        ]


def _line(line: LogLine) -> Content:
    style = _STYLES.get(line.level, "")
    level = "" if line.level == "info" else f"{line.level.upper()} "
    return Content.assemble((f"{line.source}: ", "$text-muted"), (level + line.text, style))
