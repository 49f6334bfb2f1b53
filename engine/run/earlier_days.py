"""Trading days before a day, within the calendar."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from tapedeck.engine.clock.calendars import exchange_bounds
from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.errors import CalendarError
from tapedeck.engine.intervals import Interval

# Most bytes of base bars that are read at once.
_CHUNK_BYTES: Final = 32 * 2**20
_BAR_BYTES: Final = 40


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


def most_sessions_at_once(session: TradingSession, base: Interval, symbols: int) -> int:
    """Return how many sessions like one may be read at once, at least 1."""
    return max(1, _CHUNK_BYTES // max(1, _BAR_BYTES * symbols * len(SessionSlots(session, base))))
