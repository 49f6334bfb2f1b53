"""Start time in mid-session: the instant of a time of day within a session."""

from __future__ import annotations

from datetime import UTC, datetime, time

from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.errors import CalendarError


def start_instant(session: TradingSession, start_time: time) -> datetime:
    """Return the UTC instant of an exchange's time of day within a session.

    Raises CalendarError if it is outside the session's hours.
    """
    local_open = session.regular_open.astimezone(session.zone)
    local_close = session.regular_close.astimezone(session.zone)
    for day in sorted({local_open.date(), local_close.date()}):
        instant = datetime.combine(day, start_time, session.zone).astimezone(UTC)
        if session.regular_open <= instant < session.regular_close:
            return instant
    raise CalendarError(
        f"start_time {start_time:%H:%M} is outside the hours of {session.exchange} on {session.trading_day}: "
        f"use a time from {local_open:%H:%M} to before {local_close:%H:%M}, or delete it"
    )
