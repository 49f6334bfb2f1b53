"""Log panel: messages of engine and console."""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import ClassVar, Final, NamedTuple, Self

from textual.app import ComposeResult
from textual.events import Resize
from textual.widget import Widget

from tapedeck.console.app.log_lines import LogLine, LogLines
from tapedeck.console.app.panels.searchable import Searchable
from tapedeck.console.app.playback import Playback, ViewState
from tapedeck.console.app.widgets.canvas import Canvas
from tapedeck.console.app.widgets.scrolled_lines import ScrolledLines
from tapedeck.console.panel_data.tables import Table

_INKS: Final = ("painted--base", "painted--quiet", "painted--failed", "log--warning", "log--error")
_BASE, _QUIET, _WARNING, _ERROR = (0, 1, 3, 4)
_INK_OF: Final = {"debug": _QUIET, "info": _BASE, "warning": _WARNING, "error": _ERROR, "critical": _ERROR}
_LEVEL_AT: Final = len("00:00:00 ")
_TEXT_AT: Final = _LEVEL_AT + len("I ")
_MIN_TEXT_WIDTH: Final = 8
# At maximum speed, with a thousand lines a second, this leaves time for keys between two frames.
_RACING_S: Final = 0.2


class _Row(NamedTuple):
    """A row of the screen: its log line, its index in that line, and its text."""

    line: LogLine
    part: int
    text: str


class LogView(ScrolledLines):
    """Wrapped lines of the log, newest last; follows the end unless scrolled up."""

    INKS = _INKS
    COMPONENT_CLASSES: ClassVar[set[str]] = set(_INKS)
    DEFAULT_CSS = """
    LogView > .log--warning { color: $warning; }
    LogView > .log--error { color: $error; text-style: bold; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.lines: Sequence[LogLine] = ()
        self._rows: list[_Row] = []
        self._width = 0
        self._end = 0
        self._follows = True

    def show_lines(self, lines: Sequence[LogLine], *, is_new_list: bool) -> None:
        """Show lines; if scrolled up, the position stays.

        `is_new_list`: False if they continue the lines shown before, with some removed at the top.
        """
        # The mouse wheel moves the scroll target before the lines.
        if self.scroll_target_y < self._end:
            self._follows = False
        self.lines = lines
        self._arrange(rewrap=is_new_list)

    def on_resize(self, _event: Resize) -> None:
        """Wrap the lines to the new width."""
        self._arrange(rewrap=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow the end once it is reached."""
        super().watch_scroll_y(old_value, new_value)
        self._follows = round(self.scroll_target_y) >= self.max_scroll_y

    # Within

    def _arrange(self, *, rewrap: bool) -> None:
        """Wrap the lines to the width, and scroll to the end or to the row that was on top."""
        width = self.scrollable_content_region.width - _TEXT_AT
        if width <= 0:
            return
        follows, top = self._follows, self._top()
        self._wrap(max(width, _MIN_TEXT_WIDTH), rewrap=rewrap)
        self.take_rows(len(self._rows))
        # If the top line was dropped, the next one takes its place.
        self.go_to(self.max_scroll_y if follows else bisect_left(self._rows, top, key=_order))
        self._end = self.max_scroll_y
        self.data_changed()

    def _wrap(self, width: int, *, rewrap: bool) -> None:
        """Update the rows; only new lines are wrapped, as there may be thousands a second."""
        if rewrap or width != self._width or not self.lines or not self._rows:
            self._width = width
            self._rows = [row for line in self.lines for row in _rows(line, width)]
            return
        last = self._rows[-1].line.number
        del self._rows[: bisect_left(self._rows, (self.lines[0].number, 0), key=_order)]
        known = bisect_right(self.lines, last, key=attrgetter("number"))
        self._rows += [row for line in self.lines[known:] for row in _rows(line, width)]

    def _top(self) -> tuple[int, int]:
        at = self.scroll_offset.y
        return _order(self._rows[at]) if at < len(self._rows) else (0, 0)

    def paint(self, canvas: Canvas) -> None:
        """Draw the visible rows."""
        top = self.scroll_offset.y
        for y, (line, part, text) in enumerate(self._rows[top : top + canvas.height]):
            ink = _INK_OF.get(line.level, _BASE)
            if part == 0:
                canvas.text(0, y, _time_of_day(int(line.created)), _QUIET)
                canvas.text(_LEVEL_AT, y, line.level[:1].upper(), ink)
            # Indented text is a detail of the line above, such as a traceback's frame.
            canvas.text(_TEXT_AT, y, text, _QUIET if text[:1] == " " else ink)


