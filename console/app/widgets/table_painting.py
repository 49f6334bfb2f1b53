"""Drawing of the symbol table: headings, rows, trends and cursor. The table filters and sorts the rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tapedeck.console.app.widgets.canvas import Canvas, shortened
from tapedeck.console.app.widgets.column_forms import SPARKLINE, Figures
from tapedeck.console.app.widgets.figures import JOINS_LATER, compact, marked_as_before, marked_as_made
from tapedeck.console.app.widgets.sparkline import spark_glyphs
from tapedeck.console.app.widgets.table_columns import (
    MARKER_WIDTH,
    SYMBOL,
    ShownColumn,
    SymbolRows,
    TableColumn,
    shown_columns,
    symbol_width,
)

TABLE_INKS: Final = (
    "painted--base", "painted--quiet", "painted--failed",
    "table--header", "table--header-sorted", "table--symbol", "table--gain", "table--loss",
    "table--good", "table--fair", "table--bad", "table--trend", "table--cursor", "table--cursor-focused",
)  # fmt: skip
_INK: Final = {name.partition("--")[2]: number for number, name in enumerate(TABLE_INKS)}

Heading = tuple[int, int, str]
"""A heading's first column, the column after its last, and its sort key."""


@dataclass(frozen=True, slots=True, eq=False)
class TableView:
    """Visible part of a table: rows, sort column and cursor.

    `visible`: indices of the visible rows, from the top. `sorted_by`: a column, None for the order of the
    file. `focused`: the symbol under the cursor.
    """

    rows: SymbolRows
    visible: NDArray[np.intp]
    sorted_by: str | None
    reverse: bool
    focused: str | None
    has_focus: bool


def paint_table(canvas: Canvas, view: TableView) -> list[Heading]:
    """Draw the header and the visible rows; return the headings of the columns that fit."""
    width = symbol_width(view.rows.symbols)
    shown = shown_columns(view.rows, canvas.width)
    _paint_heading(canvas, view, SYMBOL, SYMBOL, (MARKER_WIDTH, MARKER_WIDTH + width), is_left=True)
    _paint_symbols(canvas, view, width)
    for place in shown:
        column, cells = place.column, (place.start, place.stop)
        if column.form is SPARKLINE:
            _paint_trends(canvas, view, place)
        else:
            _paint_heading(canvas, view, column.key, column.heading, cells)
            _paint_figures(canvas, view, place)
    _dim_later_rows(canvas, view, shown)
    _paint_cursor(canvas, view)
    headings = [(place.start, place.stop, place.column.key) for place in shown]
    return [(0, MARKER_WIDTH + width, SYMBOL), *headings]


def paint_note(canvas: Canvas, text: str) -> None:
    """Draw a note in place of the rows."""
    canvas.text(MARKER_WIDTH, 1, shortened(text, canvas.width - MARKER_WIDTH), _INK["quiet"])


def _paint_heading(
    canvas: Canvas, view: TableView, key: str, heading: str, cells: tuple[int, int], *, is_left: bool = False
) -> None:
    start, stop = cells
    arrow = ("▼" if view.reverse else "▲") if key == view.sorted_by else ""
    text = arrow + shortened(heading, stop - start - len(arrow))
    if is_left:
        canvas.text(start, 0, text, _ink(view, key), stop=stop)
    else:
        canvas.right_text(stop, 0, text, _ink(view, key))


def _ink(view: TableView, key: str) -> int:
    return _INK["header-sorted" if key == view.sorted_by else "header"]


def _paint_symbols(canvas: Canvas, view: TableView, width: int) -> None:
    for y, row in enumerate(view.visible.tolist(), start=1):
        canvas.text(MARKER_WIDTH, y, shortened(view.rows.symbols[row], width), _INK["symbol"])


def _dim_later_rows(canvas: Canvas, view: TableView, shown: Sequence[ShownColumn]) -> None:
    """Dim the rows of symbols that join later; say when in place of the trend, or right of all columns."""
    if not view.rows.later:
        return
    stop = shown[-1].stop if shown else MARKER_WIDTH + symbol_width(view.rows.symbols)
    places = [(place.start + 1, place.stop) for place in shown if place.column.form is SPARKLINE]
    places.append((stop + 2, canvas.width))
    for y, row in enumerate(view.visible.tolist(), start=1):
        words = view.rows.later.get(view.rows.symbols[row])
        if words is None:
            continue
        canvas.codes[y] = _INK["quiet"]
        canvas.text(MARKER_WIDTH - 1, y, JOINS_LATER, _INK["quiet"])
        start, end = next(((a, b) for a, b in places if b - a >= len(words)), (0, 0))
        if end:
            canvas.text(start, y, words.ljust(end - start), _INK["quiet"], stop=end)


def _paint_cursor(canvas: Canvas, view: TableView) -> None:
    for y, row in enumerate(view.visible.tolist(), start=1):
        if view.rows.symbols[row] == view.focused:
            canvas.text(0, y, "▸", _INK["symbol"])
            canvas.set_background(y, _INK["cursor-focused" if view.has_focus else "cursor"])


def _paint_figures(canvas: Canvas, view: TableView, place: ShownColumn) -> None:
    figures = list(_figures(view, place))
    # The sign of a long figure of the session before, or of a made one, is in the gap before its column.
    width = max([place.width, *(len(text) for text, _ in figures)])
    texts = [text.rjust(width) for text, _ in figures]
    canvas.column(place.stop - width, 1, texts, [ink for _, ink in figures])


def _figures(view: TableView, place: ShownColumn) -> Iterator[tuple[str, int]]:
    """Yield text and ink of each visible figure; where today has none, of the session before.

    Those of made quotes have a sign.
    """
    column, figures = place.column, view.rows.figures[place.column.key]
    values, shown = figures.values[view.visible].tolist(), figures.shown[view.visible].tolist()
    made = repeat(False) if figures.made is None else figures.made[view.visible].tolist()
    for today, value, is_made in zip(values, shown, made, strict=False):
        text = _figure(column, figures, value, place.width)
        if is_made:
            yield marked_as_made(text), _INK["quiet"]
        elif math.isnan(today) and not math.isnan(value):
            yield marked_as_before(text), _INK["quiet"]
        else:
            yield text, _INK[column.form.tone(value, figures.decimals)]


def _figure(column: TableColumn, figures: Figures, value: float, width: int) -> str:
    """Return the text of a figure, in thousands, millions and so on if it is too long."""
    text = column.form.text(value, figures.decimals)
    return text if len(text) <= width else shortened(compact(value), width)


def _paint_trends(canvas: Canvas, view: TableView, place: ShownColumn) -> None:
    start = place.start + 1
    canvas.text(start, 0, place.column.heading, _INK["header"])
    glyphs = spark_glyphs(view.rows.figures[place.column.key].values[view.visible], place.stop - start)
    area = slice(start, start + glyphs.shape[1])
    lines = slice(1, 1 + len(view.visible))
    canvas.glyphs[lines, area] = glyphs
    canvas.codes[lines, area] = _INK["trend"]
