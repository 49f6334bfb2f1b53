"""Short sessions, and random numbers by hand, for tests of what is asked of a feed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.feeds.back_off import BackOff
from tapedeck.engine.feeds.bar_cells import Cells
from tapedeck.engine.feeds.feed_bar import FeedBar
from tapedeck.engine.intervals import MINUTE, Interval

DAY = date(2013, 10, 7)
OPEN = datetime(2013, 10, 7, 13, 30, tzinfo=UTC)
OPEN_S = OPEN.timestamp()


def session_of(minutes: int, start: datetime = OPEN, pause: tuple[int, int] | None = None) -> TradingSession:
    """Return a session of some minutes, with a break between two of them if wished."""
    bounds = (None, None) if pause is None else tuple(start + timedelta(minutes=m) for m in pause)
    close = start + timedelta(minutes=minutes)
    return TradingSession("XNYS", ZoneInfo("America/New_York"), DAY, start, close, False, *bounds)


def slots_of(minutes: int, interval: Interval = MINUTE) -> SessionSlots:
    return SessionSlots(session_of(minutes), interval)


def bar(symbol: str, slots: SessionSlots, slot: int, price: float = 10.0) -> FeedBar:
    opened_at = int(slots.stored_labels[slot])
    return FeedBar(symbol, opened_at, price, price + 1, price - 1, price + 0.5, 100.0)


def cells(*positions: tuple[int, int]) -> Cells:
    """Return cells by row and slot."""
    pairs = np.array(positions, dtype=np.int64).reshape(-1, 2)
    return Cells(pairs[:, 0], pairs[:, 1])


def pairs(some: Cells) -> set[tuple[int, int]]:
    return set(zip(some.rows.tolist(), some.slots.tolist(), strict=True))


class Longest(Random):
    """Random numbers that are as large as they can be: a back-off is then exactly known."""

    def uniform(self, a: float, b: float) -> float:
        return b


def longest_back_off() -> BackOff:
    """Return a back-off of 0.5, 1, 2, 4 … 60 seconds."""
    return BackOff(random=Longest())
