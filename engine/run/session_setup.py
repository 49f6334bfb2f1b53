"""Session setup (phase 2): makes a tape ready to play from loaded bars and history."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.indicators.historical import daily_value, minute_value
from tapedeck.engine.intervals import MINUTE, Interval
from tapedeck.engine.quality.gaps_and_scores import HistoricalQuality
from tapedeck.engine.run.session_loader import LoadedSession
from tapedeck.engine.streams.stream_plan import StreamPlan, TrailingPlan
from tapedeck.engine.tape.earlier_values import EarlierValues
from tapedeck.engine.tape.historical_value import HistoricalValue, TrailingKind
from tapedeck.engine.tape.history import History, HistoryDay
from tapedeck.engine.tape.kept_history import kept_history
from tapedeck.engine.tape.session_data import SessionData
from tapedeck.engine.tape.tape import Tape


def install_session(
    plan: StreamPlan,
    data: SessionData,
    loaded: LoadedSession,
    position: int,
    *,
    scores_history: bool,
    earlier: EarlierValues,
) -> None:
    """Make a loaded session, the one at `position` of those played, the current session of `data`.

    `earlier`: values of the sessions before it, for conditions. The tape is set last, so that readers see it
    complete, with historical indicators, history and quality.
    """
    tape = build_tape(plan, loaded)
    for trailing in plan.history.trailing:
        tape.set_historical_indicator(_historical_value(plan, data.history, trailing, position, tape.session))
    tape.earlier = earlier
    tape.kept_history = kept_history(data.history, plan.history.requested, tape.session.trading_day)
    tape.historical_quality = _historical_quality(plan, data.history, tape, is_scored=scores_history)
    data.load_tape(tape)


def build_tape(plan: StreamPlan, loaded: LoadedSession) -> Tape:
    """Return the tape of a loaded session, with empty grids for derived bars."""
    tape = Tape.over(
        loaded.slots,
        plan.symbols,
        loaded.base,
        derived=plan.derived,
        measure_quality=plan.measure_quality,
        quotes=loaded.quotes,
    )
    tape.prior_close = loaded.prior_close
    return tape


def complete_tape(plan: StreamPlan, loaded: LoadedSession) -> Tape:
    """Return a loaded session's tape of the file's symbols with its derived bars, and nothing else computed.

    Its history continues with it after a session whose tape had other rows.
    """
    tape = build_tape(plan, loaded)
    for grid in tape.derived.values():
        grid.derive(tape.base, 0, grid.shape[1], plan.min_completeness)
    return tape


def _historical_value(
    plan: StreamPlan, history: History, trailing: TrailingPlan, position: int, session: TradingSession
) -> HistoricalValue:
    definition = trailing.definition
    kind = TrailingKind(definition.type)
    sessions = [plan.history.sessions[at] for at in trailing.sessions[position]]
    symbols = len(plan.symbols)
    if definition.granularity == "daily":
        days = [session.trading_day for session in sessions]
        return daily_value(trailing.name, kind, definition.field, days, history.daily, symbols)
    kept = history.intraday.get(MINUTE)
    held = () if kept is None else kept.last(kept.common_depth)
    minutes = len(SessionSlots(session, MINUTE))
    return minute_value(trailing.name, kind, definition.field, sessions, held, (symbols, minutes))


def _historical_quality(
    plan: StreamPlan, history: History, tape: Tape, *, is_scored: bool
) -> dict[tuple[str, Interval], HistoricalQuality]:
    """Score the history requested by the session file, per symbol and interval."""
    found = {}
    for interval, depths in plan.history.requested.items():
        for depth in np.unique(depths[depths > 0]).tolist():
            days = history.days(interval, depth, tape.session.trading_day)
            for row in np.flatnonzero(depths == depth).tolist():
                actual = sum(_bars_of(held, row) for held in days)
                expected = sum(_expected_of(held, row) for held in days)
                quality = HistoricalQuality(actual, expected if is_scored else None)
                found[plan.symbols[row], interval] = quality
    return found


def _bars_of(day: HistoryDay, row: int) -> int:
    own = day.row_of(row)
    return 0 if own is None else int(day.counts[own])


def _expected_of(day: HistoryDay, row: int) -> int:
    own = day.row_of(row)
    return day.grid.shape[1] if own is None else day.expected(own)


def extend_history(history: History, tape: Tape, companions: Mapping[Interval, HistoryDay]) -> None:
    """Add a session that has ended to the history of every interval."""
    for interval, kept in history.intraday.items():
        day = companions.get(interval)
        if day is None:
            opened_at, empty = tape.opened_at(interval), tape.empty_columns(interval)
            day = HistoryDay.of(tape.session, opened_at, tape.grid(interval), empty)
        kept.add(day)
