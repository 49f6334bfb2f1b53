"""Prior closes of a run's sessions, from the bars of the session before each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots, epoch_seconds
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.intervals import DAY
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.streams.stream_plan import StreamPlan
from tapedeck.engine.tape.bar_grid import CLOSE, BarGrid, Floats, Ints, Mask
from tapedeck.engine.tape.held_values import last_columns, taken
from tapedeck.engine.tape.history import DailyHistory, History
from tapedeck.engine.tape.prior_close import PriorClose


class PriorCloses:
    """Finds prior closes, session by session. Not thread-safe: one loader owns it.

    A symbol's prior close is the close of the last regular base bar of the trading day before; where the
    store has none of that day, the close of its stored 1d bar. It depends on the store and the calendar
    alone, not on the day the run began.
    """

    def __init__(self, plan: StreamPlan, data: DataManager) -> None:
        self._plan = plan
        self._data = data
        self._sessions = plan.history.sessions
        self._position = {session.trading_day: at for at, session in enumerate(self._sessions)}
        self._days: DailyHistory | None = None
        self._last: tuple[TradingSession, PriorClose] | None = None

    def take_history(self, history: History) -> None:
        """Use bars that were read as history before the first session, so that they are not read again."""
        plan = self._plan.history
        before = self._sessions[plan.first_played - 1] if plan.first_played else None
        daily, kept = history.daily, history.intraday.get(self._plan.base)
        if daily is not None and before is not None and daily.days[0].trading_day <= before.trading_day:
            self._days = daily
        if kept is None or any(source != self._plan.base for source in plan.sources[self._plan.base]):
            return
        for day in kept.last(1):
            if day.rows is None and day.session == before:
                slots = SessionSlots(before, self._plan.base)
                self._last = (before, self._close_of(slots, day.grid))

    def of(self, slots: Sequence[SessionSlots], grids: Sequence[BarGrid]) -> list[PriorClose]:
        """Return the prior closes of consecutive sessions, given their slots and base bars."""
        found = [self._before(slots[0].session)]
        found += [self._close_of(own, grid) for own, grid in zip(slots[:-1], grids[:-1], strict=True)]
        self.end(slots[-1], grids[-1])
        return found

    def end(self, slots: SessionSlots, grid: BarGrid) -> None:
        """Take the close of a session, given its slots and base bars, for the session after it."""
        self._last = (slots.session, self._close_of(slots, grid))

    def _before(self, session: TradingSession) -> PriorClose:
        """Return the close of the session before one, read from the store unless it is known."""
        at = self._position[session.trading_day]
        if at == 0:  # the calendar's first session
            return PriorClose.unknown(len(self._plan.symbols))
        before = self._sessions[at - 1]
        if self._last is not None and self._last[0] == before:
            return self._last[1]
        slots = SessionSlots(before, self._plan.base)
        return self._completed(slots, *self._data.last_closes(self._plan.symbols, slots))

    def _close_of(self, slots: SessionSlots, grid: BarGrid) -> PriorClose:
        """Return the close of a session, given its base bars."""
        closes, last = grid.values[CLOSE], len(slots) - 1
        if not np.isnan(closes[:, last]).any():  # as a rule: no search
            return self._completed(slots, closes[:, last].copy(), np.full(len(closes), last))
        at = last_columns(closes, np.array([len(slots)], dtype=np.int64))
        return self._completed(slots, taken(closes, at)[:, 0], at[:, 0])

    def _completed(self, slots: SessionSlots, closes: Floats, at: Ints) -> PriorClose:
        """Return the last closes of a session and their slots, with stored 1d bars where they are missing."""
        opened_at = np.where(at >= 0, slots.opened_at[at], 0)
        without = np.flatnonzero((at < 0) & self._has_days)
        is_daily = np.zeros(len(closes), dtype=np.bool_)
        if len(without):
            daily = self._daily_closes(slots.session)[without]
            there = without[~np.isnan(daily)]
            closes[without] = daily
            opened_at[there] = epoch_seconds(slots.session.regular_open)
            is_daily[there] = True
        return PriorClose(closes, opened_at, is_daily)

    def _daily_closes(self, session: TradingSession) -> Floats:
        """Return the closes of a day's stored 1d bars, (S,).

        They are read once, for all days that may be needed, so that an import during the run cannot mix two
        states of the store.
        """
        if self._days is None:
            first = max(0, self._plan.history.first_played - 1)
            self._days = DailyHistory(len(self._plan.symbols), self._sessions[first:])
            rows = np.flatnonzero(self._has_days)
            symbols = [self._plan.symbols[row] for row in rows]
            self._days.values[:, rows] = self._data.load_days(symbols, self._days.days, DAY)
        closes: Floats = self._days.values[CLOSE, :, self._days.column_of(session.trading_day)]
        return closes

    @cached_property
    def _has_days(self) -> Mask:
        """Whether each symbol has stored 1d bars that are not the base, bool (S,)."""
        if self._plan.base == DAY:
            return np.zeros(len(self._plan.symbols), dtype=np.bool_)
        stored = self._data.stored_intervals(self._plan.symbols)
        return np.array([DAY in stored[symbol] for symbol in self._plan.symbols])
