"""Figures of quotes: bid, ask, spread and sizes, by their words in conditions, columns and exports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tapedeck.engine.tape.bar_grid import Floats, Ints
from tapedeck.engine.tape.quote_grid import ASK, BID, QUOTE_FIELDS, QuoteGrid

SPREAD: Final = "spread"


@dataclass(frozen=True, slots=True)
class QuoteFigure:
    """A figure of a quote by its word in conditions, columns, `--view` and exports.

    `heading`: of its column on the screen. `formula`: for computing by hand. `is_size`: whether it is a
    number of shares, and no price.
    """

    name: str
    heading: str
    formula: str
    is_size: bool = False


_FIGURES: Final = (
    QuoteFigure("bid", "bid", "bid of the last quote that had one, up to the end of the slot"),
    QuoteFigure("ask", "ask", "ask of the last quote that had one, up to the end of the slot"),
    QuoteFigure(SPREAD, "spread", "ask − bid"),
    QuoteFigure("bid_size", "bid size", "size of the bid", is_size=True),
    QuoteFigure("ask_size", "ask size", "size of the ask", is_size=True),
)
QUOTE_FIGURES: Final = {figure.name: figure for figure in _FIGURES}
"""All figures of quotes, by name, in the order of lists."""


def quote_figure(fields: Floats, name: str) -> Floats:
    """Return one of `QUOTE_FIGURES` from quotes, float64 (4, …) as in `QUOTE_FIELDS`: shape (…).

    NaN where it is missing; the spread is missing if a side is.
    """
    values: Floats = fields[ASK] - fields[BID] if name == SPREAD else fields[QUOTE_FIELDS.index(name)]
    return values


def quote_figure_at(grid: QuoteGrid, name: str, frontiers: Ints, rows: slice) -> Floats:
    """Return one of `QUOTE_FIGURES` of some symbols at frontiers, float64 (rows, frontiers).

    NaN at the open. No value at frontier k depends on a slot at or past k.
    """
    fields = (ASK, BID) if name == SPREAD else (QUOTE_FIELDS.index(name),)
    values, *bids = (grid.values[field, rows][:, frontiers - 1] for field in fields)
    if bids:
        values -= bids[0]
    values[:, frontiers == 0] = np.nan
    return values
