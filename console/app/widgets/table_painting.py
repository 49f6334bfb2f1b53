"""How the symbol table is drawn: heading, rows, trends; which rows, and in what order, is the table's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tapedeck.console.app.widgets.canvas import Canvas, shortened
from tapedeck.console.app.widgets.figures import compact
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
"""A heading's first column, the one after its last, and what a click sorts by."""


@dataclass(frozen=True, slots=True, eq=False)
class TableFace:
    """What is seen of a table: the places of its rows from the top, sort and cursor.

    `sorted_by`: a column, None for the order of the file. `focused`: the symbol under the cursor.
    """

    rows: SymbolRows
    seen: NDArray[np.intp]
    sorted_by: str | None
    reverse: bool
    focused: str | None
    has_focus: bool


def paint_table(canvas: Canvas, face: TableFace) -> list[Heading]:
    """Draw the header and the rows that are seen; return where the headings stand."""
    width = symbol_width(face.rows.symbols)
    columns, trend = fitted(figure_columns(face.rows), width, canvas.width)
    headings = _headings(width, columns)
    for start, stop, key in headings[:1]:
        canvas.text(start + MARKER_WIDTH, 0, _heading_text(face, key, key, width), _ink(face, key), stop=stop)
    for column, (_, stop, key) in zip(columns, headings[1:], strict=True):
        canvas.right_text(stop, 0, _heading_text(face, key, column.heading, column.width), _ink(face, key))
    _paint_symbols(canvas, face, width)
    for column, (_, stop, _) in zip(columns, headings[1:], strict=True):
        values = column.values[face.seen].tolist()
        figures = [_figure(column, value).rjust(column.width) for value in values]
        canvas.column(stop - column.width, 1, figures, [_INK[column.tone(value)] for value in values])
    if trend:
        _paint_trends(canvas, face, headings[-1][1] + TREND_GAP, trend)
    _paint_cursor(canvas, face)
    return headings


def paint_note(canvas: Canvas, text: str) -> None:
    """Say in place of the rows why there are none."""
    canvas.text(MARKER_WIDTH, 1, shortened(text, canvas.width - MARKER_WIDTH), _INK["quiet"])


def _headings(width: int, columns: Sequence[TableColumn]) -> list[Heading]:
    x = MARKER_WIDTH + width
    headings = [(0, x, SYMBOL)]
    for column in columns:
        headings.append((x + 1, x + 1 + column.width, column.key))
        x += 1 + column.width
    return headings


def _heading_text(face: TableFace, key: str, heading: str, width: int) -> str:
    arrow = ("▼" if face.reverse else "▲") if key == face.sorted_by else ""
    return arrow + shortened(heading, width - len(arrow))


def _ink(face: TableFace, key: str) -> int:
    return _INK["header-sorted" if key == face.sorted_by else "header"]


def _paint_symbols(canvas: Canvas, face: TableFace, width: int) -> None:
    for y, row in enumerate(face.seen.tolist(), start=1):
        canvas.text(MARKER_WIDTH, y, shortened(face.rows.symbols[row], width), _INK["symbol"])


def _paint_cursor(canvas: Canvas, face: TableFace) -> None:
    for y, row in enumerate(face.seen.tolist(), start=1):
        if face.rows.symbols[row] == face.focused:
            canvas.text(0, y, "▸", _INK["symbol"])
            canvas.lay_ground(y, _INK["cursor-focused" if face.has_focus else "cursor"])


def _figure(column: TableColumn, value: float) -> str:
    """Return a figure that fits its column: one that is too long in thousands, millions, … instead."""
    text = column.text(value)
    return text if len(text) <= column.width else shortened(compact(value), column.width)


def _paint_trends(canvas: Canvas, face: TableFace, start: int, width: int) -> None:
    canvas.text(start, 0, TREND, _INK["header"])
    glyphs = spark_glyphs(face.rows.trend[face.seen], width)
    area = slice(start, start + glyphs.shape[1])
    lines = slice(1, 1 + len(face.seen))
    canvas.glyphs[lines, area] = glyphs
    canvas.codes[lines, area] = _INK["trend"]
