"""Drawing of the symbol table: headings, rows, trends and cursor. The table filters and sorts the rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tapedeck.console.app.widgets.canvas import Canvas, shortened
from tapedeck.console.app.widgets.figures import compact, marked_as_before
from tapedeck.console.app.widgets.sparkline import spark_glyphs
from tapedeck.console.app.widgets.table_columns import (
    MARKER_WIDTH,
    SYMBOL,
    TREND,
    TREND_GAP,
    SymbolRows,
    TableColumn,
    figure_columns,
    fitted,
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
    """Draw the header and the visible rows; return the headings with their columns."""
    width = symbol_width(view.rows.symbols)
    columns, trend = fitted(figure_columns(view.rows), width, canvas.width)
    headings = _headings(width, columns)
    for start, stop, key in headings[:1]:
        canvas.text(start + MARKER_WIDTH, 0, _heading_text(view, key, key, width), _ink(view, key), stop=stop)
    for column, (_, stop, key) in zip(columns, headings[1:], strict=True):
        canvas.right_text(stop, 0, _heading_text(view, key, column.heading, column.width), _ink(view, key))
    _paint_symbols(canvas, view, width)
    for column, (_, stop, _) in zip(columns, headings[1:], strict=True):
        figures = list(_figures(column, view))
        # The sign of a long figure of the session before is in the gap before its column.
        width = max([column.width, *(len(text) for text, _ in figures)])
        canvas.column(
            stop - width, 1, [text.rjust(width) for text, _ in figures], [ink for _, ink in figures]
        )
    if trend:
        _paint_trends(canvas, view, headings[-1][1] + TREND_GAP, trend)
    _paint_cursor(canvas, view)
    return headings


def paint_note(canvas: Canvas, text: str) -> None:
    """Draw a note in place of the rows."""
    canvas.text(MARKER_WIDTH, 1, shortened(text, canvas.width - MARKER_WIDTH), _INK["quiet"])


def _headings(width: int, columns: Sequence[TableColumn]) -> list[Heading]:
    x = MARKER_WIDTH + width
    headings = [(0, x, SYMBOL)]
    for column in columns:
        headings.append((x + 1, x + 1 + column.width, column.key))
        x += 1 + column.width
    return headings


def _heading_text(view: TableView, key: str, heading: str, width: int) -> str:
    arrow = ("▼" if view.reverse else "▲") if key == view.sorted_by else ""
    return arrow + shortened(heading, width - len(arrow))


def _ink(view: TableView, key: str) -> int:
    return _INK["header-sorted" if key == view.sorted_by else "header"]


def _paint_symbols(canvas: Canvas, view: TableView, width: int) -> None:
    for y, row in enumerate(view.visible.tolist(), start=1):
        canvas.text(MARKER_WIDTH, y, shortened(view.rows.symbols[row], width), _INK["symbol"])


def _paint_cursor(canvas: Canvas, view: TableView) -> None:
    for y, row in enumerate(view.visible.tolist(), start=1):
        if view.rows.symbols[row] == view.focused:
            canvas.text(0, y, "▸", _INK["symbol"])
            canvas.set_background(y, _INK["cursor-focused" if view.has_focus else "cursor"])


def _figures(column: TableColumn, view: TableView) -> Iterator[tuple[str, int]]:
    """Yield text and ink of each visible figure; where today has none, the one of the session before."""
    values = column.values[view.visible].tolist()
    before = view.rows.before.get(column.key)
    earlier = values if before is None else before[view.visible].tolist()
    for value, old in zip(values, earlier, strict=True):
        if math.isnan(value) and not math.isnan(old):
            yield marked_as_before(_figure(column, old)), _INK["quiet"]
        else:
            yield _figure(column, value), _INK[column.tone(value)]


def _figure(column: TableColumn, value: float) -> str:
    """Return the text of a figure, in thousands, millions and so on if it is too long."""
    text = column.text(value)
    return text if len(text) <= column.width else shortened(compact(value), column.width)


def _paint_trends(canvas: Canvas, view: TableView, start: int, width: int) -> None:
    canvas.text(start, 0, TREND, _INK["header"])
    glyphs = spark_glyphs(view.rows.trend[view.visible], width)
    area = slice(start, start + glyphs.shape[1])
    lines = slice(1, 1 + len(view.visible))
    canvas.glyphs[lines, area] = glyphs
    canvas.codes[lines, area] = _INK["trend"]
