"""Stored bars of the sessions before a day: last bars of a field, read from the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import cached_property
from typing import Final

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots, epoch_seconds
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.intervals import DAY, Interval
from tapedeck.engine.run.earlier_days import most_sessions_at_once, sessions_before
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.streams.stream_plan import StreamPlan
from tapedeck.engine.tape.bar_grid import Floats, Ints
from tapedeck.engine.tape.buckets import made_bars
from tapedeck.engine.tape.last_bars import LastBars

_FAR_PAST: Final = -(2**40)


class StoredBars:
    """Reads bar fields of sessions before a day. Any thread may call it.

    Bars are those that a run over these sessions would make from the base bars. A 1d bar of a session of
    which the store has no base bars of a symbol is the stored one, as for the prior close.
    """

    def __init__(self, plan: StreamPlan, data: DataManager, time: TimeManager) -> None:
        self._plan = plan
        self._data = data
        self._time = time
        self._first_labels: dict[tuple[int, Interval], int | None] = {}

    def before(
        self,
        day: date,
        interval: Interval,
        field: int,
        rows: range,
        count: int,
        cancelled: Callable[[], bool] = bool,
    ) -> LastBars:
        """Return a field of the last `count` bars of an interval before a day; StoreError as the store.

        `cancelled` is polled between reads of the store; True ends it with what was found.
        """
        found = LastBars.none(len(rows), count)
        sessions, chunk = sessions_before(self._time, day, 1), 1
        is_first = True
        while sessions and not cancelled():
            part = self._read(sessions, interval, field, rows, count)
            found = part if is_first else found.after(part)
            lacking = np.flatnonzero(found.counts < count) + rows.start
            if self.begins_with(sessions[0], lacking, days=interval == DAY):
                break
            chunk = min(2 * chunk, most_sessions_at_once(sessions[0], self._plan.base, len(rows)))
            sessions, is_first = sessions_before(self._time, sessions[0].trading_day, chunk), False
        return found

    def begins_with(self, session: TradingSession, rows: Ints, *, days: bool) -> bool:
        """Whether the store has no base bars before a session of any of some symbols; `days`: nor 1d bars."""
        opened = epoch_seconds(session.regular_open)
        intervals = {self._plan.base, DAY} if days else {self._plan.base}
        labels = [self._first_label(row, interval) for row in rows.tolist() for interval in intervals]
        return all(label is None or label >= opened for label in labels)

    def with_stored_day(
        self, bars: LastBars, session: TradingSession, interval: Interval, field: int, rows: range
    ) -> LastBars:
        """Return one session's bars of a field, with the stored 1d bars of the symbols that have none."""
        if interval != DAY or not self._reads_days(rows) or bars.counts.all():
            return bars
        values = np.where(
            bars.counts > 0, bars.values[:, -1], self._stored_days([session], field, rows)[:, 0]
        )
        return LastBars.of(values[:, None], ~np.isnan(values)[:, None], bars.values.shape[1])

    def _read(
        self, sessions: Sequence[TradingSession], interval: Interval, field: int, rows: range, count: int
    ) -> LastBars:
        symbols = self._plan.symbols[rows.start : rows.stop]
        slots = [SessionSlots(session, self._plan.base) for session in sessions]
        grids = self._data.load_sessions(symbols, slots)
        made = [
            made_bars(grid, own, interval, self._plan.min_completeness)
            for grid, own in zip(grids, slots, strict=True)
        ]
        values = np.concatenate([grid.values[field] for grid in made], axis=1)
        present = np.concatenate([grid.present for grid in made], axis=1)
        if interval == DAY and self._reads_days(rows):
            values = np.where(present, values, self._stored_days(sessions, field, rows))
            present = ~np.isnan(values)
        return LastBars.of(values, present, count)

    def _stored_days(self, sessions: Sequence[TradingSession], field: int, rows: range) -> Floats:
        """Return a field of the stored 1d bars, float64 (rows, sessions)."""
        symbols = self._plan.symbols[rows.start : rows.stop]
        days: Floats = self._data.load_days(symbols, sessions, DAY)[field]
        return days

    def _reads_days(self, rows: range) -> bool:
        """Whether any of some symbols has stored 1d bars that are not the base."""
        return self._plan.base != DAY and any(
            DAY in self._stored[symbol] for symbol in self._plan.symbols[rows.start : rows.stop]
        )

    @cached_property
    def _stored(self) -> dict[str, frozenset[Interval]]:
        return dict(self._data.stored_intervals(self._plan.symbols))

    def _first_label(self, row: int, interval: Interval) -> int | None:
        key = (row, interval)
        if key not in self._first_labels:
            symbol = self._plan.symbols[row]
            self._first_labels[key] = self._data.store.first_at_or_after(symbol, interval, _FAR_PAST)
        return self._first_labels[key]
