"""Figures of the trading day: prior close, change, gap, and the day's open, high, low and volume.

One definition for conditions, tables, panels, explanations and exports. They are computed from the regular
session's base bars up to the clock, and from the prior close.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np

from tapedeck.engine.tape.bar_grid import CLOSE, HIGH, LOW, OPEN, VOLUME, Floats, Ints
from tapedeck.engine.tape.held_values import held_values
from tapedeck.engine.tape.session_totals import change_pct, first_values, running_sums
from tapedeck.engine.tape.tape import Tape


class Unit(Enum):
    """Unit of a figure."""

    PRICE = "price"
    CHANGE = "change of a price"
    PERCENT = "percent"
    VOLUME = "volume"


class DayValues:
    """Figures of some symbols at ascending frontiers: float64, shape (rows, frontiers).

    NaN before a symbol's first bar of the session, but for the prior close, which is known before the open.
    No value at frontier k depends on a slot at or past k.
    """

    __slots__ = ("_frontiers", "_rows", "_tape")

    def __init__(self, tape: Tape, frontiers: Ints, rows: slice = slice(None)) -> None:
        self._tape = tape
        self._frontiers = frontiers
        self._rows = rows

    def prior_close(self) -> Floats:
        """Return the close of the trading day before."""
        values = self._tape.prior_close.values[self._rows]
        return np.repeat(values[:, None], len(self._frontiers), axis=1)

    def last(self) -> Floats:
        """Return the close of the last bar."""
        return held_values(self._base(CLOSE), self._frontiers)

    def open(self) -> Floats:
        """Return the open of the session's first bar."""
        first = first_values(self._base(OPEN))
        return np.where(np.isnan(self.last()), np.nan, first[:, None])

    def high(self) -> Floats:
        """Return the highest high since the open."""
        return self._extreme(np.fmax, HIGH)

    def low(self) -> Floats:
        """Return the lowest low since the open."""
        return self._extreme(np.fmin, LOW)

    def volume(self) -> Floats:
        """Return the volume since the open, summed from the first bar to the last."""
        sums = running_sums(self._base(VOLUME), self._frontiers)
        return np.where(np.isnan(self.last()), np.nan, sums)

    def change(self) -> Floats:
        """Return the last price minus the prior close."""
        return self.last() - self.prior_close()

    def change_pct(self) -> Floats:
        """Return the change from the prior close in percent of it."""
        return change_pct(self.prior_close(), self.last())

    def gap_pct(self) -> Floats:
        """Return the day's open against the prior close, in percent of it."""
        return change_pct(self.prior_close(), self.open())

    def change_open_pct(self) -> Floats:
        """Return the change from the day's open in percent of it."""
        return change_pct(self.open(), self.last())

    def _extreme(self, extreme: np.ufunc, field: int) -> Floats:
        """Return the extreme of a field since the open."""
        values, first = self._base(field), int(self._frontiers[0])
        before = extreme.reduce(values[:, :first], axis=1, initial=np.nan, keepdims=True)
        running: Floats = extreme.accumulate(np.concatenate([before, values[:, first:]], axis=1), axis=1)
        return running[:, self._frontiers - first]

    def _base(self, field: int) -> Floats:
        return self._tape.base.values[field, self._rows, : int(self._frontiers[-1])]


@dataclass(frozen=True, slots=True)
class DayFigure:
    """A figure by its word in conditions, columns, `--view` and exports.

    `heading`: of its column on the screen. `formula`: for computing by hand.
    """

    name: str
    heading: str
    unit: Unit
    formula: str
    of: Callable[[DayValues], Floats]


_FIGURES: Final = (
    DayFigure(
        "prev_close",
        "prev close",
        Unit.PRICE,
        "close of the last regular bar of the trading day before",
        DayValues.prior_close,
    ),
    DayFigure("change", "chg", Unit.CHANGE, "last − prior close", DayValues.change),
    DayFigure("change_pct", "chg %", Unit.PERCENT, "100 × (last ÷ prior close − 1)", DayValues.change_pct),
    DayFigure("gap_pct", "gap %", Unit.PERCENT, "100 × (day's open ÷ prior close − 1)", DayValues.gap_pct),
    DayFigure("day_open", "open", Unit.PRICE, "open of the session's first bar", DayValues.open),
    DayFigure("day_high", "high", Unit.PRICE, "highest high since the open", DayValues.high),
    DayFigure("day_low", "low", Unit.PRICE, "lowest low since the open", DayValues.low),
    DayFigure(
        "day_volume",
        "volume",
        Unit.VOLUME,
        "sum of the volumes of the session's bars so far",
        DayValues.volume,
    ),
    DayFigure(
        "change_open_pct",
        "chg open %",
        Unit.PERCENT,
        "100 × (last ÷ day's open − 1)",
        DayValues.change_open_pct,
    ),
)
DAY_FIGURES: Final = {figure.name: figure for figure in _FIGURES}
"""All figures of the day, by name, in the order of lists."""
