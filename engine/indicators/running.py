"""Running values of a session since its open: VWAP, high and low, by block, with a carry between blocks."""

from __future__ import annotations

import numpy as np

from tapedeck.engine.tape.bar_grid import CLOSE, HIGH, LOW, VOLUME, BarGrid, Floats


def typical_price(values: Floats) -> Floats:
    """Return (high + low + close) / 3 of bars, shape of one field of `values`."""
    price: Floats = values[HIGH] + values[LOW]
    price += values[CLOSE]
    price /= 3.0
    return price


class RunningVwap:
    """VWAP since the regular open: sum of typical price * volume over sum of volume, of the base bars.

    `values`: float64 (S, n); NaN while no volume has traded. A slot without a bar carries the value on; who
    shows it only at bars has to cut it.
    """

    __slots__ = ("_money", "_volume", "values")

    def __init__(self, symbols: int, slots: int) -> None:
        self.values: Floats = np.full((symbols, slots), np.nan)
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


class RunningExtreme:
    """The session's high (or low) so far, of the base bars; `values`: float64 (S, n), NaN before a bar."""

    __slots__ = ("_carry", "_field", "_pick", "values")

    def __init__(self, symbols: int, slots: int, *, highest: bool) -> None:
        self.values: Floats = np.full((symbols, slots), np.nan)
        self._carry: Floats = np.full(symbols, np.nan)
        self._field = HIGH if highest else LOW
        self._pick = np.fmax if highest else np.fmin

    def advance(self, base: BarGrid, start: int, stop: int) -> None:
        """Compute slots [start, stop), which must follow those computed before."""
        out = self.values[:, start:stop]
        out[...] = base.values[self._field, :, start:stop]
        out[:, 0] = self._pick(out[:, 0], self._carry)
        self._pick.accumulate(out, axis=1, out=out)
        self._carry = out[:, -1].copy()
