"""The candle chart of the focused symbol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from rich.style import Style
from textual import events
from textual.color import Color
from textual.message import Message

from tapedeck.console.app.widgets.canvas import Canvas
from tapedeck.console.app.widgets.chart_data import ChartData
from tapedeck.console.app.widgets.chart_lines import LineStyle
from tapedeck.console.app.widgets.chart_painting import INKS, ChartPlace, paint_chart, place_of
from tapedeck.console.app.widgets.painted import Painted

_LINE_INKS: Final = "chart--overlay-"
_WHEEL_CANDLES: Final = 3
"""Candles that the wheel pans at a step."""


class CandleChart(Painted, can_focus=True, inherit_bindings=False):
    """The candles of a window, newest at the right, with overlays and with volumes below.

    A click focuses it, and sets the crosshair; a drag pans, the wheel zooms, and with shift or sideways it
    pans. It binds no keys, so that those of the screen work.
    """

    @dataclass
    class Pointed(Message):
        """A candle was clicked: its index."""

        candle: int

    @dataclass
    class Panned(Message):
        """The chart was dragged: candles to move on by, below 0 for earlier ones."""

        candles: int

    @dataclass
    class Zoomed(Message):
        """The wheel was turned: 1 for fewer candles, -1 for more."""

        steps: int

    INKS = INKS
    COMPONENT_CLASSES: ClassVar[set[str]] = set(INKS)
    EMPTY_TEXT = "no symbol chosen: press up or down in the table of symbols"
    DEFAULT_CSS = """
    CandleChart { height: 1fr; }
    CandleChart > .chart--title { color: $foreground; text-style: bold; }
    CandleChart > .chart--up { color: $success; text-style: bold; }
    CandleChart > .chart--down { color: $error; }
    CandleChart > .chart--flat { color: $foreground; }
    CandleChart > .chart--up-before { color: $success 60%; }
    CandleChart > .chart--down-before { color: $error 60%; }
    CandleChart > .chart--volume { color: $primary; }
    CandleChart > .chart--volume-before { color: $primary 55%; }
    CandleChart > .chart--axis { color: $foreground 75%; }
    CandleChart > .chart--last { color: $background; background: $foreground; text-style: bold; }
    CandleChart > .chart--gap { color: $warning; text-style: bold; }
    CandleChart > .chart--divider { color: $foreground 40%; }
    CandleChart > .chart--level { color: $foreground 50%; }
    CandleChart > .chart--forming { color: $foreground 50%; }
    CandleChart > .chart--corrected { color: $accent; text-style: bold; }
    CandleChart > .chart--buy { color: $background; background: $success; text-style: bold; }
    CandleChart > .chart--sell { color: $background; background: $error; text-style: bold; }
    CandleChart > .chart--overlay-1 { color: $accent; }
    CandleChart > .chart--overlay-2 { color: $primary; }
    CandleChart > .chart--overlay-3 { color: $secondary; }
    CandleChart > .chart--overlay-4 { color: $warning; }
    CandleChart > .chart--overlay-5 { color: $foreground; }
    """

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._data: ChartData | None = None
        self._dragged_from: int | None = None
        self._was_dragged = False

    @property
    def data(self) -> ChartData | None:
        """The data shown, None before the first."""
        return self._data

    @property
    def place(self) -> ChartPlace | None:
        """Which candles are drawn in which columns, None without data."""
        return None if self._data is None else place_of(self.size.width, self.size.height, self._data)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Zoom in; with shift, pan to earlier candles."""
        self._turned(event, 1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Zoom out; with shift, pan to later candles."""
        self._turned(event, -1)

    def on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        """Pan to earlier candles."""
        event.stop()
        self.post_message(self.Panned(-_WHEEL_CANDLES))

    def on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        """Pan to later candles."""
        event.stop()
        self.post_message(self.Panned(_WHEEL_CANDLES))

    def _turned(self, event: events.MouseEvent, steps: int) -> None:
        event.stop()
        event.prevent_default()
        self.post_message(self.Panned(-steps * _WHEEL_CANDLES) if event.shift else self.Zoomed(steps))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin to drag."""
        self._was_dragged = False
        if event.button == 1 and self._notice is None:
            self._dragged_from = event.x
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Pan by the candles that the mouse was dragged over."""
        place = self.place
        if self._dragged_from is None or place is None:
            return
        candles = int((self._dragged_from - event.x) / place.stride)
        if candles:
            self._dragged_from -= candles * place.stride
            self._was_dragged = True
            self.post_message(self.Panned(candles))

    def on_mouse_up(self, _event: events.MouseUp) -> None:
        """End a drag."""
        if self._dragged_from is not None:
            self._dragged_from = None
            self.release_mouse()

    def on_click(self, event: events.Click) -> None:
        """Set the crosshair, unless the click ends a drag."""
        place = self.place
        if place is None or self._notice is not None or self._was_dragged:
            return
        candle = place.candle_at(event.x)
        if candle is not None:
            self.post_message(self.Pointed(candle))

    def show(self, data: ChartData) -> None:
        """Show candles; only changed lines are redrawn."""
        if len(data) == 0 and data.forming is None:
            self.show_empty(f"{data.title}: no bar yet as of {data.as_of}")
            return
        self._data = data
        self.data_changed()

    def paint(self, canvas: Canvas) -> None:
        """Draw titles, candles, overlays, volumes and axes."""
        if self._data is not None:
            # Applications of tests show a chart without settings.
            style = getattr(self.app, "chart_lines", LineStyle.BRAILLE)
            paint_chart(canvas, self._data, solid_falls=self.app.no_color, line_style=style)

    def _ink(self, number: int) -> Style:
        """Return the style of an ink; lines have the colours that the theme gives them."""
        style = super()._ink(number)
        colour = self.app.theme_variables.get(f"line-{self.INKS[number].removeprefix(_LINE_INKS)}")
        return style if colour is None else style + Style(color=Color.parse(colour).rich_color)
