"""Times of slots of any session of a run, as texts: an order may be older than the session that ends it."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from zoneinfo import ZoneInfo

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.export.text_columns import time_text
from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.bar_grid import Ints


class SlotTimes:
    """Texts of the times of slots, by day. Those of a day that was not added come from the calendar."""

    def __init__(self, config: SessionConfig) -> None:
        self._config = config
        self._interval: Interval | None = None
        # Times at k = 0 … n, and openings; int64, seconds UTC.
        self._days: dict[date, tuple[Ints, Ints, ZoneInfo]] = {}

    def add(self, slots: SessionSlots) -> None:
        """Take the slots of a session; all days have its interval."""
        self._interval = slots.interval
        self._days[slots.session.trading_day] = (slots.clock_times(), slots.opened_at, slots.session.zone)

    def opened(self, day: date, slot: int) -> str:
        """Return when the bar of a slot opened: the timestamp of the bar."""
        _, opened_at, zone = self._of(day)
        return time_text(int(opened_at[slot]), zone)

    def over(self, day: date, slot: int) -> str:
        """Return the clock when a slot was over; that of the open for BEFORE_FIRST_SLOT."""
        clock, _, zone = self._of(day)
        return time_text(int(clock[slot + 1]), zone)

    def _of(self, day: date) -> tuple[Ints, Ints, ZoneInfo]:
        if day not in self._days:
            assert self._interval is not None  # a session was added first
            self.add(SessionSlots(self._calendar.get_trading_session(day), self._interval))
        return self._days[day]

    @cached_property
    def _calendar(self) -> TimeManager:
        return TimeManager(self._config.exchange, changes=self._config.session_data_config.sessions)
