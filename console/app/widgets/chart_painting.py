"""Drawing of a chart: titles, candles, overlays, volumes and axes, on a canvas of any size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from tapedeck.console.app.widgets.canvas import BLANK, Canvas, cells_of, shortened
from tapedeck.console.app.widgets.chart_data import ChartData, ChartLine, MarkKind
from tapedeck.console.app.widgets.chart_layout import AXIS_WIDTH, WIDEST_ZOOM, ChartLayout
from tapedeck.console.app.widgets.chart_lines import LineStyle, PlottedLine, draw_lines
from tapedeck.console.app.widgets.chart_panes import PaneInks, PanePlace, paint_pane, scale_width
from tapedeck.console.app.widgets.chart_time_axis import paint_time_axis, time_label
from tapedeck.console.app.widgets.figures import BOUGHT, SOLD, compact, fixed, marked_as_before
from tapedeck.console.app.widgets.line_labels import LineLabel, paint_line_labels
from tapedeck.console.app.widgets.price_scale import PriceScale

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
_TITLE_GAP: Final = 2
_LEAST_TITLE: Final = 9
"""Cells that a title keeps beside the prices."""
_LINE_REACH: Final = 0.5
"""Part of the candles' range by which lines may widen the price scale, up and down each."""
_OVERLAYS: Final = tuple(_INK[f"overlay-{number}"] for number in range(1, 6))
_PANE_INKS: Final = PaneInks(_INK["axis"], _INK["title"], _INK["level"], _OVERLAYS)


def paint_chart(
    canvas: Canvas, data: ChartData, *, solid_falls: bool, line_style: LineStyle = LineStyle.BRAILLE
) -> None:
    """Draw a chart of at least one candle, or a forming one.

    `solid_falls`: fallen candles are solid; used without colour.
    """
    if not canvas.width or not canvas.height:
        return
    # The legend's values are those at the crosshair, which depends on the layout.
    layout = _fitted_layout(canvas, data, len(_legend(data, canvas.width, None)))
    shown = _shown(layout, data)
    cursor = _cursor(data, shown)
    columns = layout.columns(shown, data.today)
    _paint_titles(canvas, layout, data, shown, cursor)
    _paint_legend(canvas, layout, _legend(data, canvas.width, _values_at(data, shown, cursor)))
    scale = _paint_plot(canvas, layout, data, shown, columns, solid_falls=solid_falls, line_style=line_style)
    _paint_volumes(canvas, layout, data, shown, columns)
    _paint_panes(canvas, layout, data, shown, columns, line_style, _values_at(data, shown, cursor))
    taken = _paint_price_axis(canvas, layout, scale, data)
    paint_time_axis(canvas, layout, data, shown, columns, cursor, _INK)
    for first in {data.today, *(mark.candle for mark in data.marks if mark.kind is MarkKind.SESSION)}:
        _paint_divider(canvas, layout, first - shown.start, columns)
    if cursor is not None:
        x = int(columns[cursor - shown.start])
        taken |= _paint_crosshair(canvas, layout, scale, float(data.close[cursor]), x)
    _paint_line_labels(canvas, layout, scale, data, shown, taken)


