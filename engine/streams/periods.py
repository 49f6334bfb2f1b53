"""Which earlier sessions a trailing period, a number of days, or a warm-up takes in."""

from __future__ import annotations

import calendar
from bisect import bisect_left
from collections.abc import Sequence
from datetime import date, timedelta

from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.config.period import Period


def period_start(period: Period, day: date) -> date:
    """Return the first date of a calendar period that ends before `day`: 52w is 364 days, 1y twelve months.

    Months keep the day of the month, cut to the month's length. Periods in trading days have no such date.
    """
    if period.unit == "w":
        return day - timedelta(weeks=period.count)
    months = period.count * (12 if period.unit == "y" else 1)
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def period_sessions(
    period: Period, position: int, sessions: Sequence[TradingSession], *, skip_early_close: bool = False
) -> list[int]:
    """Return the positions of the sessions that a period before `sessions[position]` holds, oldest first.

    `sessions`: ascending, without a gap. A period in trading days counts back over the days that are taken:
    where early closes are skipped, it reaches further back for as many full days.
    """
    if period.is_in_trading_days:
        taken: list[int] = []
        at = position - 1
        while at >= 0 and len(taken) < period.count:
            if not (skip_early_close and sessions[at].is_early_close):
                taken.append(at)
            at -= 1
        return taken[::-1]
    start = period_start(period, sessions[position].trading_day)
    first = bisect_left(sessions, start, hi=position, key=lambda session: session.trading_day)
    return [at for at in range(first, position) if not (skip_early_close and sessions[at].is_early_close)]
