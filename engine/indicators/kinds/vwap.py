"""VWAP since the regular open, of the typical price."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from tapedeck.engine.indicators.kernel import RunningValues
from tapedeck.engine.indicators.reasons import Evidence, Reasons
from tapedeck.engine.indicators.since_open import SinceOpenKind
from tapedeck.engine.tape.bar_grid import CLOSE, HIGH, LOW, VOLUME, BarGrid, Floats


class Vwap(SinceOpenKind):
    """Volume-weighted average price since the regular open; missing while no volume has traded.

    TA-Lib has a VWAP since 0.8, summed from the first bar it is given; this one begins with the session.
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
        there = base.present
        sums = {"Σ typical price × volume": price * volume, "Σ volume": volume}
        return replace(
            super().explain(evidence),
            inputs=(base.as_input("typical price", price), base.as_input("volume")),
            terms={name: sum_in_order(values[there]) for name, values in sums.items()},
        )


class RunningVwap(RunningValues):
    """VWAP since the open: sum of typical price * volume over sum of volume, of the base bars."""

    __slots__ = ("_money", "_volume")

    def __init__(self, symbols: int, slots: int) -> None:
        self.values = np.full((symbols, slots), np.nan)
        self._money: Floats = np.zeros(symbols)
        self._volume: Floats = np.zeros(symbols)

    def advance(self, base: BarGrid, start: int, stop: int) -> None:
        """Compute slots [start, stop), which must follow those computed before."""
        bars = base.values[:, :, start:stop]
        volume = bars[VOLUME].copy()
        money = typical_price(bars)
        money *= volume
        if not base.is_full(start, stop):
            missing = ~base.present[:, start:stop]
            volume[missing] = 0.0
            money[missing] = 0.0
        # The carry goes into the first term: added after the sum, it would round otherwise.
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
    """Return (high + low + close) / 3 of bars, shape of one field of `values`."""
    price: Floats = values[HIGH] + values[LOW]
    price += values[CLOSE]
    price /= 3.0
    return price


def sum_in_order(values: Floats) -> float:
    """Return the sum of values (n,), added one after the other as the kernels do; 0 of none."""
    return float(np.cumsum(values)[-1]) if len(values) else 0.0


VWAP: Final = Vwap()
