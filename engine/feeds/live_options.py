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
from tapedeck.engine.feeds.arrival_journal import ArrivalJournal
from tapedeck.engine.feeds.live_feed import LiveFeed
from tapedeck.engine.tape.scan_records import ScanRecord
from tapedeck.engine.tape.symbol_changes import SymbolChange

ENDLESS_DAYS: Final = 250
"""Trading days of a recording without an end: about a year, as far as calendars reach."""


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """What a live run records.

    `journal`: path of the arrival journal. `days`: trading days to record, None for no end. `first_day`: day
    to begin with; by default that of the current session or of the next one, or the day before if its
    recording was interrupted. `kept`, `changes`, `scans`: of a recorded day that is played, the symbols that
    it begins with beside the file's, those that join and leave at their frontiers, and what its scanners
    found; without `scans` the scanners run.
    """

    feed: LiveFeed
    clock: LiveClock
    journal: Path
    days: int | None = 1
    first_day: date | None = None
    kept: tuple[str, ...] = ()
    changes: tuple[SymbolChange, ...] = ()
    scans: tuple[ScanRecord, ...] | None = None


def live_config_of(config: SessionConfig, options: LiveOptions, time: TimeManager) -> SessionConfig:
    """Return the session file as it is recorded: in mode live, over the days of the options.

    Raises CalendarError for a first day outside the calendar, StoreError for an unreadable journal.
    """
    first = options.first_day or _first_day(config, options, time)
    last = _last_day(first, options.days or ENDLESS_DAYS, time)
    days = BacktestConfig(start_date=first, end_date=last, speed_multiplier=options.clock.speed)
    return config.model_copy(update={"mode": "live", "backtest_config": days})


def _first_day(config: SessionConfig, options: LiveOptions, time: TimeManager) -> date:
    """Return the day of the current or next session, or the one before if its recording was interrupted.

    A session that was being recorded when the program ended is reconciled first, also after its close.
    """
    first = time.get_trading_date(time.get_current_time())
    if not options.journal.exists():
        return first
    wanted = tuple(sorted(config.session_data_config.symbols))
    before = time.get_previous_trading_date(first)
    with ArrivalJournal(options.journal) as journal:
        interrupted = any(
            (day.trading_day, day.symbols, day.source) == (before, wanted, options.feed.name)
            for day in journal.days()
            if not day.is_ended
        )
    return before if interrupted else first


def _last_day(first: date, days: int, time: TimeManager) -> date:
    begin = time.get_first_trading_date(first)
    while days > 1:
        try:
            return time.get_next_trading_date(begin, days - 1)
        except CalendarError:  # the calendar ends before that
            days //= 2
    return begin
