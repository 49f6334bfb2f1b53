"""Time axis of a chart: its line with gaps and marks, the labels below it, the time at the crosshair."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tapedeck.console.app.widgets.canvas import Canvas
from tapedeck.console.app.widgets.chart_data import ChartData, MarkKind
from tapedeck.console.app.widgets.chart_layout import ChartLayout
from tapedeck.console.app.widgets.figures import CORRECTED
from tapedeck.console.app.widgets.tape_strip import TickKind
from tapedeck.console.app.widgets.time_axis import clock_labels, date_labels, label_start

Indices = NDArray[np.intp]
Taken = list[tuple[int, int]]

_GAP: Final = "×"
_TICK: Final = "┬"
_FORMING: Final = "now "
_MARKS: Final = {
    MarkKind.GAP: (_GAP, "gap"),
    MarkKind.SESSION: ("┼", "axis"),
    MarkKind.EARLY_CLOSE: ("◖", "gap"),
    MarkKind.BOOKMARK: (TickKind.BOOKMARK.value, "title"),
    MarkKind.BREAK: (TickKind.BREAK.value, "gap"),
}
"""Sign and ink of each kind; of several at one candle, the kind listed last is drawn."""


def paint_time_axis(
    canvas: Canvas,
    layout: ChartLayout,
    data: ChartData,
    shown: slice,
    columns: Indices,
    cursor: int | None,
    inks: Mapping[str, int],
) -> None:
    """Draw the axis of the candles `shown`, in `columns`; `cursor`: index of the one under the crosshair.

    A sign stands below its candle: a label's tick, in its place the cross of a gap, a corrected bar, a mark.
    """
    if layout.rule is None or layout.times is None:
        return
    end = min(layout.axis_left, canvas.width)
    canvas.text(0, layout.rule, "─" * end, inks["axis"])
    taken = _paint_forming_time(canvas, layout, data, inks)
    stop = min([end, *(start - 1 for start, _ in taken)])
    if cursor is not None:
        label = time_label(data, cursor)
        start = label_start(int(columns[cursor - shown.start]), len(label), stop)
        canvas.text(start, layout.times, label, inks["last"])
        taken.append((start, start + len(label) - 1))
    _paint_labels(canvas, layout, data, shown, columns, stop, taken, inks)
    missing = columns[~np.isfinite(data.close[shown])]
    _put(canvas, layout.rule, missing, _GAP, inks["gap"])
    if data.corrected is not None:
        _put(canvas, layout.rule, columns[data.corrected[shown]], CORRECTED, inks["corrected"])
    for kind, (sign, ink) in _MARKS.items():
        at = [mark.candle - shown.start for mark in data.marks if mark.kind is kind]
        there = [one for one in at if 0 <= one < len(columns)]
        _put(canvas, layout.rule, columns[there], sign, inks[ink])


def _paint_forming_time(
    canvas: Canvas, layout: ChartLayout, data: ChartData, inks: Mapping[str, int]
) -> Taken:
    """Write the age of the candle that is not over at the right; return the cells that it takes."""
    if data.forming is None or not layout.forming or layout.times is None:
        return []
    start = canvas.right_text(canvas.width, layout.times, _FORMING + data.forming.note, inks["forming"])
    return [(start, canvas.width - 1)]


def _paint_labels(
    canvas: Canvas,
    layout: ChartLayout,
    data: ChartData,
    shown: slice,
    columns: Indices,
    stop: int,
    taken: Taken,
    inks: Mapping[str, int],
) -> None:
    assert layout.rule is not None
    assert layout.times is not None
    opened_at, positions = data.opened_at[shown], columns.tolist()
    labels = (
        date_labels(opened_at, positions, stop=stop, taken=taken)
        if data.is_daily
        else clock_labels(opened_at, positions, data.zone, stop=stop, taken=taken)
    )
    for index, label in labels.items():
        canvas.text(label_start(positions[index], len(label), stop), layout.times, label, inks["axis"])
        canvas.text(positions[index], layout.rule, _TICK, inks["axis"])


def _put(canvas: Canvas, row: int, columns: Indices, sign: str, ink: int) -> None:
    """Write a sign in some columns of a row; that of a gap leaves ticks of labels, in its ink."""
    if sign == _GAP:
        ticks = columns[canvas.glyphs[row, columns] == ord(_TICK)]
        canvas.codes[row, ticks] = ink
        columns = columns[canvas.glyphs[row, columns] != ord(_TICK)]
    canvas.glyphs[row, columns] = ord(sign)
    canvas.codes[row, columns] = ink


def time_label(data: ChartData, at: int) -> str:
    """Return the time, or the date, at which a candle opened; with its day if it is of an earlier session."""
    opened = datetime.fromtimestamp(int(data.opened_at[at]), UTC if data.is_daily else data.zone)
    if data.is_daily:
        return f"{opened:%Y-%m-%d}"
    clock = f"{opened:%H:%M:%S}".removesuffix(":00")
    return clock if at >= data.today else f"{opened:%a} {opened.day} {opened:%b} {clock}"
