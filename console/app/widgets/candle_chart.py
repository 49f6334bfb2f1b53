"""The candle chart of the focused symbol."""

from __future__ import annotations

from typing import ClassVar

from tapedeck.console.app.widgets.canvas import Canvas
from tapedeck.console.app.widgets.chart_data import ChartData
from tapedeck.console.app.widgets.chart_painting import INKS, paint_chart
from tapedeck.console.app.widgets.painted import Painted


class CandleChart(Painted, can_focus=True, inherit_bindings=False):
    """The latest candles that fit, newest at the right, with overlays and with volumes below.

    A click focuses it. It binds no keys, so that those of the screen work.
    """

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

    @property
    def data(self) -> ChartData | None:
        """The data shown, None before the first."""
        return self._data

    def show(self, data: ChartData) -> None:
        """Show candles; only changed lines are redrawn."""
        if len(data) == 0:
            self.show_empty(f"{data.title}: no bar yet as of {data.as_of}")
            return
        self._data = data
        self.data_changed()

    def paint(self, canvas: Canvas) -> None:
        """Draw titles, candles, overlays, volumes and axes."""
        if self._data is not None:
            paint_chart(canvas, self._data, solid_falls=self.app.no_color)
