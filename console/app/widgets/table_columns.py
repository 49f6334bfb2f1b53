"""Rows and columns of the symbol table: their data, widths, order, and order of removal in narrow tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tapedeck.console.app.widgets.column_forms import SPARKLINE, Figures, Form

SYMBOL: Final = "symbol"
TREND: Final = "trend"
MARKER_WIDTH: Final = 2
_LONGEST_SYMBOL: Final = 12
_WIDEST_TREND: Final = 25
_WIDEST_HEADING: Final = 14


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of figures. `rank`: in a narrow table the highest is dropped first."""

    key: str
    heading: str
    form: Form
    rank: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class SymbolRows:
    """Symbols and their figures at one moment. `columns`: those to show, from left to right.

    `figures`: by key of a column, also of columns that are not shown; may compute them on access. `later`:
    symbols that join after this moment, each with words about it; their rows are dimmed.
    """

    symbols: tuple[str, ...]
    columns: tuple[TableColumn, ...]
    figures: Mapping[str, Figures]
    later: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ShownColumn:
    """A column as drawn, in the table's cells [start, stop)."""

    column: TableColumn
    start: int
    stop: int

    @property
    def width(self) -> int:
        """Cells of the column."""
        return self.stop - self.start


def shown_columns(rows: SymbolRows, width: int) -> tuple[ShownColumn, ...]:
    """Return the columns that fit a table's width, without the one of the symbols.

    Columns of the highest ranks are left out. Remaining cells widen headings that were cut, then the trend.
    """
    left = MARKER_WIDTH + symbol_width(rows.symbols)
    room = width - left
    widths: dict[str, int] = {}
    for column in sorted(rows.columns, key=lambda column: column.rank):
        least = column.form.width_for(partial(rows.figures.__getitem__, column.key))
        if least + 1 > room:
            break
        widths[column.key] = least
        room -= least + 1
    columns = [column for column in rows.columns if column.key in widths]
    for column in sorted(columns, key=lambda column: column.form is SPARKLINE):
        extra = min(max(_widest(column) - widths[column.key], 0), room)
        widths[column.key] += extra
        room -= extra
    shown = []
    for column in columns:
        shown.append(ShownColumn(column, left + 1, left + 1 + widths[column.key]))
        left = shown[-1].stop
    return tuple(shown)


def wanted_width(rows: SymbolRows) -> int:
    """Return the width of a table that shows all of its columns at their widest."""
    widths = (
        max(column.form.width_for(partial(rows.figures.__getitem__, column.key)), _widest(column)) + 1
        for column in rows.columns
    )
    return MARKER_WIDTH + symbol_width(rows.symbols) + sum(widths)


def _widest(column: TableColumn) -> int:
    """Return the most cells of a column: its heading with the arrow of the sort column, or a long trend."""
    return _WIDEST_TREND if column.form is SPARKLINE else min(len(column.heading) + 1, _WIDEST_HEADING)


def symbol_width(symbols: Sequence[str]) -> int:
    """Return the width of the symbol column."""
    longest = max((len(symbol) for symbol in symbols), default=0)
    return min(max(longest, len(SYMBOL) + 1), _LONGEST_SYMBOL)


def largest_first(key: str | None) -> bool:
    """Whether a column is sorted largest first by default: figures are, names are not."""
    return key not in (None, SYMBOL)


def order_of(
    rows: SymbolRows, chosen: NDArray[np.intp], key: str | None, *, reverse: bool
) -> NDArray[np.intp]:
    """Return the chosen rows sorted by a column, missing figures last; None: the order of the file."""
    if key is None:
        return chosen[::-1] if reverse else chosen
    if key == SYMBOL:
        names = sorted(chosen.tolist(), key=lambda row: rows.symbols[row], reverse=reverse)
        return np.array(names, dtype=np.intp)
    if key not in rows.figures or key == TREND:
        return chosen
    values = rows.figures[key].values[chosen]
    missing = np.isnan(values)
    keys = np.where(missing, 0.0, -values if reverse else values)
    return chosen[np.lexsort((keys, missing))]
