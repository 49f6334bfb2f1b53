"""Classes for the benchmarks: the crossover by slices, and a sum of closes bar by bar."""

import numpy as np
from pydantic import BaseModel

from tapedeck import Bar, Slice, Strategy


class CrossoverBySlices(Strategy):
    """Buys as `sma_fast` crosses above `sma_slow`, and sells as it crosses back, all symbols at once."""

    class Parameters(BaseModel):
        """`least`: difference that counts; `cash`: of an entry."""

        least: float
        cash: float

    def on_session_start(self) -> None:
        """Keep the differences of the session before."""
        self.before: np.ndarray | None = getattr(self, "before", None)

    def on_slice(self, bars: Slice) -> None:
        """Decide for all symbols."""
        above, least = bars.value("sma_fast") - bars.value("sma_slow"), self.parameters.least
        before, self.before = self.before, above
        if before is None:
            return
        for row in np.flatnonzero((above > least) & (before <= least)).tolist():
            if not self.position(bars.symbols[row]):
                self.buy(bars.symbols[row], cash=self.parameters.cash)
        for row in np.flatnonzero((above < -least) & (before >= -least)).tolist():
            if self.position(bars.symbols[row]):
                self.flatten(bars.symbols[row])


class SumOfCloses(Strategy):
    """Adds up the closes of all bars."""

    total = 0.0

    def on_bar(self, bar: Bar) -> None:
        """Add a close."""
        self.total += bar.close
