"""Strategy class that reads all that it can, for laws: what it notes and orders depends on every value."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import ArrayLike

from tapedeck import Bar, Slice, Strategy, StrategyOrder


class ReadsAll(Strategy):
    """Notes a number of all that it can read, and decides by it."""

    def digest(self, *arrays: ArrayLike) -> int:
        number = 0
        for array in arrays:
            number = zlib.crc32(np.nan_to_num(np.asarray(array, dtype=float), nan=-1.0).tobytes(), number)
        return number

    def on_bar(self, bar: Bar) -> None:
        self.decide(bar.symbol, bar[3:], self.value(bar.symbol, "day_high"))

    def on_slice(self, bars: Slice) -> None:
        view = self.data.view()
        for interval in view.intervals:
            self.decide(bars.symbols[-1], view.bars_grid(interval), view.present_grid(interval))
        values = [bars.value(name) for name in ("last", "quality", "missing", "change_pct", "volume")]
        quality = [self.data.get_quality_metric(symbol) for symbol in self.symbols]
        totals = [view.totals(symbol).volume for symbol in self.data.get_loaded_symbols()]
        self.decide(bars.symbols[0], bars.bars, *values, quality, totals, [view.frontier, self.slot])

    def on_order(self, order: StrategyOrder) -> None:
        self.note(order.state, self.digest(order[3:6]))

    def on_session_start(self) -> None:
        self.decide("BBB", [self.data.view().frontier, self.equity])

    def on_session_end(self) -> None:
        self.decide("CCC", self.data.view().last_prices())

    def decide(self, symbol: str, *arrays: ArrayLike) -> None:
        number = self.digest(*arrays, [self.cash, self.equity, *self.positions.values()])
        self.note("read", number)
        if number % 3 == 0:
            self.buy(symbol, 1 + number % 50, on_close=number % 2 == 0)
        elif number % 3 == 1:
            self.flatten(symbol)
