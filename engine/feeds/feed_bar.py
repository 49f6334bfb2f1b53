"""Bars of a live feed, and the precedence of their versions.

Within a feed a bar may arrive several times. A version takes the place of the one before it if its precedence
is the same or higher: an updated bar that of the first message, reconciled history that of both.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class BarKind(Enum):
    """How a version of a bar arrived; the value stands in the arrival journal."""

    BAR = "bar"
    """First message of the feed."""
    UPDATED = "updated"
    """Message of the feed that corrects the first one, such as with late trades."""
    HISTORY = "history"
    """Answer to a request during the session: after a disconnect, or for a missing bar."""
    RECONCILED = "reconciled"
    """Answer to the request after the close."""

    @property
    def precedence(self) -> int:
        """Rank of the version; history asked during the session stands in for the first message."""
        return _PRECEDENCE[self]


_PRECEDENCE = {BarKind.BAR: 0, BarKind.HISTORY: 0, BarKind.UPDATED: 1, BarKind.RECONCILED: 2}


class FeedBar(NamedTuple):
    """One bar of a feed. `opened_at`: seconds since 1970 UTC, as stored; prices and volume as traded."""

    symbol: str
    opened_at: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    kind: BarKind = BarKind.BAR
