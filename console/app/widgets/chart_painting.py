"""Drawing of a chart: titles, candles, overlays, volumes and axes, on a canvas of any size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tapedeck.console.app.widgets.candles import (
    Indices,
    Inks,
    Plot,
    draw_candles,
    draw_divider,
    draw_level,
    draw_marks,
    draw_volumes,
)
from tapedeck.console.app.widgets.canvas import Canvas, shortened
from tapedeck.console.app.widgets.chart_data import ChartData, ChartLine
from tapedeck.console.app.widgets.chart_layout import AXIS_WIDTH, ChartLayout
from tapedeck.console.app.widgets.chart_lines import LineStyle, PlottedLine, draw_lines
from tapedeck.console.app.widgets.chart_panes import PaneInks, PanePlace, paint_pane
from tapedeck.console.app.widgets.figures import BOUGHT, CORRECTED, SOLD, compact, fixed, marked_as_before
from tapedeck.console.app.widgets.price_scale import PriceScale
from tapedeck.console.app.widgets.time_axis import clock_labels, date_labels

Mask = NDArray[np.bool_]

INKS: Final = (
    "painted--base", "painted--quiet", "painted--failed",
    "chart--title", "chart--up", "chart--down", "chart--flat",
    "chart--up-before", "chart--down-before", "chart--volume", "chart--volume-before",
    "chart--axis", "chart--last", "chart--gap", "chart--divider", "chart--level",
    "chart--forming", "chart--corrected", "chart--buy", "chart--sell",
    "chart--overlay-1", "chart--overlay-2", "chart--overlay-3", "chart--overlay-4", "chart--overlay-5",
)  # fmt: skip
_INK: Final = {name.partition("--")[2]: number for number, name in enumerate(INKS)}
_LEGEND_GAP: Final = 2
_AXIS_TRIES: Final = 3
_LINE_REACH: Final = 0.5
"""Part of the candles' range by which lines may widen the price scale, up and down each."""
_OVERLAYS: Final = tuple(_INK[f"overlay-{number}"] for number in range(1, 6))
_PANE_INKS: Final = PaneInks(_INK["axis"], _INK["title"], _INK["level"], _OVERLAYS)


def paint_chart(
    canvas: Canvas, data: ChartData, *, solid_falls: bool, line_style: LineStyle = LineStyle.BRAILLE
) -> None:
    """Draw a chart of at least one candle. `solid_falls`: fallen candles are solid; used without colour."""
    if not canvas.width or not canvas.height:
        return
    legend = _legend(data, canvas.width)
    layout = _fitted_layout(canvas, data, len(legend))
    shown = _shown(layout, data)
    columns = layout.columns(shown, data.today)
    _paint_titles(canvas, layout, data)
    _paint_legend(canvas, layout, legend)
    scale = _paint_plot(canvas, layout, data, shown, columns, solid_falls=solid_falls, line_style=line_style)
    _paint_volumes(canvas, layout, data, shown, columns)
    _paint_panes(canvas, layout, data, shown, columns, line_style)
    _paint_price_axis(canvas, layout, scale, data)
    _paint_time_axis(canvas, layout, data, shown, columns)
    _paint_divider(canvas, layout, data.today - shown.start, columns)


def panes_that_fit(width: int, height: int, data: ChartData) -> int:
    """Return how many panes of a chart are open at a size, from the first on."""
    return len(_fitted_layout(Canvas(width, height), data, len(_legend(data, width))).panes)


