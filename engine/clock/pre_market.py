"""Pre-market: the part of a trading day before its regular open."""

from __future__ import annotations

from datetime import datetime, time

from tapedeck.engine.clock.slots import epoch_seconds
from tapedeck.engine.clock.trading_session import TradingSession


def pre_market_span(session: TradingSession, before: TradingSession | None) -> tuple[int, int]:
    """Return the pre-market `[start, end)` of a session, seconds UTC; start and end are equal without one.

    It begins at midnight, exchange time, of the trading day, or at the close of the session `before` if that
    is later, and ends at the regular open. A session that opens at midnight or on the evening before, as
    those of markets that trade around the clock, has none.
    """
    midnight = epoch_seconds(datetime.combine(session.trading_day, time(), session.zone))
    start = midnight if before is None else max(midnight, epoch_seconds(before.regular_close))
    end = epoch_seconds(session.regular_open)
    return min(start, end), end
