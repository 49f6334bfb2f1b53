"""Trading days before a day, within the calendar."""

from __future__ import annotations

from datetime import date, timedelta

from tapedeck.engine.clock.calendars import exchange_bounds
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.errors import CalendarError


def sessions_before(time: TimeManager, day: date, count: int) -> tuple[TradingSession, ...]:
    """Return up to `count` sessions before a day, oldest first; fewer where the calendar begins."""
    begin, _ = exchange_bounds(time.exchange)
    if day <= begin:
        return ()
    try:
        first = time.get_previous_trading_date(day, count)
    except CalendarError:
        first = begin
    return time.trading_sessions(first, day - timedelta(days=1))