def _fitted_layout(canvas: Canvas, data: ChartData, legend: int) -> ChartLayout:
    """Return a layout whose axis is wide enough for its prices."""
    axis = AXIS_WIDTH
    for _ in range(_AXIS_TRIES):
        layout = ChartLayout.of(
            canvas.width,
            canvas.height,
            len(data),
            legend,
            axis_width=axis,
            has_forming=data.forming is not None,
            panes=len(data.panes),
        )
        needed = min(1 + _scale(layout, data).label_width(), canvas.width // 2)
        if needed <= axis:
            break
        axis = needed  # fewer candles fit, and their prices may need one more decimal
    return layout


def _shown(layout: ChartLayout, data: ChartData) -> slice:
    return slice(len(data) - layout.candles, len(data))


def _scale(layout: ChartLayout, data: ChartData) -> PriceScale:
    shown = _shown(layout, data)
    low, high = data.low[shown], data.high[shown]
    if data.forming is not None and layout.forming:
        low, high = np.append(low, data.forming.low), np.append(high, data.forming.high)
    near = _lines_near(data, shown, low, high)
    return PriceScale.around(np.append(low, near), np.append(high, near), layout.plot_rows)


def _lines_near(
    data: ChartData, shown: slice, low: NDArray[np.float64], high: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the values of lines on view that the scale holds: those near the candles, such as bands.

    What is farther away than half of the candles' range would make them too small; it is cut off.
    """
    present = np.isfinite(low) & np.isfinite(high)
    if not present.any() or not data.overlays:
        return np.array([])
    bottom, top = float(low[present].min()), float(high[present].max())
    values = np.concatenate([line.values[shown] for line in data.overlays])
    reach = _LINE_REACH * (top - bottom)
    near: NDArray[np.float64] = values[(values >= bottom - reach) & (values <= top + reach)]
    return near


def _paint_titles(canvas: Canvas, layout: ChartLayout, data: ChartData) -> None:
    if layout.title is None:
        return
    end = canvas.text(0, layout.title, shortened(data.title, canvas.width), _INK["title"])
    if data.later:
        end = canvas.text(end + 1, layout.title, data.later, _INK["axis"])
    as_of_at = canvas.width - len(data.as_of)
    if as_of_at > end + 1:
        canvas.text(as_of_at, layout.title, data.as_of, _INK["axis"])
        figures, ink = _last_candle(data)
        if end + 2 + len(figures) < as_of_at:
            canvas.text(end + 2, layout.title, figures, ink)


def _paint_plot(
    canvas: Canvas,
    layout: ChartLayout,
    data: ChartData,
    shown: slice,
    columns: Indices,
    *,
    solid_falls: bool,
    line_style: LineStyle,
) -> PriceScale:
    scale = _scale(layout, data)
    plot = Plot(canvas, layout.plot_top, layout.plot_rows, columns)
    ohlc = (data.open[shown], data.high[shown], data.low[shown], data.close[shown])
    inks = _direction(ohlc[0], ohlc[3], _is_dimmed(shown, data))
    draw_candles(plot, scale, ohlc, inks, solid_falls=solid_falls)
    lines = [
        PlottedLine(line.values[shown], ink, line.form)
        for line, ink in zip(data.overlays, _overlay_inks(data.overlays), strict=True)
    ]
    draw_lines(plot, scale, lines, style=line_style)
    for number, line in enumerate(lines):
        _paint_overlay_number(canvas, layout, scale, line, number)
    _paint_forming(canvas, layout, data, scale, solid_falls=solid_falls)
    for price in data.levels.values():
        draw_level(plot, scale, price, _INK["level"])
    _paint_fills(plot, scale, data, shown)
    return scale


def _paint_fills(plot: Plot, scale: PriceScale, data: ChartData, shown: slice) -> None:
    """Mark candles in which strategies bought below, those in which they sold above."""
    marks = (
        (data.bought, data.low, BOUGHT, "buy", True),
        (data.sold, data.high, SOLD, "sell", False),
    )
    for indices, prices, sign, ink, is_below in marks:
        wanted = np.isin(np.arange(shown.start, shown.stop), list(indices))
        halves = np.where(wanted, scale.halves(prices[shown]), -1)
        draw_marks(plot, halves, sign, _INK[ink], is_below=is_below)


def _paint_forming(
    canvas: Canvas, layout: ChartLayout, data: ChartData, scale: PriceScale, *, solid_falls: bool
) -> None:
    """Draw the candle that is not over, right of the others, and its age below the price axis."""
    forming = data.forming
    if forming is None or not layout.forming:
        return
    plot = Plot(canvas, layout.plot_top, layout.plot_rows, np.array([layout.forming_column], dtype=np.intp))
    prices = (forming.open, forming.high, forming.low, forming.close)
    opened, high, low, close = (np.array([price]) for price in prices)
    inks = np.array([_INK["forming"]], dtype=np.uint16)
    draw_candles(plot, scale, (opened, high, low, close), inks, solid_falls=solid_falls)
    if layout.times is not None:
        canvas.right_text(canvas.width, layout.times, f"now {forming.note}", _INK["forming"])


def _paint_volumes(
    canvas: Canvas, layout: ChartLayout, data: ChartData, shown: slice, columns: Indices
) -> None:
    if not layout.volume_rows:
        return
    plot = Plot(canvas, layout.volume_top, layout.volume_rows, columns)
    inks = np.where(_is_dimmed(shown, data), _INK["volume-before"], _INK["volume"]).astype(np.uint16)
    largest = draw_volumes(plot, data.volume[shown], inks)
    if largest:
        canvas.text(layout.axis_left + 1, layout.volume_top, compact(largest), _INK["axis"])


def _paint_panes(
    canvas: Canvas,
    layout: ChartLayout,
    data: ChartData,
    shown: slice,
    columns: Indices,
    line_style: LineStyle,
) -> None:
    """Draw the panes that fit; the title of the last one says how many do not."""
    for pane, rows in zip(data.panes, layout.panes, strict=False):
        place = PanePlace(rows, columns, layout.axis_left)
        paint_pane(canvas, pane, place, shown, _PANE_INKS, style=line_style)
    omitted = len(data.panes) - len(layout.panes)
    if omitted and layout.panes:
        text = f" {omitted} more "
        canvas.right_text(layout.axis_left - 1, layout.panes[-1].title, text, _INK["axis"])


def _is_dimmed(shown: slice, data: ChartData) -> Mask:
    """Return which candles are dimmed: history, and all of a symbol that joins later."""
    dimmed: Mask = (np.arange(shown.start, shown.stop) < data.today) | bool(data.later)
    return dimmed


def _direction(opens: NDArray[np.float64], closes: NDArray[np.float64], before: Mask | bool = False) -> Inks:
    """Return the ink of each candle: up, down or flat, and the dimmed ones `before`."""
    today = np.where(closes > opens, _INK["up"], np.where(closes < opens, _INK["down"], _INK["flat"]))
    fallen_before = np.where(closes < opens, _INK["down-before"], _INK["axis"])
    history = np.where(closes > opens, _INK["up-before"], fallen_before)
    inks: Inks = np.where(before, history, today).astype(np.uint16)
    return inks


def _last_candle(data: ChartData) -> tuple[str, int]:
    """Return the text of the last bar that is not missing, and its ink; an older bar has its time in it."""
    at = _last_present(data)
    names = ("O", data.open), ("H", data.high), ("L", data.low), ("C", data.close)
    decimals = PriceScale.around(data.low, data.high, 20).decimals()
    prices = " ".join(f"{name} {fixed(float(values[at]), decimals)}" for name, values in names)
    figures = f"{prices} V {compact(float(data.volume[at]))}"
    if at < data.today:
        return f"session before: {figures}", _INK["axis"]
    if at < len(data) - 1:
        return f"last bar {_label(data, at)}: {figures}", _INK["axis"]
    return figures, int(_direction(data.open[-1:], data.close[-1:])[0])


def _last_present(data: ChartData) -> int:
    """Return the index of the last bar that is not missing; of the last candle if all are."""
    present = np.flatnonzero(np.isfinite(data.close))
    return int(present[-1]) if len(present) else len(data) - 1


def _label(data: ChartData, at: int) -> str:
    """Return the time, or the date, at which a candle opened."""
    opened = datetime.fromtimestamp(int(data.opened_at[at]), UTC if data.is_daily else data.zone)
    return f"{opened:%Y-%m-%d}" if data.is_daily else f"{opened:%H:%M:%S}".removesuffix(":00")


def _last_known(values: NDArray[np.float64]) -> float:
    """Return the last value that is not missing, as the tables show it; NaN if all are."""
    present = values[np.isfinite(values)]
    return float(present[-1]) if len(present) else float("nan")


def _overlay_inks(lines: Sequence[ChartLine]) -> tuple[int, ...]:
    """Return the ink of each line over the price: one for each indicator, the same ones again after the last.

    The numbers of the legend tell lines of one ink apart.
    """
    owners = [line.indicator or line.name for line in lines]
    order = list(dict.fromkeys(owners))
    return tuple(_OVERLAYS[order.index(owner) % len(_OVERLAYS)] for owner in owners)


def _legend(data: ChartData, width: int) -> list[list[tuple[str, int]]]:
    """Return the lines of the legend: each overlay with its number, last value and ink.

    Without a value of today it has the one of the session before, dimmed and marked.
    """
    decimals = PriceScale.around(data.low, data.high, 20).decimals()
    lines: list[list[tuple[str, int]]] = []
    remaining = 0
    parts = []
    for number, (line, ink) in enumerate(zip(data.overlays, _overlay_inks(data.overlays), strict=True), 1):
        value = _last_known(line.values)
        if math.isnan(value) and not math.isnan(line.before):
            text = marked_as_before(fixed(line.before, decimals))
            parts.append((f"{number}─{line.name} {text}", _INK["axis"]))
        else:
            parts.append((f"{number}─{line.name} {fixed(value, decimals)}", ink))
    for text, ink in parts:
        if len(text) > remaining:
            lines.append([])
            remaining = width
        lines[-1].append((text, ink))
        remaining -= len(text) + _LEGEND_GAP
    return lines


def _paint_legend(canvas: Canvas, layout: ChartLayout, legend: list[list[tuple[str, int]]]) -> None:
    """Write the legend's lines that fit; an ellipsis marks omitted ones."""
    for y, line in enumerate(legend[: layout.legend_rows], start=1):
        x = 0
        for text, ink in line:
            x = canvas.text(x, y, shortened(text, canvas.width - x), ink) + _LEGEND_GAP
        if y == layout.legend_rows < len(legend):
            canvas.text(min(x, canvas.width - 1), y, "…", _INK["axis"])


def _paint_overlay_number(
    canvas: Canvas, layout: ChartLayout, scale: PriceScale, line: PlottedLine, number: int
) -> None:
    """Write an overlay's legend number at its right end, so that it can be identified without colour."""
    last = line.values[-1:]
    half = int(scale.halves(last)[0]) if scale.low <= last[0] <= scale.high else -1
    y = layout.plot_top + half // 2
    if half >= 0 and layout.axis_left <= canvas.width and canvas.line(y)[layout.axis_left - 1] == " ":
        canvas.text(layout.axis_left - 1, y, str(number + 1)[-1], line.ink)


def _paint_price_axis(canvas: Canvas, layout: ChartLayout, scale: PriceScale, data: ChartData) -> None:
    if layout.axis_left >= canvas.width:
        return
    left = layout.axis_left
    closes = data.close[np.isfinite(data.close)]
    last_row = int(scale.halves(closes[-1:])[0]) // 2 if len(closes) else -1
    canvas.column(left, layout.plot_top, ["│"] * layout.plot_rows, [_INK["axis"]] * layout.plot_rows)
    for row, label in scale.labels().items():
        canvas.text(left, layout.plot_top + row, shortened(f"┤{label}", canvas.width - left), _INK["axis"])
    for row, label in _level_labels(scale, data).items():
        canvas.text(left, layout.plot_top + row, label.ljust(canvas.width - left), _INK["axis"])
    if data.forming is not None and layout.forming:
        row = int(scale.halves(np.array([data.forming.close]))[0]) // 2
        text = shortened(scale.label(data.forming.close), canvas.width - left - 1)
        canvas.text(left, layout.plot_top + row, f"◃{text}".ljust(canvas.width - left), _INK["forming"])
    if last_row >= 0:
        text = scale.label(float(closes[-1]))
        blank = canvas.width - left - 1
        ink = _INK["last" if data.today < len(data) else "axis"]
        canvas.text(left, layout.plot_top + last_row, f"◂{shortened(text, blank).ljust(blank)}", ink)


def _level_labels(scale: PriceScale, data: ChartData) -> dict[int, str]:
    """Return row → names of the levels there; those off the scale at its end, with an arrow."""
    labels: dict[int, str] = {}
    for name, price in data.levels.items():
        row = int(scale.halves(np.array([price]))[0]) // 2
        sign = "↑" if price > scale.high else "↓" if price < scale.low else "┄"
        labels[row] = f"{labels[row]} {name}" if row in labels else f"{sign}{name}"
    return labels


def _paint_time_axis(
    canvas: Canvas, layout: ChartLayout, data: ChartData, shown: slice, columns: Indices
) -> None:
    if layout.rule is None or layout.times is None:
        return
    end = min(layout.axis_left, canvas.width)
    canvas.text(0, layout.rule, "─" * end, _INK["axis"])
    missing = columns[~np.isfinite(data.close[shown])]
    canvas.glyphs[layout.rule, missing] = ord("×")
    canvas.codes[layout.rule, missing] = _INK["gap"]
    opened_at, positions = data.opened_at[shown], columns.tolist()
    labels = (
        date_labels(opened_at, positions) if data.is_daily else clock_labels(opened_at, positions, data.zone)
    )
    for index, label in labels.items():
        start = min(max(positions[index] - len(label) // 2, 0), max(end - len(label), 0))
        canvas.text(start, layout.times, label, _INK["axis"])
        # A label's tick replaces the sign of a gap and takes its colour; the column above it is blank.
        ink = "gap" if positions[index] in missing else "axis"
        canvas.text(positions[index], layout.rule, "┬", _INK[ink])
    if data.corrected is not None:  # they are rare, and replace a label's tick
        corrected = columns[data.corrected[shown]]
        canvas.glyphs[layout.rule, corrected] = ord(CORRECTED)
        canvas.codes[layout.rule, corrected] = _INK["corrected"]


def _paint_divider(canvas: Canvas, layout: ChartLayout, first: int, columns: Indices) -> None:
    """Draw a dotted line between history and today."""
    if not 0 < first < len(columns):
        return
    parts = [(layout.plot_top, layout.plot_rows + layout.volume_rows)]
    for top, rows in parts + [(pane.top, pane.rows) for pane in layout.panes]:
        draw_divider(Plot(canvas, top, rows, columns), int(columns[first]) - 1, _INK["divider"])
