"""Bar as a strategy gets it."""

from __future__ import annotations

from datetime import datetime
from math import nan
from typing import NamedTuple


class Bar(NamedTuple):
    """A bar of one symbol; it does not change. Times are in the zone of the exchange; `volume` in shares.

    `bid`, `ask`: as they stood at its close, NaN where missing, and unless the session streams quotes.
    """

    symbol: str
    opened_at: datetime
    closed_at: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float
    bid: float = nan
    ask: float = nan
