"""Base class of the widgets: a canvas redrawn where it changed, and notices in place of missing data."""

from __future__ import annotations

import textwrap
from abc import abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Final

from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tapedeck.console.app.widgets.canvas import BACKGROUND, BASE, TINT, Canvas

TINT_SHARE: Final = 0.5
"""Part of an ink's colour in its tint; the rest is the background's."""


class NoticeKind(Enum):
    """Kinds of notice in place of data, each with a character that marks it without colour."""

    EMPTY = "·"
    LOADING = "…"
    FAILED = "!"


@dataclass(frozen=True, slots=True)
class Notice:
    """A kind and a text: the reason, and the key to press."""

    kind: NoticeKind
    text: str


class Painted(ScrollView, can_focus=False):
    """A widget that draws on a canvas and refreshes the lines that differ from the canvas before.

    `INKS` names its component classes; the style code of an ink is its index there, and code 0 is the
    widget's own style. A notice (empty, loading, failed) is shown until there is data, and again on request.
    """

    INKS: ClassVar[tuple[str, ...]] = ("painted--base", "painted--quiet", "painted--failed")
    COMPONENT_CLASSES: ClassVar[set[str]] = {"painted--base", "painted--quiet", "painted--failed"}
    DEFAULT_CSS = """
    Painted { overflow: hidden hidden; }
    Painted > .painted--base { color: $foreground; }
    Painted > .painted--quiet { color: $foreground 75%; }
    Painted > .painted--failed { color: $error; text-style: bold; }
    """
    EMPTY_TEXT: ClassVar[str] = "nothing to show yet"

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._notice: Notice | None = Notice(NoticeKind.EMPTY, self.EMPTY_TEXT)
        self._canvas: Canvas | None = None
        self._canvas_key: object = None
        self._generation = 0
        self._changed: list[int] = []
        self._strips: dict[int, Strip] = {}
        self._styles_by_code: dict[int, Style] = {}
        self._styles_by_background: dict[Hashable, dict[int, Style]] = {None: self._styles_by_code}

    # For the application

    def show_empty(self, text: str | None = None) -> None:
        """Show that there is no data, and the key to press."""
        self._show_notice(Notice(NoticeKind.EMPTY, self.EMPTY_TEXT if text is None else text))

    def show_loading(self, text: str = "loading") -> None:
        """Show the text of a pending load."""
        self._show_notice(Notice(NoticeKind.LOADING, text))

    def show_failed(self, text: str) -> None:
        """Show an error, and the way out of it."""
        self._show_notice(Notice(NoticeKind.FAILED, text))

    # For subclasses

    @abstractmethod
    def paint(self, canvas: Canvas) -> None:
        """Draw the data on an empty canvas of the widget's size; called only when there is data."""

    def data_changed(self) -> None:
        """Redraw, and refresh the lines that differ; a notice is removed."""
        self._notice = None
        self._redraw()

    def take_rows(self, rows: int) -> None:
        """Set the number of rows to scroll over; the layout changes only if a scrollbar comes or goes."""
        size, height = Size(0, rows), self.scrollable_content_region.height
        if size == self.virtual_size:
            return
        if self.is_attached and (rows > height) == (self.virtual_size.height > height):
            self.set_reactive(Painted.virtual_size, size)
            if self.show_vertical_scrollbar:
                self.vertical_scrollbar.window_virtual_size = rows
            self.scroll_y = self.validate_scroll_y(self.scroll_y)
        else:
            self.virtual_size = size

    def watch_show_vertical_scrollbar(self) -> None:
        """Set a new scrollbar to the scroll position: Textual updates only one that exists already."""
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = self.scroll_y

    # Internals

    def _show_notice(self, notice: Notice) -> None:
        if notice != self._notice:
            self._notice = notice
            self._redraw()

    def _redraw(self) -> None:
        self._generation += 1
        if not self.is_attached or not self.size:
            return
        width = self._current_canvas().width
        if self._changed:
            self.refresh(*(Region(0, y, width, 1) for y in self._changed))

    def _current_canvas(self) -> Canvas:
        """Return the canvas for the current data, size and scroll position, drawn once."""
        size = self.scrollable_content_region.size
        key = (self._generation, size, self.scroll_offset, self.has_focus)
        if self._canvas is None or key != self._canvas_key:
            before, canvas = self._canvas, Canvas(size.width, size.height)
            if self._notice is None:
                self.paint(canvas)
            else:
                _paint_notice(canvas, self._notice)
            self._canvas, self._canvas_key = canvas, key
            self._changed = canvas.changed_lines(before)
            for y in self._changed:
                self._strips.pop(y, None)
        return self._canvas

    def render_line(self, y: int) -> Strip:
        """Return a line of the canvas."""
        return self._current_canvas().strip(y, self._style_of)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the lines of a region.

        Textual's own method adds borders, padding and effects, which a canvas does not need, and takes as
        long as the whole drawing.
        """
        if self.styles.gutter:
            return super().render_lines(crop)
        canvas, strips = self._current_canvas(), self._strips
        changed = [y for y in crop.line_range if y not in strips]
        if changed:
            styles = {code: self._style_of(code) for code in canvas.codes_used()}
            strips |= {y: canvas.strip(y, styles.__getitem__) for y in changed}
        lines = [strips[y] for y in crop.line_range]
        if crop.column_span != (0, canvas.width):  # with the columns of a scrollbar, or a part
            background = self._style_of(BASE).background_style
            lines = [strip.crop_extend(*crop.column_span, background) for strip in lines]
        return lines

    def _style_of(self, code: int) -> Style:
        style = self._styles_by_code.get(code)
        if style is None:
            style = self._ink(code % BACKGROUND)
            if code >= TINT:
                style += Style(bgcolor=_tint(self._ink((code - TINT) // BACKGROUND)))
            elif code >= BACKGROUND:
                style += Style(bgcolor=self._ink(code // BACKGROUND).bgcolor)
            self._styles_by_code[code] = style = self._filtered(style)
        return style

    def _filtered(self, style: Style) -> Style:
        """Return a style after the application's line filters, such as the one that removes colour."""
        background = self.background_colors[1]
        for line_filter in self.get_line_filters():
            (segment,) = line_filter.apply([Segment(" ", style)], background)
            style = segment.style or style
        return style

    def _ink(self, number: int) -> Style:
        return self.rich_style if number == BASE else self.get_component_rich_style(self.INKS[number])

    def set_background(self, background: Hashable) -> None:
        """Redraw on another background colour; styles are cached for each `background`."""
        super().notify_style_update()
        self._styles_by_code = self._styles_by_background.setdefault(background, {})
        self._strips.clear()
        self.refresh()

    def notify_style_update(self) -> None:
        """Clear the styles of the theme before."""
        for styles in self._styles_by_background.values():
            styles.clear()
        self._strips.clear()
        super().notify_style_update()


def _tint(ink: Style) -> RichColor:
    """Return the colour of an ink, mixed with its background."""
    colour, background = Color.from_rich_color(ink.color), Color.from_rich_color(ink.bgcolor)
    return background.blend(colour, TINT_SHARE).rich_color


def _paint_notice(canvas: Canvas, notice: Notice) -> None:
    code = {NoticeKind.EMPTY: 1, NoticeKind.LOADING: 1, NoticeKind.FAILED: 2}[notice.kind]
    width = max(canvas.width - 2, 1)
    lines = [
        line
        for paragraph in f"{notice.kind.value} {notice.text}".splitlines()
        for line in textwrap.wrap(paragraph, width) or [""]
    ][: canvas.height]
    top = (canvas.height - len(lines)) // 2
    for number, line in enumerate(lines):
        canvas.text((canvas.width - len(line)) // 2, top + number, line, code)
