"""Options of a live session: the feed, its clock, and the days to record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.config import BacktestConfig, SessionConfig
from tapedeck.engine.errors import CalendarError
from tapedeck.engine.feeds.live_feed import LiveFeed

ENDLESS_DAYS: Final = 250
"""Trading days of a recording without an end: about a year, as far as calendars reach."""


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """What a live run records.

    `journal`: path of the arrival journal. `days`: trading days to record, None for no end. `first_day`: day
    to begin with; by default that of the current session, or of the next one.
    """

    feed: LiveFeed
    clock: LiveClock
    journal: Path
    days: int | None = 1
    first_day: date | None = None


def live_config_of(config: SessionConfig, options: LiveOptions, time: TimeManager) -> SessionConfig:
    """Return the session file as it is recorded: in mode live, over the days of the options.

    Raises CalendarError for a first day outside the calendar.
    """
    first = options.first_day or time.get_trading_date(time.get_current_time())
    last = _last_day(first, options.days or ENDLESS_DAYS, time)
    days = BacktestConfig(start_date=first, end_date=last, speed_multiplier=options.clock.speed)
    return config.model_copy(update={"mode": "live", "backtest_config": days})


def _last_day(first: date, days: int, time: TimeManager) -> date:
    begin = time.get_first_trading_date(first)
    while days > 1:
        try:
            return time.get_next_trading_date(begin, days - 1)
        except CalendarError:  # the calendar ends before that
            days //= 2
    return begin
