"""Session VWAP: volume-weighted typical price since the regular open."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from tapedeck.engine.indicators.kernel import RunningValues
from tapedeck.engine.indicators.reasons import Evidence, Reasons
from tapedeck.engine.indicators.since_open import SinceOpenKind
from tapedeck.engine.tape.bar_grid import CLOSE, HIGH, LOW, VOLUME, BarGrid, Floats
from tapedeck.engine.tape.session_totals import sum_in_order


class Vwap(SinceOpenKind):
    """Volume-weighted average price since the regular open; missing while the volume is 0.

    Price is the typical price (high + low + close) / 3. TA-Lib has a VWAP since 0.8, summed from its first
    input bar; this one starts with each session.
    """

    type = "VWAP"
    inputs = ("high", "low", "close", "volume")
    formula = "Σ (high + low + close) / 3 × volume ÷ Σ volume, of the base bars since the regular open"
    over_price = True
    overlay_order = 0

    def running(self, symbols: int, slots: int) -> RunningVwap:
        """Return the running sums."""
        return RunningVwap(symbols, slots)

    def explain(self, evidence: Evidence) -> Reasons:
        """Return the typical prices and volumes, and their sums."""
        base = evidence.base
        price, volume = typical_price(base.bars), base.field("volume")
        present = base.present
        sums = {"Σ typical price × volume": price * volume, "Σ volume": volume}
        return replace(
            super().explain(evidence),
            inputs=(base.as_input("typical price", price), base.as_input("volume")),
            terms={name: float(sum_in_order(values[present])) for name, values in sums.items()},
        )


class RunningVwap(RunningValues):
    """VWAP since the open: sum of typical price × volume ÷ sum of volume, over the base bars."""

    carries = (*RunningValues.carries, "_money", "_volume")
    __slots__ = ("_money", "_volume")

    def __init__(self, symbols: int, slots: int) -> None:
        self.values = np.full((symbols, slots), np.nan)
        self._money: Floats = np.zeros(symbols)
        self._volume: Floats = np.zeros(symbols)

    def advance(self, base: BarGrid, start: int, stop: int) -> None:
        """Compute slots [start, stop); `start`: the end of the slots computed before."""
        bars = base.values[:, :, start:stop]
        volume = bars[VOLUME].copy()
        money = typical_price(bars)
        money *= volume
        if not base.is_full(start, stop):
            missing = ~base.present[:, start:stop]
            volume[missing] = 0.0
            money[missing] = 0.0
        # The carry is added to the first term: added after the sum, it would round differently.
        money[:, 0] += self._money
        volume[:, 0] += self._volume
        np.cumsum(money, axis=1, out=money)
        np.cumsum(volume, axis=1, out=volume)
        self._money, self._volume = money[:, -1].copy(), volume[:, -1].copy()
        traded = volume > 0.0
        if traded.all():
            np.divide(money, volume, out=self.values[:, start:stop])
        else:
            np.divide(money, volume, out=self.values[:, start:stop], where=traded)


def typical_price(values: Floats) -> Floats:
    """Return the typical price (high + low + close) / 3, in the shape of one field of `values` (5, …)."""
    price: Floats = values[HIGH] + values[LOW]
    price += values[CLOSE]
    price /= 3.0
    return price


KINDS: Final = (Vwap(),)
