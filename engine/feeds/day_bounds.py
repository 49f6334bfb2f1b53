"""Bounds of a trading day's bars, with extended hours: which session an arrival belongs to."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final

from tapedeck.engine.clock.slots import epoch_seconds
from tapedeck.engine.clock.trading_session import TradingSession

LONGEST_REST_S: Final = 7 * 86400
"""Seconds after a trading day in which bars still go to it while no later session is recorded."""


def day_bounds(session: TradingSession) -> tuple[int, int]:
    """Return `[since, until)` of a trading day, seconds UTC: it holds the session, and its extended hours.

    It is the exchange's calendar day. A session that opens on the evening before begins at its open, and ends
    at its close; one that closes after midnight ends at its close.
    """
    midnight = datetime.combine(session.trading_day, time(), session.zone)
    next_midnight = datetime.combine(session.trading_day + timedelta(days=1), time(), session.zone)
    opens, closes = epoch_seconds(session.regular_open), epoch_seconds(session.regular_close)
    since = min(epoch_seconds(midnight), opens)
    return since, closes if since < epoch_seconds(midnight) else max(epoch_seconds(next_midnight), closes)
