"""Bar as a strategy gets it."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


class Bar(NamedTuple):
    """A bar of one symbol; it does not change. Times are in the zone of the exchange; `volume` in shares."""

    symbol: str
    opened_at: datetime
    closed_at: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float
