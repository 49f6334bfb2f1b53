"""Trailing periods: the earlier sessions that a period covers."""

from __future__ import annotations

import calendar
from bisect import bisect_left
from collections.abc import Sequence
from datetime import date, timedelta

from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.config.period import Period


def period_start(period: Period, day: date) -> date:
    """Return the first date of a calendar period that ends before `day`: 52w is 364 days, 1y twelve months.

    Months keep the day of the month, limited to the month's length. Not for periods in trading days.
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
    """Return the positions of the sessions in a period before `sessions[position]`, oldest first.

    `sessions`: ascending, without a gap. A period in trading days counts included days only: if early closes
    are skipped, it reaches further back for the same number of full days.
    """
    if period.is_in_trading_days:
        included: list[int] = []
        at = position - 1
        while at >= 0 and len(included) < period.count:
            if not (skip_early_close and sessions[at].is_early_close):
                included.append(at)
            at -= 1
        return included[::-1]
    start = period_start(period, sessions[position].trading_day)
    first = bisect_left(sessions, start, hi=position, key=lambda session: session.trading_day)
    return [at for at in range(first, position) if not (skip_early_close and sessions[at].is_early_close)]
