"""Phase 2 of a session: from loaded bars and history to a tape that is ready to be played."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engine.clock.slots import SessionSlots
from engine.indicators.historical import daily_value, minute_value
from engine.intervals import MINUTE, Interval
from engine.quality.historical import HistoricalQuality
from engine.streams.stream_plan import StreamPlan, TrailingPlan
from engine.tape.historical_value import HistoricalValue, TrailingKind
from engine.tape.history import History, HistoryDay
from engine.tape.session_data import SessionData
from engine.tape.tape import Tape
from engine.threads.session_loader import LoadedSession


def build_tape(plan: StreamPlan, loaded: LoadedSession) -> Tape:
    """Return the tape of a loaded session, with empty grids for all that is to be derived."""
    return Tape.over(
        loaded.slots,
        plan.symbols,
        loaded.base,
        derived=plan.derived,
        measure_quality=plan.measure_quality,
    )


def set_historical_indicators(plan: StreamPlan, data: SessionData, position: int) -> None:
    """Compute the historical indicators of the session at `position` of those played."""
    for trailing in plan.history.trailing:
        data.set_historical_indicator(_historical_value(plan, data, trailing, position))


def _historical_value(
    plan: StreamPlan, data: SessionData, trailing: TrailingPlan, position: int
) -> HistoricalValue:
    definition = trailing.definition
    kind = TrailingKind(definition.type)
    sessions = [plan.history.sessions[at] for at in trailing.sessions[position]]
    symbols = len(plan.symbols)
    if definition.granularity == "daily":
        days = [session.trading_day for session in sessions]
        return daily_value(trailing.name, kind, definition.field, days, data.history.daily, symbols)
    kept = data.history.intraday.get(MINUTE)
    history = () if kept is None else kept.last(kept.common_depth)
    minutes = len(SessionSlots(data.require_tape().session, MINUTE))
    return minute_value(trailing.name, kind, definition.field, sessions, history, (symbols, minutes))


def set_historical_quality(plan: StreamPlan, data: SessionData, *, enabled: bool) -> None:
    """Score the history that the file asks for, per symbol and interval, before the session."""
    day = data.require_tape().session.trading_day
    for interval, depths in plan.history.asked.items():
        for depth in np.unique(depths[depths > 0]).tolist():
            days = data.history.days(interval, depth, day)
            expected = sum(held.grid.shape[1] for held in days)
            for row in np.flatnonzero(depths == depth).tolist():
                actual = sum(_bars_of(held, row) for held in days)
                quality = HistoricalQuality(actual, expected if enabled else None)
                data.set_historical_quality(plan.symbols[row], interval, quality)


def _bars_of(day: HistoryDay, row: int) -> int:
    own = day.row_of(row)
    return 0 if own is None else int(day.counts[own])


def roll_history(history: History, tape: Tape, companions: Mapping[Interval, HistoryDay]) -> None:
    """Add the session that is over to the history of every interval that is kept."""
    for interval, kept in history.intraday.items():
        day = companions.get(interval)
        kept.add(day or HistoryDay.of(tape.session, tape.opened_at(interval), tape.grid(interval)))
