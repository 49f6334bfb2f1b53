"""Formats of the symbol table's columns: text and ink of a figure, and the width that its figures need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tapedeck.console.app.widgets.figures import LEAST_DECIMALS, MISSING, compact, direction, fixed, signed
from tapedeck.console.panel_data.scores import cut_score, grade_of

Floats = NDArray[np.float64]

_WIDEST_FIGURE: Final = 16
_MINUTE_S: Final = 60.0
_MOST_MINUTES: Final = 999


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """Figures of a column: float64, shape (S,), NaN where one is missing; the trend has shape (S, any).

    `before`: those of the session before, (S,), shown where today has none; None: no such figures. `made`:
    bool (S,), True for figures of quotes that are made; None: none is.
    """

    values: Floats
    decimals: int = LEAST_DECIMALS
    before: Floats | None = None
    made: NDArray[np.bool_] | None = None

    @property
    def shown(self) -> Floats:
        """The figures, with those of the session before where today has none."""
        return (
            self.values if self.before is None else np.where(np.isnan(self.values), self.before, self.values)
        )


@dataclass(frozen=True, slots=True)
class Form:
    """A format. `text` and `tone` take a figure and the decimals of its column; a tone is an ink's name.

    `width`: the least width. `grows_from`: decimals from which the width grows with the figures; None: never.
    """

    width: int
    text: Callable[[float, int], str]
    tone: Callable[[float, int], str] = field(default=lambda _value, _decimals: "base")
    grows_from: int | None = None

    def width_for(self, figures: Callable[[], Figures]) -> int:
        """Return the width that figures need; they are not asked for if it is fixed."""
        if self.grows_from is None:
            return self.width
        found = figures()
        if found.decimals < self.grows_from:
            return self.width
        sizes = np.abs(found.shown)
        largest = float(np.max(sizes, where=np.isfinite(sizes), initial=0.0))
        # With a minus sign, so that the width stays when the first negative figure appears.
        needed = len(self.text(-largest, found.decimals)) if largest else 0
        return min(max(self.width, needed), _WIDEST_FIGURE)


def _gain(value: float, decimals: int) -> str:
    return {1: "gain", -1: "loss", 0: "base"}[direction(value, decimals)]


def _grade(value: float, _decimals: int) -> str:
    grade = grade_of(value)
    return "base" if grade is None else grade.value


def _score(value: float, _decimals: int) -> str:
    return MISSING if np.isnan(value) else cut_score(value)


def _amount(value: float, _decimals: int) -> str:
    return compact(value)


def _fault(value: float, _decimals: int) -> str:
    return "fair" if value > 0 else "quiet"


def _quiet(_value: float, _decimals: int) -> str:
    return "quiet"


def _age(value: float, _decimals: int) -> str:
    if np.isnan(value):
        return MISSING
    return f"{value:.0f}s" if value < _MINUTE_S else f"{min(value // _MINUTE_S, _MOST_MINUTES):.0f}m"


PRICE: Final = Form(8, fixed, grows_from=0)
FORMING_PRICE: Final = Form(8, fixed, _quiet, grows_from=0)
AGE: Final = Form(4, _age, _quiet)
CHANGE: Final = Form(7, signed, _gain, grows_from=0)
PERCENT: Final = Form(7, signed, _gain)
AMOUNT: Final = Form(7, _amount)
RATIO: Final = Form(7, fixed)
FIGURE: Final = Form(8, fixed, grows_from=LEAST_DECIMALS + 1)
"""An indicator that is not a price."""
SCORE: Final = Form(7, _score, _grade)
COUNT: Final = Form(7, _amount, _fault)
SPARKLINE: Final = Form(6, _amount)
"""A trend, drawn in place of figures; its first cell is blank."""
