"""Daily bars in two meanings: stored ones, and those derived from stored finer bars, compared.

One rule for sessions that stream finer bars than 1d: history comes from the store, today's bar is derived.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TOLERANCE: Final = 1e-4
"""Largest difference, as a fraction of the stored price, of bars that count as equal."""
_PRICES: Final = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True)
class DayDifference:
    """A price of a stored daily bar that differs from the derived one, on the first such day."""

    symbol: str
    trading_day: date
    field: str
    stored: float
    derived: float

    def describe(self, source: object) -> str:
        """Return one sentence; `source`: the interval that the bar is derived from."""
        apart = 100 * abs(self.stored - self.derived) / abs(self.stored)
        return (
            f"1d bars of {self.symbol} differ, first on {self.trading_day}: {self.field} {self.stored:.10g} "
            f"stored, {self.derived:.10g} derived from {source} bars ({apart:.2f}%); "
            "history has the stored bars, today's bar is derived"
        )


def find_difference(
    symbols: Sequence[str], trading_day: date, stored: Floats, derived: Floats
) -> DayDifference | None:
    """Return the price that differs most, of the first symbol with one that differs; None if all are equal.

    `stored`, `derived`: float64, shape (5, S), open, high, low, close, volume; NaN for missing bars, which
    are not compared, nor is volume.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = np.abs(stored[:4] - derived[:4]) / np.abs(stored[:4])
        differs = apart > TOLERANCE
    if not differs.any():
        return None
    row = int(np.argmax(differs.any(axis=0)))
    price = int(np.argmax(np.where(differs[:, row], apart[:, row], 0.0)))
    return DayDifference(
        symbols[row], trading_day, _PRICES[price], float(stored[price, row]), float(derived[price, row])
    )
