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
from tapedeck.engine.tape.bar_grid import CLOSE, BarGrid, Ints
from tapedeck.engine.tape.held_values import last_columns, taken
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
        self._last: tuple[TradingSession, PriorClose] | None = None

    def of(self, slots: Sequence[SessionSlots], grids: Sequence[BarGrid]) -> list[PriorClose]:
        """Return the prior closes of consecutive sessions, given their slots and base bars."""
        found = [self._before(slots[0].session)]
        found += [self._close_of(own, grid) for own, grid in zip(slots, grids, strict=True)]
        self._last = (slots[-1].session, found.pop())
        return found

    def _before(self, session: TradingSession) -> PriorClose:
        """Return the close of the session before one, read from the store unless it was read last."""
        at = self._position[session.trading_day]
        if at == 0:  # the calendar's first session
            return PriorClose.unknown(len(self._plan.symbols))
        before = self._sessions[at - 1]
        if self._last is not None and self._last[0] == before:
            return self._last[1]
        slots = SessionSlots(before, self._plan.base)
        [grid] = self._data.load_sessions(self._plan.symbols, [slots])
        return self._close_of(slots, grid)

    def _close_of(self, slots: SessionSlots, grid: BarGrid) -> PriorClose:
        last = last_columns(grid.values[CLOSE], np.array([len(slots)], dtype=np.int64))
        values, columns = taken(grid.values[CLOSE], last)[:, 0], last[:, 0]
        opened_at = np.where(columns >= 0, slots.opened_at[columns], 0)
        found = PriorClose(values, opened_at, np.zeros(len(values), dtype=np.bool_))
        missing = np.flatnonzero(np.isnan(values) & self._has_days)
        if len(missing):
            self._use_days(found, slots.session, missing)
        return found

    def _use_days(self, found: PriorClose, session: TradingSession, rows: Ints) -> None:
        """Write the closes of the stored 1d bars of some rows."""
        symbols = [self._plan.symbols[row] for row in rows]
        closes = self._data.load_days(symbols, [session], DAY)[CLOSE, :, 0]
        there = ~np.isnan(closes)
        found.values[rows[there]] = closes[there]
        found.opened_at[rows[there]] = epoch_seconds(session.regular_open)
        found.is_daily[rows[there]] = True

    @cached_property
    def _has_days(self) -> np.ndarray:
        """Whether each symbol has stored 1d bars that are not the base, bool (S,)."""
        if self._plan.base == DAY:
            return np.zeros(len(self._plan.symbols), dtype=np.bool_)
        stored = self._data.stored_intervals(self._plan.symbols)
        return np.array([DAY in stored[symbol] for symbol in self._plan.symbols])
