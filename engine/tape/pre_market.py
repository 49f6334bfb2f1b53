"""Pre-market figures of symbols: high, low, last price and volume before a session's regular open."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tapedeck.engine.tape.bar_grid import Floats


@dataclass(frozen=True, slots=True)
class PreMarket:
    """High, low, last close and volume of each symbol's bars before the open, float64 (S,); NaN without bars.

    They are bars of the base interval that opened in the trading day's pre-market (`pre_market_span`) and
    closed by the regular open. With a daily base there are none.
    """

    high: Floats
    low: Floats
    last: Floats
    volume: Floats

    @classmethod
    def unknown(cls, symbols: int) -> PreMarket:
        """Return missing figures."""
        return cls(*(np.full(symbols, np.nan) for _ in range(4)))
