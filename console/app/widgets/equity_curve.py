"""Equity of a session as an area: one column for each part of the session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from tapedeck.console.app.widgets.candles import Plot, draw_blocks, draw_level
from tapedeck.console.app.widgets.canvas import Canvas
from tapedeck.console.app.widgets.downsample import slot_bounds
from tapedeck.console.app.widgets.painted import Painted
from tapedeck.console.app.widgets.price_scale import PriceScale

Floats = NDArray[np.float64]

_INKS: Final = (
    "painted--base", "painted--quiet", "painted--failed", "equity--gain", "equity--loss", "equity--level",
)  # fmt: skip
_INK: Final = {name.partition("--")[2]: number for number, name in enumerate(_INKS)}
_STEPS_OF_A_ROW: Final = 8
_NARROWEST_WITH_LABELS: Final = 30
_LOWEST_WITH_LABELS: Final = 2


@dataclass(frozen=True, slots=True, eq=False)
class EquityData:
    """Equity in the currency at the close of each slot that is over, float64 (k,), of a session of `slots`.

    `opening`: before the session, drawn as a dotted line.
    """

    values: Floats
    slots: int
    opening: float


class EquityCurve(Painted):
    """The session from open to close: green above the opening equity, red below it."""

    INKS = _INKS
    COMPONENT_CLASSES: ClassVar[set[str]] = set(_INKS)
    EMPTY_TEXT = "no slot is over yet"
    DEFAULT_CSS = """
    EquityCurve { height: 25%; min-height: 2; max-height: 6; }
    EquityCurve > .equity--gain { color: $success; }
    EquityCurve > .equity--loss { color: $error; }
    EquityCurve > .equity--level { color: $foreground 60%; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._data: EquityData | None = None

    def show(self, data: EquityData) -> None:
        """Show the equity of a session."""
        if len(data.values) == 0:
            self.show_empty()
            return
        self._data = data
        self.data_changed()

    def paint(self, canvas: Canvas) -> None:
        """Draw area, opening equity, and highest and lowest equity at the right."""
        data = self._data
        if data is None or not canvas.width or not canvas.height:
            return
        low, high = (float(end(data.values, initial=data.opening)) for end in (np.min, np.max))
        labels = (f"{high:,.2f}", f"{low:,.2f}")
        has_labels = canvas.width >= _NARROWEST_WITH_LABELS and canvas.height >= _LOWEST_WITH_LABELS
        cells = canvas.width - (max(map(len, labels)) + 1 if has_labels else 0)
        if cells < 1:
            return
        _paint_area(canvas, cells, data, low, high)
        if has_labels:
            canvas.right_text(canvas.width, 0, labels[0], _INK["level"])
            canvas.right_text(canvas.width, canvas.height - 1, labels[1], _INK["level"])


def _paint_area(canvas: Canvas, cells: int, data: EquityData, low: float, high: float) -> None:
    """Draw the equity at the end of each cell's slots; the lowest has one step of height."""
    first, after = slot_bounds(data.slots, cells)
    known = first < len(data.values)
    values = data.values[np.minimum(after[known], len(data.values)) - 1]
    steps = _STEPS_OF_A_ROW * canvas.height
    share = (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
    inks = np.where(values < data.opening, _INK["loss"], _INK["gain"]).astype(np.uint16)
    draw_blocks(
        Plot(canvas, 0, canvas.height, np.flatnonzero(known)), (1 + share * (steps - 1)) / steps, inks
    )
    pad = (high - low) / (2 * steps) or 0.5
    scale = PriceScale(low - pad, high + pad, canvas.height)
    draw_level(Plot(canvas, 0, canvas.height, np.array([cells - 1])), scale, data.opening, _INK["level"])
