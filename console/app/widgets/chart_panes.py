"""Drawing of the panes below the price: title with last values, scale with levels, and the lines."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tapedeck.console.app.widgets.candles import Indices, Plot, draw_level
from tapedeck.console.app.widgets.canvas import Canvas, cells_of, shortened
from tapedeck.console.app.widgets.chart_data import ChartPane, LineForm
from tapedeck.console.app.widgets.chart_layout import PaneRows
from tapedeck.console.app.widgets.chart_lines import LineStyle, PlottedLine, draw_lines
from tapedeck.console.app.widgets.figures import compact, decimals_of, fixed, marked_as_before
from tapedeck.console.app.widgets.price_scale import PriceScale

Floats = NDArray[np.float64]

_SLACK: Final = 1e-6
_COMPACT_FROM: Final = 100_000.0
_MOST_DECIMALS: Final = 10
_TITLE_AT: Final = 2


@dataclass(frozen=True, slots=True)
class PaneInks:
    """Style codes of a pane: frame and labels, name, levels, and those of its lines in turn."""

    axis: int
    title: int
    level: int
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PanePlace:
    """Place of a pane on the canvas: its rows, the column of each candle on view, and of the scale's line.

    `today`: index of the first candle of the session on view, whose last values the title has.
    """

    rows: PaneRows
    columns: Indices
    axis_left: int
    today: int = 0


def pane_scale(pane: ChartPane, shown: slice, rows: int) -> PriceScale:
    """Return the scale of a pane, which holds its values on view and its levels; zero if it has a histogram.

    It is as wide as the pane's bounds, if it has any and the values keep to them.
    """
    values = np.concatenate([line.values[shown] for line in pane.lines])
    if pane.bounds is not None:
        low, high = pane.bounds
        slack = _SLACK * (high - low)
        if not np.any((values < low - slack) | (values > high + slack)):
            return PriceScale(low, high, rows)
    zero = (0.0,) if any(line.form is LineForm.HISTOGRAM for line in pane.lines) else ()
    held = np.concatenate([values, pane.levels, zero, pane.bounds or ()])
    scale = PriceScale.around(held, held, rows)
    is_positive = not np.any(held < 0.0)  # a volume or a range has no margin below zero
    return replace(scale, low=0.0) if is_positive and scale.low < 0.0 < scale.high else scale


def paint_pane(
    canvas: Canvas,
    pane: ChartPane,
    place: PanePlace,
    shown: slice,
    inks: PaneInks,
    *,
    at: int | None = None,
    style: LineStyle = LineStyle.BRAILLE,
) -> None:
    """Draw a pane. `shown`: the candles on view.

    `at`: the candle whose values its title has, None for the last known ones.
    """
    scale = pane_scale(pane, shown, place.rows.rows)
    plot = Plot(canvas, place.rows.top, place.rows.rows, place.columns)
    lines = [
        PlottedLine(line.values[shown], _ink(inks, number), line.form)
        for number, line in enumerate(pane.lines)
    ]
    draw_lines(plot, scale, lines, style=style)
    for level in pane.levels if len(place.columns) else ():
        draw_level(plot, scale, level, inks.level)
    _paint_title(canvas, pane, place, at, scale, inks)
    _paint_scale(canvas, pane, place, scale, inks)


def _ink(inks: PaneInks, number: int) -> int:
    return inks.lines[number % len(inks.lines)]


def _paint_title(
    canvas: Canvas, pane: ChartPane, place: PanePlace, at: int | None, scale: PriceScale, inks: PaneInks
) -> None:
    """Draw the frame's line with the indicator's name and the values of its lines."""
    y, end = place.rows.title, min(place.axis_left, canvas.width)
    canvas.text(0, y, "─" * end, inks.axis)
    if end < canvas.width:
        canvas.text(end, y, "┤", inks.axis)
    parts, size = [(pane.id, inks.title)], max(abs(scale.low), abs(scale.high))
    for number, line in enumerate(pane.lines):
        name = "" if line.name == pane.id else f"{line.name.removeprefix(f'{pane.id}_')} "
        value = _last_known(line.values[place.today :]) if at is None else float(line.values[at])
        if math.isnan(value) and at is None and not math.isnan(line.before):
            parts.append((f"{name}{marked_as_before(_figure(line.before, abs(line.before)))}", inks.axis))
        else:
            parts.append((f"{name}{_figure(value, size)}", _ink(inks, number)))
    x = _TITLE_AT
    for text, ink in parts:
        room = end - x - 2
        if room < cells_of(text):
            break
        canvas.text(x - 1, y, " ", inks.axis)
        x = canvas.text(x, y, text, ink) + 1
    if x > _TITLE_AT:
        canvas.text(x - 1, y, " ", inks.axis)


def _paint_scale(
    canvas: Canvas, pane: ChartPane, place: PanePlace, scale: PriceScale, inks: PaneInks
) -> None:
    """Draw the scale's line with labels of the levels, and of its ends where there is a row for them."""
    left, top, rows = place.axis_left, place.rows.top, place.rows.rows
    if left >= canvas.width:
        return
    canvas.column(left, top, ["│"] * rows, [inks.axis] * rows)
    for row, value in scale_labels(pane, scale).items():
        text = f"┤{_label(value, scale)}"
        canvas.text(left, top + row, shortened(text, canvas.width - left), inks.axis)


def scale_labels(pane: ChartPane, scale: PriceScale) -> dict[int, float]:
    """Return row → value of the labels: levels first, then the scale's ends in rows without one."""
    labels: dict[int, float] = {}
    for value in (*pane.levels, scale.high, scale.low):
        row = int(scale.halves(np.array([value]))[0]) // 2
        labels.setdefault(row, value)
    return labels


def scale_width(pane: ChartPane, shown: slice, rows: int) -> int:
    """Return the length of the longest label beside a pane's scale."""
    scale = pane_scale(pane, shown, rows)
    return max(len(_label(value, scale)) for value in scale_labels(pane, scale).values())


def _figure(value: float, size: float) -> str:
    """Return a last value, with the decimals that tables have for values of a size."""
    return compact(value) if size >= _COMPACT_FROM else fixed(value, decimals_of(size))


def _label(value: float, scale: PriceScale) -> str:
    """Return a value beside the scale, with the decimals that its height needs, without zeros at the end."""
    if max(abs(scale.low), abs(scale.high)) >= _COMPACT_FROM:
        return compact(value)
    needed = 1 - math.floor(math.log10(scale.high - scale.low) + 1e-9)
    text = fixed(value, min(max(needed, 0), _MOST_DECIMALS))
    return text.rstrip("0").rstrip(".") if "." in text else text


def _last_known(values: Floats) -> float:
    """Return the last value that is not missing, NaN if all are."""
    present = values[np.isfinite(values)]
    return float(present[-1]) if len(present) else float("nan")