@dataclass(frozen=True, slots=True)
class ChartPlace:
    """Candles on view, [start, stop), and the column of each; `stride`: columns from one to the next.

    `width`: columns for candles.
    """

    start: int
    stop: int
    columns: Indices
    stride: int
    width: int

    def candle_at(self, x: int) -> int | None:
        """Return the index of the candle nearest to a column, None on the price axis or without candles."""
        if x >= self.width or not len(self.columns):
            return None
        return self.start + int(np.argmin(np.abs(self.columns - x)))

    def zoomed(self, steps: int) -> int:
        """Return the number of candles for a distance that is `steps` columns larger, or smaller."""
        stride = min(max(self.stride + steps, 1), WIDEST_ZOOM)
        return max((self.width - 3) // stride - 1, 1)


def place_of(width: int, height: int, data: ChartData) -> ChartPlace | None:
    """Return where a chart of some size draws its candles, None without room."""
    if not width or not height:
        return None
    layout = _fitted_layout(Canvas(width, height), data, len(_legend(data, width, None)))
    shown = _shown(layout, data)
    columns = layout.columns(shown, data.today)
    return ChartPlace(shown.start, shown.stop, columns, layout.stride, min(layout.axis_left, width))


def panes_that_fit(width: int, height: int, data: ChartData) -> int:
    """Return how many panes of a chart are open at a size, from the first on."""
    return len(_fitted_layout(Canvas(width, height), data, len(_legend(data, width, None))).panes)


def _fitted_layout(canvas: Canvas, data: ChartData, legend: int) -> ChartLayout:
    """Return a layout whose axis is wide enough for its prices, and for the labels of its panes."""
    axis = AXIS_WIDTH
    for _ in range(_AXIS_TRIES):
        layout = ChartLayout.of(
            canvas.width,
            canvas.height,
            len(data),
            legend,
            axis_width=axis,
            has_forming=data.forming is not None and not data.window.behind,
            panes=len(data.panes),
            wanted=data.window.candles,
        )
        widths = [_scale(layout, data).label_width()]
        for pane, place in zip(data.panes, layout.panes, strict=False):
            widths.append(scale_width(pane, _shown(layout, data), place.rows))
        needed = min(1 + max(widths), canvas.width // 2)
        if needed <= axis:
            break
        axis = needed  # fewer candles fit, and their prices may need one more decimal
    return layout


def _shown(layout: ChartLayout, data: ChartData) -> slice:
    """Return the candles on view: those that fit, up to the last one on view."""
    stop = len(data) - min(max(data.window.behind, 0), len(data) - layout.candles)
    return slice(stop - layout.candles, stop)


def _cursor(data: ChartData, shown: slice) -> int | None:
    """Return the index of the candle under the crosshair, None without one."""
    if data.window.cursor is None or shown.start == shown.stop:
        return None
    return max(int(shown.stop) - 1 - max(data.window.cursor, 0), int(shown.start))


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


def _values_at(data: ChartData, shown: slice, cursor: int | None) -> int | None:
    """Return the index of the candle whose values title and legend show, None for the last known ones."""
    if cursor is not None:
        return cursor
    return shown.stop - 1 if shown.stop < len(data) else None


def _paint_titles(
    canvas: Canvas, layout: ChartLayout, data: ChartData, shown: slice, cursor: int | None
) -> None:
    """Write the title, the prices of the last candle or of the one under the crosshair, and the clock.

    Where they do not fit, the clock is left out first, then the title's symbol is shortened, then the volume
    is left out: open, high, low and close stay.
    """
    if layout.title is None:
        return
    at = _values_at(data, shown, cursor)
    when, prices, volume, ink = _candle_text(data, at)
    title = f"{data.title} {data.later}".rstrip()
    words = [f"{when}{prices} {volume}", f"{when}{prices}", prices] if prices else [""]
    for figures, as_of in ((each, clock) for each in words for clock in (data.as_of, "")):
        used = len(figures) + _TITLE_GAP + (len(as_of) + _TITLE_GAP if as_of else 0)
        if canvas.width - used >= min(cells_of(title), _LEAST_TITLE):
            break
    else:
        figures = as_of = ""
        used = 0
    room = canvas.width - used
    shown_title = title if cells_of(title) <= room else _short_title(data.title, room)
    end = canvas.text(0, layout.title, shown_title, _INK["title"])
    if data.later and shown_title == title:
        canvas.text(end - cells_of(data.later), layout.title, data.later, _INK["axis"])
    canvas.text(end + _TITLE_GAP, layout.title, figures, ink if cursor is None else _INK["title"])
    canvas.right_text(canvas.width, layout.title, as_of, _INK["axis"])


def _short_title(title: str, width: int) -> str:
    """Return a title with its symbol shortened and its interval whole, where the width allows it."""
    symbol, _, interval = title.rpartition(" ")
    room = width - cells_of(interval) - 1
    return f"{shortened(symbol, room)} {interval}" if symbol and room > 1 else shortened(title, width)


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
    if len(columns):
        draw_lines(plot, scale, lines, style=line_style)
    _paint_forming(canvas, layout, data, scale, solid_falls=solid_falls)
    for price in data.levels.values() if len(columns) else ():
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
    """Draw the candle that is not over, right of the others."""
    forming = data.forming
    if forming is None or not layout.forming:
        return
    plot = Plot(canvas, layout.plot_top, layout.plot_rows, np.array([layout.forming_column], dtype=np.intp))
    prices = (forming.open, forming.high, forming.low, forming.close)
    opened, high, low, close = (np.array([price]) for price in prices)
    inks = np.array([_INK["forming"]], dtype=np.uint16)
    draw_candles(plot, scale, (opened, high, low, close), inks, solid_falls=solid_falls)


def _paint_volumes(
    canvas: Canvas, layout: ChartLayout, data: ChartData, shown: slice, columns: Indices
) -> None:
    if not layout.volume_rows:
        return
    plot = Plot(canvas, layout.volume_top, layout.volume_rows, columns)
    inks = np.where(_is_dimmed(shown, data), _INK["volume-before"], _INK["volume"]).astype(np.uint16)
    volumes = data.volume[shown]
    if data.forming is not None and layout.forming:
        plot = replace(plot, columns=np.append(columns, layout.forming_column))
        volumes = np.append(volumes, data.forming.volume)
        inks = np.append(inks, np.uint16(_INK["forming"]))
    largest = draw_volumes(plot, volumes, inks)
    if largest:
        canvas.text(layout.axis_left + 1, layout.volume_top, compact(largest), _INK["axis"])


def _paint_panes(
    canvas: Canvas,
    layout: ChartLayout,
    data: ChartData,
    shown: slice,
    columns: Indices,
    line_style: LineStyle,
    at: int | None,
) -> None:
    """Draw the panes that fit; the title of the last one says how many do not.

    `at`: the candle whose values the titles have, None for the last known ones.
    """
    for pane, rows in zip(data.panes, layout.panes, strict=False):
        place = PanePlace(rows, columns, layout.axis_left, data.today)
        paint_pane(canvas, pane, place, shown, _PANE_INKS, at=at, style=line_style)
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


def _candle_text(data: ChartData, at: int | None) -> tuple[str, str, str, int]:
    """Return when a candle opened, its prices, its volume, and its ink; of the last one for None.

    Of the last one that is not missing, the time is given only if it is older than the last candle.
    """
    if not len(data):
        return "", "", "", _INK["axis"]
    chosen = _last_present(data) if at is None else at
    names = ("O", data.open), ("H", data.high), ("L", data.low), ("C", data.close)
    decimals = PriceScale.around(data.low, data.high, 20).decimals()
    prices = " ".join(f"{name} {fixed(float(values[chosen]), decimals)}" for name, values in names)
    volume = f"V {compact(float(data.volume[chosen]))}"
    ink = int(_direction(data.open[chosen : chosen + 1], data.close[chosen : chosen + 1])[0])
    if at is not None:
        return f"{time_label(data, at)} ", prices, volume, ink
    if chosen < data.today:
        return "session before: ", prices, volume, _INK["axis"]
    if chosen < len(data) - 1:
        return f"last bar {time_label(data, chosen)}: ", prices, volume, _INK["axis"]
    return "", prices, volume, ink


def _last_present(data: ChartData) -> int:
    """Return the index of the last bar that is not missing; of the last candle if all are."""
    present = np.flatnonzero(np.isfinite(data.close))
    return int(present[-1]) if len(present) else len(data) - 1


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


def _legend(data: ChartData, width: int, at: int | None) -> list[list[tuple[str, int]]]:
    """Return the lines of the legend: each overlay with its number, value and ink.

    `at`: the candle whose values it shows; None for the last ones of today: without one it has that of the
    session before, dimmed and marked.
    """
    decimals = PriceScale.around(data.low, data.high, 20).decimals()
    lines: list[list[tuple[str, int]]] = []
    remaining = 0
    parts = []
    for number, (line, ink) in enumerate(zip(data.overlays, _overlay_inks(data.overlays), strict=True), 1):
        value = _last_known(line.values[data.today :]) if at is None else float(line.values[at])
        if at is None and math.isnan(value) and not math.isnan(line.before):
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


def _paint_line_labels(
    canvas: Canvas, layout: ChartLayout, scale: PriceScale, data: ChartData, shown: slice, taken: set[int]
) -> None:
    """Write number and name of each overlay at its right end, so that it can be identified without colour."""
    labels = []
    inks = _overlay_inks(data.overlays)
    for number, (line, ink) in enumerate(zip(data.overlays, inks, strict=True), 1):
        last = _last_known(line.values[shown])
        if scale.low <= last <= scale.high:
            labels.append(LineLabel(number, line.name, scale.row(last), ink))
    paint_line_labels(canvas, layout.axis_left, layout.plot_top, layout.plot_rows, labels, taken)


def _paint_price_axis(canvas: Canvas, layout: ChartLayout, scale: PriceScale, data: ChartData) -> set[int]:
    """Write prices and names of levels; return the rows of the plot that have a label."""
    taken: set[int] = set()
    if layout.axis_left >= canvas.width:
        return taken
    left = layout.axis_left
    canvas.column(left, layout.plot_top, ["│"] * layout.plot_rows, [_INK["axis"]] * layout.plot_rows)

    def write(row: int, text: str, ink: str) -> None:
        fitting = shortened(text, canvas.width - left).ljust(canvas.width - left)
        canvas.text(left, layout.plot_top + row, fitting, _INK[ink])
        taken.add(row)

    for row, label in scale.labels().items():
        write(row, f"┤{label}", "axis")
    for row, label in _level_labels(scale, data).items():
        write(row, label, "axis")
    if data.forming is not None and layout.forming:
        write(scale.row(data.forming.close), f"◃{scale.label(data.forming.close)}", "forming")
    last = data.last if math.isfinite(data.last) else _last_known(data.close)
    if math.isfinite(last):
        sign = "↑" if last > scale.high else "↓" if last < scale.low else "◂"
        is_of_today = data.today < len(data) or math.isfinite(data.last)
        write(scale.row(last), f"{sign}{scale.label(last)}", "last" if is_of_today else "axis")
    return taken


def _level_labels(scale: PriceScale, data: ChartData) -> dict[int, str]:
    """Return row → names of the levels there; those off the scale at its end, with an arrow."""
    labels: dict[int, str] = {}
    for name, price in data.levels.items():
        row = scale.row(price)
        sign = "↑" if price > scale.high else "↓" if price < scale.low else "┄"
        labels[row] = f"{labels[row]} {name}" if row in labels else f"{sign}{name}"
    return labels


def _paint_crosshair(
    canvas: Canvas, layout: ChartLayout, scale: PriceScale, close: float, x: int
) -> set[int]:
    """Draw a line through the cells above and below a candle, and its close on the price axis.

    Returns the rows of the plot in which it writes a label.
    """
    stop = layout.rule if layout.rule is not None else layout.plot_top + layout.plot_rows
    rows = slice(layout.plot_top, stop)
    blank = canvas.glyphs[rows, x] == BLANK
    canvas.glyphs[rows, x][blank] = ord("│")
    canvas.codes[rows, x][blank] = _INK["title"]
    if not math.isfinite(close) or layout.axis_left >= canvas.width:
        return set()
    row = scale.row(close)
    y = layout.plot_top + row
    if canvas.glyphs[y, layout.axis_left] == ord("◂"):
        return set()
    text = shortened(scale.label(close), canvas.width - layout.axis_left - 1)
    canvas.text(layout.axis_left, y, f"┼{text}".ljust(canvas.width - layout.axis_left), _INK["title"])
    return {row}


def _paint_divider(canvas: Canvas, layout: ChartLayout, first: int, columns: Indices) -> None:
    """Draw a dotted line between history and today."""
    if not 0 < first < len(columns):
        return
    parts = [(layout.plot_top, layout.plot_rows + layout.volume_rows)]
    for top, rows in parts + [(pane.top, pane.rows) for pane in layout.panes]:
        draw_divider(Plot(canvas, top, rows, columns), int(columns[first]) - 1, _INK["divider"])
