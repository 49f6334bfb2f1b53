"""Opening values: figures known at a session's open that are not today's bars.

They are shown until today's first values are there. They are part of no tape, condition, stamp or export.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from tapedeck.engine.tape.bar_grid import Floats
from tapedeck.engine.tape.session_totals import last_values
from tapedeck.engine.tape.session_view import SessionView


@dataclass(frozen=True, slots=True)
class PreMarket:
    """High, low and volume of each symbol's bars before the regular open, float64 (S,); NaN without bars.

    They are bars of the base interval that opened in the trading day's pre-market (`pre_market_span`) and
    closed by the regular open. With a daily base there are none.
    """

    high: Floats
    low: Floats
    volume: Floats

    @classmethod
    def unknown(cls, symbols: int) -> PreMarket:
        """Return missing figures."""
        return cls(*(np.full(symbols, np.nan) for _ in range(3)))


@dataclass(frozen=True, slots=True)
class OpeningValues:
    """Values of all symbols at the open of a trading day.

    `day_before`: the trading day before, None before the calendar's first. `indicators`: name of each
    indicator output → its last value in the session of `day_before`, float64 (S,), NaN where it had none.
    """

    trading_day: date
    day_before: date | None
    indicators: Mapping[str, Floats]
    pre_market: PreMarket


def values_at_close(view: SessionView) -> dict[str, Floats]:
    """Return the last value of every indicator output in a view, float64 (S,), in new arrays."""
    return {name: last_values(view.indicator_grid(name)) for name in view.indicator_names()}
