"""The crossover of two averages as classes: bar by bar, and for all symbols at once."""

import numpy as np
from pydantic import BaseModel

from tapedeck import Bar, Slice, Strategy


class OnBar(Strategy):
    """Buys as `sma_fast` crosses above `sma_slow`, and sells as it crosses back, bar by bar."""

    class Parameters(BaseModel):
        """Cash of an entry."""

        cash: float

    def on_session_start(self) -> None:
        """Keep the differences of the session before."""
        self.before: dict[str, float] = getattr(self, "before", {})

    def on_bar(self, bar: Bar) -> None:
        above = self.value(bar.symbol, "sma_fast") - self.value(bar.symbol, "sma_slow")
        before, self.before[bar.symbol] = self.before.get(bar.symbol, np.nan), above
        held = self.position(bar.symbol)
        if above > 0 and before <= 0 and not held:
            self.buy(bar.symbol, cash=self.parameters.cash)
        elif above < 0 and before >= 0 and held:
            self.sell(bar.symbol, held)


class OnSlice(Strategy):
    """The same with arrays."""

    Parameters = OnBar.Parameters

    def on_session_start(self) -> None:
        """Keep the differences of the session before."""
        self.before: np.ndarray | None = getattr(self, "before", None)

    def on_slice(self, bars: Slice) -> None:
        above = bars.value("sma_fast") - bars.value("sma_slow")
        before = np.full(len(bars), np.nan) if self.before is None else self.before
        self.before = np.where(np.isnan(above), before, above)
        for row in np.flatnonzero((above > 0) & (before <= 0)):
            if not self.position(bars.symbols[row]):
                self.buy(bars.symbols[row], cash=self.parameters.cash)
        for row in np.flatnonzero((above < 0) & (before >= 0)):
            if self.position(bars.symbols[row]):
                self.flatten(bars.symbols[row])
