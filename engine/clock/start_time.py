"""Times of day within a session: the one rule that places a time of day in a session's hours."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.errors import CalendarError


def time_in_session(session: TradingSession, time_of_day: time) -> datetime:
    """Return the UTC instant that a time of day on the exchange means in a session, in or out of its hours.

    It is on the date of the open; in a session that passes midnight, a time of day before that of the open is
    on the date after.
    """
    zone = session.zone
    opened = session.regular_open.astimezone(zone)
    instant = datetime.combine(opened.date(), time_of_day, zone)
    if instant < opened and session.regular_close.astimezone(zone).date() > opened.date():
        instant += timedelta(days=1)
    return instant.astimezone(UTC)


def start_instant(session: TradingSession, start_time: time) -> datetime:
    """Return the UTC instant of an exchange's time of day within a session.

    Raises CalendarError if it is outside the session's hours.
    """
    instant = time_in_session(session, start_time)
    if session.regular_open <= instant < session.regular_close:
        return instant
    local_open = session.regular_open.astimezone(session.zone)
    local_close = session.regular_close.astimezone(session.zone)
    raise CalendarError(
        f"start_time {start_time:%H:%M} is outside the hours of {session.exchange} on {session.trading_day}: "
        f"use a time from {local_open:%H:%M} to before {local_close:%H:%M}, or delete it"
    )
