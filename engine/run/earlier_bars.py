"""Earlier bars reader: a symbol's bars of the sessions before a day, from the store, on request."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from math import ceil
from typing import Final

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots, day_label
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.intervals import DAY, Interval
from tapedeck.engine.read.earlier_bars import EarlierBars
from tapedeck.engine.run.earlier_days import sessions_before
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.streams.stream_plan import StreamPlan
from tapedeck.engine.tape.bar_grid import CLOSE, FIELDS, BarGrid, Counts, Floats, Ints
from tapedeck.engine.tape.buckets import DerivedGrid, buckets_of, made_bars
from tapedeck.engine.tape.session_view import Bars, frozen

# Most base slots that one request reads: a year of minutes.
_MOST_SLOTS: Final = 100_000


class EarlierBarsReader:
    """Reads bars that a run over these sessions would make, in the caller's thread. Any thread may call it.

    A 1d bar of a session of which the store has no base bars is the stored one, as for the prior close.
    """

    def __init__(self, plan: StreamPlan, data: DataManager, time: TimeManager) -> None:
        self._plan = plan
        self._data = data
        self._time = time

    def before(self, day: date, symbol: str, interval: Interval, candles: int) -> tuple[EarlierBars, ...]:
        """Return about `candles` bars of the sessions before a day, oldest first, at least one session.

        Below a day one part per session, else one part in all. Fewer where the store begins, or where more
        than a year of minutes would have to be read. Raises StoreError if the store cannot be read.
        """
        last = sessions_before(self._time, day, 1)
        if not last or interval < self._plan.base or candles < 1:
            return ()
        slots = SessionSlots(last[0], self._plan.base)
        most = max(1, _MOST_SLOTS // len(slots))
        if interval == DAY:
            return self._days(sessions_before(self._time, day, candles), symbol, most)
        count = min(ceil(candles / len(buckets_of(slots, interval))), most)
        parts = self._made(sessions_before(self._time, day, count), symbol, interval)
        first = next((at for at, part in enumerate(parts) if _has_bar(part.bars)), len(parts))
        return tuple(parts[first:])

    def _made(self, sessions: Sequence[TradingSession], symbol: str, interval: Interval) -> list[EarlierBars]:
        slots = [SessionSlots(session, self._plan.base) for session in sessions]
        grids = self._data.load_sessions([symbol], slots)
        return [
            EarlierBars(_bars(grid, one, interval, self._plan.min_completeness), one.session)
            for grid, one in zip(grids, slots, strict=True)
        ]

    def _days(
        self, sessions: Sequence[TradingSession], symbol: str, most_made: int
    ) -> tuple[EarlierBars, ...]:
        """Return daily bars in one part; the last `most_made` are made of base bars where there are any."""
        values: Floats = np.full((len(FIELDS), len(sessions)), np.nan)
        counts: Counts = np.ones(len(sessions), dtype=np.int32)
        if DAY in self._data.stored_intervals([symbol])[symbol]:
            values[:] = self._data.load_days([symbol], sessions, DAY)[:, 0]
        if self._plan.base.is_intraday:
            first = max(0, len(sessions) - most_made)
            for at, part in enumerate(self._made(sessions[first:], symbol, DAY), first):
                if _has_bar(part.bars):
                    values[:, at] = [getattr(part.bars, name)[0] for name in FIELDS]
                    counts[at] = part.bars.base_bars[0]
        present = np.flatnonzero(np.isfinite(values[CLOSE]))
        if not len(present):
            return ()
        labels: Ints = np.array([day_label(one.trading_day.toordinal()) for one in sessions], dtype=np.int64)
        kept = slice(int(present[0]), None)
        fields = dict(zip(FIELDS, (frozen(field[kept]) for field in values), strict=True))
        return (EarlierBars(Bars(frozen(labels[kept]), **fields, base_bars=frozen(counts[kept]))),)


def _bars(base: BarGrid, slots: SessionSlots, interval: Interval, min_completeness: float) -> Bars:
    """Return the only symbol's bars of a session, made of its base bars."""
    grid = made_bars(base, slots, interval, min_completeness)
    opened_at = slots.opened_at
    counts: Counts
    if isinstance(grid, DerivedGrid):
        opened_at, counts = opened_at[grid.buckets.starts], grid.base_bars[0]
    else:
        counts = grid.present[0].astype(np.int32)
    fields = dict(zip(FIELDS, (frozen(field) for field in grid.values[:, 0]), strict=True))
    return Bars(frozen(opened_at), **fields, base_bars=frozen(counts))


def _has_bar(bars: Bars) -> bool:
    return bool(np.isfinite(bars.close).any())