class LogPanel(Searchable):
    """The last lines of the log, with this machine's local times."""

    NAME: ClassVar[str] = "log"
    NEEDS_SESSION: ClassVar[bool] = False

    def __init__(self, playback: Playback, lines: LogLines) -> None:
        super().__init__(playback)
        self.view = LogView()
        self._lines = lines
        self._shown: tuple[int, str] | None = None
        self._updated_at = 0.0
        self.clock = time.monotonic

    @classmethod
    def build(cls, playback: Playback, log_lines: LogLines) -> Self:
        """Return the panel for a run and its log."""
        return cls(playback, log_lines)

    def content(self) -> ComposeResult:
        """Compose the view."""
        yield self.view

    @property
    def heading(self) -> str:
        """The heading, with the zone of its times, as other panels show the session's."""
        return f"{super().heading}, times in {time.localtime().tm_zone}"

    def keyboard_target(self) -> Widget:
        """Return the view."""
        return self.view

    def update(self, view_state: ViewState) -> None:
        """Show the last lines, in any state of the run."""
        now, before = self.clock(), self._shown
        is_searched = before is not None and before[1] == self.search
        if view_state.is_racing and is_searched and now < self._updated_at + _RACING_S:
            return
        self._updated_at = now
        self.show(view_state)

    def show(self, view_state: ViewState) -> None:
        """Show the last lines that match."""
        before, self._shown = self._shown, (self._lines.count, self.search)
        if self._shown != before:
            self.view.show_lines(self._found(), is_new_list=before is None or before[1] != self.search)
        if self.view.lines:
            self.fill()
        else:
            self.show_empty("the log is empty")

    def as_table(self, view_state: ViewState) -> Table:
        """Return the lines, with times as in the log file."""
        rows = [(_instant(line), line.level, line.source, line.text) for line in self._found()]
        return Table.of(["time", "level", "source", "message"], rows)

    def _found(self) -> Sequence[LogLine]:
        lines = self._lines.lines()
        if not self.search:
            return lines
        return [line for line in lines if self.matches(f"{line.level} {line.source} {line.text}")]


def _order(row: _Row) -> tuple[int, int]:
    return row.line.number, row.part


def _rows(line: LogLine, width: int) -> Iterator[_Row]:
    text = f"{line.source}: {line.text}"
    if len(text) <= width and "\n" not in text:
        yield _Row(line, 0, text)
        return
    pieces = (piece for paragraph in text.splitlines() for piece in _wrapped(paragraph, width))
    for part, piece in enumerate(pieces):
        yield _Row(line, part, piece)


def _wrapped(text: str, width: int) -> Iterator[str]:
    """Break a text at spaces; much faster than textwrap, as all lines are wrapped at every change."""
    while len(text) > width:
        space = text.rfind(" ", width // 2, width + 1)
        cut = space if space > 0 else width
        yield text[:cut]
        text = text[cut:].lstrip()
    yield text


@lru_cache(maxsize=1024)
def _time_of_day(second: int) -> str:
    return time.strftime("%H:%M:%S", time.localtime(second))


def _instant(line: LogLine) -> str:
    written = datetime.fromtimestamp(line.created, UTC)
    return written.isoformat(timespec="milliseconds").replace("+00:00", "Z")
