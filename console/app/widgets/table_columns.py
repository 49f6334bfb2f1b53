"""Rows and columns of the symbol table: their data, formats, widths, and order of removal in narrow ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tapedeck.console.app.widgets.figures import LEAST_DECIMALS, MISSING, compact, direction, fixed, signed
from tapedeck.console.panel_data.scores import cut_score, grade_of

Floats = NDArray[np.float64]

SYMBOL: Final = "symbol"
TREND: Final = "trend"
MARKER_WIDTH: Final = 2
TREND_GAP: Final = 2
_LONGEST_SYMBOL: Final = 12
_NARROWEST_TREND: Final = 5
_WIDEST_TREND: Final = 24
_PRICE_WIDTH: Final = 10
_INDICATOR_WIDTH: Final = 9
_WIDEST_FIGURE: Final = 16
_FIRST_INDICATOR: Final = 10
# The first two indicators have precedence over the trend, the trend over other indicators.
_TREND_RANK: Final = _FIRST_INDICATOR + 2


@dataclass(frozen=True, slots=True, eq=False)
class SymbolRows:
    """Symbols and their figures at one moment; arrays of shape (S,), NaN where a figure is missing.

    `change_pct` and `quality` are percentages, `relative_volume` a ratio, `gaps` a count. `indicators`: name
    → values, in the order of the columns. `trend`: values of the sparkline, oldest first, shape (S, any).
    `before`: key of a column → figures of the session before, (S,), shown where today has none. `decimals`:
    decimals of prices; `indicator_decimals`: name → those of indicators that are not prices.
    """

    symbols: tuple[str, ...]
    last: Floats
    change_pct: Floats
    volume: Floats
    relative_volume: Floats
    quality: Floats
    gaps: Floats
    trend: Floats
    indicators: Mapping[str, Floats] = field(default_factory=dict)
    decimals: int = LEAST_DECIMALS
    indicator_decimals: Mapping[str, int] = field(default_factory=dict)
    before: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of figures. `rank`: in a narrow table the highest is dropped first. `tone`: ink of a value."""

    key: str
    heading: str
    width: int
    rank: int
    values: Floats
    text: Callable[[float], str]
    tone: Callable[[float], str]


def figure_columns(rows: SymbolRows) -> tuple[TableColumn, ...]:
    """Return the columns of figures, from left to right."""
    indicators = [
        _indicator(name, values, rows.indicator_decimals.get(name, rows.decimals), _FIRST_INDICATOR + number)
        for number, (name, values) in enumerate(rows.indicators.items())
    ]
    price = partial(fixed, decimals=rows.decimals)
    width = _figure_width(rows.last, rows.decimals, _PRICE_WIDTH)
    return (
        TableColumn("last", "last", width, 1, rows.last, price, _plain),
        TableColumn("change", "chg %", 8, 2, rows.change_pct, signed, _gain),
        TableColumn("volume", "volume", 7, 4, rows.volume, compact, _plain),
        TableColumn("rel_volume", "rel vol", 7, 6, rows.relative_volume, fixed, _plain),
        *indicators,
        TableColumn("quality", "qual %", 7, 3, rows.quality, _quality_text, _quality),
        TableColumn("gaps", "gaps", 5, 5, rows.gaps, compact, _count),
    )


def _indicator(name: str, values: Floats, decimals: int, rank: int) -> TableColumn:
    width = _figure_width(values, decimals, _INDICATOR_WIDTH)
    return TableColumn(name, name, width, rank, values, partial(fixed, decimals=decimals), _plain)


def _figure_width(values: Floats, decimals: int, least: int) -> int:
    """Return the width of a column: `least`, or more if its figures have many decimals."""
    if decimals <= LEAST_DECIMALS:
        return least
    largest = float(np.max(np.abs(values), where=np.isfinite(values), initial=0.0))
    # Includes a minus sign, so that the width stays when the first negative value appears.
    return min(max(least, len(fixed(-largest, decimals))), _WIDEST_FIGURE)


def fitted(
    columns: Sequence[TableColumn], symbol_width: int, width: int
) -> tuple[tuple[TableColumn, ...], int]:
    """Return the columns that fit, and the width of the trend, or 0 if too little is left for it.

    Columns are dropped in this order: indicators after the second, the trend, the other indicators from the
    right, relative volume, gaps, volume, quality, change.
    """
    available = width - MARKER_WIDTH - symbol_width
    ranked = sorted(columns, key=lambda column: column.rank)
    kept: set[str] = set()
    for column in ranked:
        reserved = TREND_GAP + _NARROWEST_TREND if column.rank >= _TREND_RANK else 0
        if column.width + 1 + reserved > available:
            break
        kept.add(column.key)
        available -= column.width + 1
    shown = tuple(column for column in columns if column.key in kept)
    trend = min(available - TREND_GAP, _WIDEST_TREND)
    return shown, trend if trend >= _NARROWEST_TREND else 0


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
    columns = {column.key: column.values for column in figure_columns(rows)}
    if key not in columns:
        return chosen
    values = columns[key][chosen]
    missing = np.isnan(values)
    keys = np.where(missing, 0.0, -values if reverse else values)
    return chosen[np.lexsort((keys, missing))]


def _plain(_value: float) -> str:
    return "base"


def _gain(value: float) -> str:
    return {1: "gain", -1: "loss", 0: "base"}[direction(value)]


def _quality(value: float) -> str:
    grade = grade_of(value)
    return "base" if grade is None else grade.value


def _count(value: float) -> str:
    return "fair" if value > 0 else "quiet"


def _quality_text(value: float) -> str:
    return MISSING if np.isnan(value) else cut_score(value)
