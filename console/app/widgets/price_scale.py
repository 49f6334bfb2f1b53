"""Price scale of a chart: the half row of each price, and the labels of the axis."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tapedeck.console.app.widgets.figures import decimals_of, fixed

Floats = NDArray[np.float64]

_ROWS_PER_LABEL: Final = 3
_MARGIN: Final = 0.04
_MOST_DECIMALS: Final = 10
_LARGEST: Final = 1e300


@dataclass(frozen=True, slots=True)
class PriceScale:
    """Prices from `low` to `high`, spread over `rows` rows of two halves each; row 0 is at the top."""

    low: float
    high: float
    rows: int

    @classmethod
    def around(cls, lows: Floats, highs: Floats, rows: int) -> PriceScale:
        """Return a scale over all candles with a small margin; overlays do not widen it.

        Missing values are ignored. Around a constant price the margin is 0.5 % of it, or 0.5 around zero;
        without any bar the scale is 0 to 1.
        """
        low, high = _minimum(lows), _maximum(highs)
        if low is None or high is None:
            return cls(0.0, 1.0, rows)
        pad = _MARGIN * (high - low) if high > low else abs(high) * 0.005 or 0.5
        return cls(low - pad, high + pad, rows)

    def halves(self, prices: Floats) -> NDArray[np.intp]:
        """Return the half row of each price, 0 at the top, clipped to the scale; -1 if missing."""
        last = 2 * self.rows - 1
        present = np.isfinite(prices)
        position = self.positions(np.where(present, prices, self.low))
        halves = np.rint((1.0 - np.clip(position, 0.0, 1.0)) * last).astype(np.intp)
        return np.where(present, halves, -1)

    def row(self, price: float) -> int:
        """Return the row of a price that is not missing, clipped to the scale."""
        return int(self.halves(np.array([price]))[0]) // 2

    def positions(self, prices: Floats) -> Floats:
        """Return the position of each price: 0 at the bottom, 1 at the top, beyond that off the scale."""
        with np.errstate(over="ignore", invalid="ignore"):
            positions: Floats = (prices - self.low) / (self.high - self.low)
        return positions

    def step(self) -> float:
        """Return the distance between labels of the axis: 1, 2 or 5 times a power of ten."""
        wanted = (self.high - self.low) / max(self.rows / _ROWS_PER_LABEL, 1.0)
        power = 10.0 ** math.floor(math.log10(wanted)) if wanted > 0 else 1.0
        return next((nice * power for nice in (1.0, 2.0, 5.0, 10.0) if nice * power >= wanted), wanted)

    def decimals(self) -> int:
        """Return the decimals of the labels: those of the tables, or more if labels would look equal."""
        needed = -math.floor(math.log10(self.step()) + 1e-9)
        return min(max(decimals_of(max(abs(self.low), abs(self.high))), needed), _MOST_DECIMALS)

    def label(self, price: float) -> str:
        """Return a price as the axis shows it."""
        return fixed(price, self.decimals())

    def label_width(self) -> int:
        """Return the cells that the widest label takes."""
        return max(len(self.label(self.low)), len(self.label(self.high)))

    def labels(self) -> dict[int, str]:
        """Return row → label of the round prices on the axis, in order from the top."""
        step, decimals = self.step(), self.decimals()
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        # Where prices differ by less than a float resolves, there may be no round one between them.
        prices = np.array([number * step for number in range(last, first - 1, -1)][: self.rows])
        rows = (self.halves(prices) // 2).tolist() if len(prices) else []
        return {int(row): fixed(float(price), decimals) for row, price in zip(rows, prices, strict=True)}


def _minimum(values: Floats) -> float | None:
    present = values[np.abs(values) < _LARGEST]
    return float(present.min()) if len(present) else None


def _maximum(values: Floats) -> float | None:
    present = values[np.abs(values) < _LARGEST]
    return float(present.max()) if len(present) else None
