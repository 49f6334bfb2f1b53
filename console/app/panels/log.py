"""The log: what the engine and the console say they do."""

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
_NARROWEST_TEXT: Final = 8
# At full speed, with a thousand lines a second, a key that comes between two pictures does not wait for them.
_RACING_S: Final = 0.2


class _Row(NamedTuple):
    """A row of the screen: the line that it is of, its place in that, and its text."""

    line: LogLine
    part: int
    text: str


class LogView(ScrolledLines):
    """Lines of the log, wrapped, newest below; the end is followed until the reader scrolls up."""

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

    def show_lines(self, lines: Sequence[LogLine], *, are_others: bool) -> None:
        """Show these lines; a reader who has scrolled up keeps reading where they were.

        `are_others`: they are not those that were shown last, less some at the top and more at the end.
        """
        # A wheel that has just been turned moves the target before the lines.
        if self.scroll_target_y < self._end:
            self._follows = False
        self.lines = lines
        self._arrange(anew=are_others)

    def on_resize(self, _event: Resize) -> None:
        """Wrap the lines anew."""
        self._arrange(anew=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow the end from where the reader reaches it."""
        super().watch_scroll_y(old_value, new_value)
        self._follows = round(self.scroll_target_y) >= self.max_scroll_y

    # Within

    def _arrange(self, *, anew: bool) -> None:
        """Wrap the lines to the width, and scroll to the end or to the row that was on top."""
        width = self.scrollable_content_region.width - _TEXT_AT
        if width <= 0:
            return
        follows, top = self._follows, self._top()
        self._wrap(max(width, _NARROWEST_TEXT), anew=anew)
        self.take_rows(len(self._rows))
        # Where the line that was on top is gone, the next one that is kept is.
        self.go_to(self.max_scroll_y if follows else bisect_left(self._rows, top, key=_order))
        self._end = self.max_scroll_y
        self.data_changed()

    def _wrap(self, width: int, *, anew: bool) -> None:
        """Bring the rows up to date; only new lines are wrapped, as there may be thousands a second."""
        if anew or width != self._width or not self.lines or not self._rows:
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
        """Draw the rows that are seen."""
        top = self.scroll_offset.y
        for y, (line, part, text) in enumerate(self._rows[top : top + canvas.height]):
            ink = _INK_OF.get(line.level, _BASE)
            if part == 0:
                canvas.text(0, y, _time_of_day(int(line.created)), _QUIET)
                canvas.text(_LEVEL_AT, y, line.level[:1].upper(), ink)
            # What is indented are details of the line above, such as the places of a traceback.
            canvas.text(_TEXT_AT, y, text, _QUIET if text[:1] == " " else ink)


class LogPanel(Searchable):
    """The last lines of the log, with the time of this machine at which they were written."""

    NAME: ClassVar[str] = "log"
    NEEDS_SESSION: ClassVar[bool] = False

    def __init__(self, playback: Playback, lines: LogLines) -> None:
        super().__init__(playback)
        self.view = LogView()
        self._lines = lines
        self._shown: tuple[int, str] | None = None
        self._looked = 0.0
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
        """The heading, with the zone of the times: everything else on screen has the session's."""
        return f"{super().heading}, times in {time.localtime().tm_zone}"

    def keyboard_target(self) -> Widget:
        """Return the view."""
        return self.view

    def update(self, view_state: ViewState) -> None:
        """Show the last lines, whatever the run does."""
        now, before = self.clock(), self._shown
        is_searched = before is not None and before[1] == self.search
        if view_state.is_racing and is_searched and now < self._looked + _RACING_S:
            return
        self._looked = now
        self.show(view_state)

    def show(self, view_state: ViewState) -> None:
        """Show the last lines that match."""
        before, self._shown = self._shown, (self._lines.count, self.search)
        if self._shown != before:
            self.view.show_lines(self._found(), are_others=before is None or before[1] != self.search)
        if self.view.lines:
            self.fill()
        else:
            self.show_no_line("the log is empty")

    def as_table(self, view_state: ViewState) -> Table:
        """Return the lines, with their times as the log file has them."""
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
