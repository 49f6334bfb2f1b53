"""The vertical scale of a chart: which half row a price falls into, and which prices its axis names."""

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
        """Return the scale that holds all candles, and a little more: overlays do not press them flat.

        Missing values are ignored; a market without any movement, or without any bar, gets a span of its own.
        """
        low, high = _least(lows), _most(highs)
        if low is None or high is None:
            return cls(0.0, 1.0, rows)
        pad = _MARGIN * (high - low) if high > low else abs(high) * 0.005 or 0.5
        return cls(low - pad, high + pad, rows)

    def halves(self, prices: Floats) -> NDArray[np.intp]:
        """Return the half row of each price, 0 at the top; out of bounds is cut, a missing one is -1."""
        last = 2 * self.rows - 1
        there = np.isfinite(prices)
        share = self._shares(np.where(there, prices, self.low))
        halves = np.rint((1.0 - np.clip(share, 0.0, 1.0)) * last).astype(np.intp)
        return np.where(there, halves, -1)

    def thirds(self, prices: Floats) -> NDArray[np.intp]:
        """Return the third of a row of each price, 0 at the top; out of bounds or missing is -1."""
        last = 3 * self.rows - 1
        there = np.isfinite(prices) & (prices >= self.low) & (prices <= self.high)
        share = self._shares(np.where(there, prices, self.low))
        return np.where(there, np.rint((1.0 - share) * last).astype(np.intp), -1)

    def _shares(self, prices: Floats) -> Floats:
        """Return how far up the scale each price lies: 0 at the bottom, 1 at the top."""
        with np.errstate(over="ignore"):
            shares: Floats = (prices - self.low) / (self.high - self.low)
        return shares

    def step(self) -> float:
        """Return the distance of the axis' labels: 1, 2 or 5 times a power of ten."""
        wanted = (self.high - self.low) / max(self.rows / _ROWS_PER_LABEL, 1.0)
        power = 10.0 ** math.floor(math.log10(wanted)) if wanted > 0 else 1.0
        return next((nice * power for nice in (1.0, 2.0, 5.0, 10.0) if nice * power >= wanted), wanted)

    def decimals(self) -> int:
        """Return how many decimals tell the labels apart, and show a price as the tables do."""
        apart = -math.floor(math.log10(self.step()) + 1e-9)
        return min(max(decimals_of(max(abs(self.low), abs(self.high))), apart), _MOST_DECIMALS)

    def label(self, price: float) -> str:
        """Return a price as the axis shows it."""
        return fixed(price, self.decimals())

    def label_width(self) -> int:
        """Return how many cells the labels of all prices on the scale take."""
        return max(len(self.label(self.low)), len(self.label(self.high)))

    def labels(self) -> dict[int, str]:
        """Return row → label of the round prices on the axis, in order from the top."""
        step, decimals = self.step(), self.decimals()
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        # Of prices with more digits than a float holds, no round one may lie in between.
        prices = np.array([number * step for number in range(last, first - 1, -1)][: self.rows])
        rows = (self.halves(prices) // 2).tolist() if len(prices) else []
        return {int(row): fixed(float(price), decimals) for row, price in zip(rows, prices, strict=True)}


def _least(values: Floats) -> float | None:
    there = values[np.abs(values) < _LARGEST]
    return float(there.min()) if len(there) else None


def _most(values: Floats) -> float | None:
    there = values[np.abs(values) < _LARGEST]
    return float(there.max()) if len(there) else None
