"""Plays sessions of a run once more, whole and in the caller's thread: for looking back at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

from tapedeck.engine.indicators.block_computer import BlockComputer
from tapedeck.engine.quality.gaps_and_scores import RunningScores
from tapedeck.engine.read.status import RunState
from tapedeck.engine.run.session_loader import SessionLoader
from tapedeck.engine.run.session_setup import put_in_place, roll_history
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.streams.stream_plan import StreamPlan
from tapedeck.engine.tape.session_data import SessionData
from tapedeck.engine.tape.session_record import SessionRecord


def recomputed_sessions(
    plan: StreamPlan,
    data: DataManager,
    first: date,
    last: date,
    *,
    historical_quality: bool,
    cancelled: Callable[[], bool],
) -> Iterator[SessionData]:
    """Give the sessions of a plan from one trading day to another, each played to its close.

    What a session holds depends on the store and the plan alone, not on how it is cut or when it is played:
    so these are the tapes of the run itself, unless the store has changed since, which their digest tells.
    Each is computed as it is asked for; the bars are read at once. It is the same object each time: history
    is that of before the session until the next one is asked for. `cancelled` is asked now and then, and may
    take its time to answer; where it says so, the session under way is given up, and nothing more comes.
    """
    days = [session.trading_day for session in plan.sessions]
    part = plan.part(range(days.index(first), days.index(last) + 1))
    loader, session_data = SessionLoader(part, data), SessionData()
    for symbol in part.symbols:
        session_data.register_symbol_data(symbol)
    session_data.history = loader.load_history()
    session_data.asked_history = part.history.asked
    for position, loaded in enumerate(loader.load(part.sessions)):
        put_in_place(part, session_data, loaded, position, scores_history=historical_quality)
        if not _compute(part, session_data, cancelled):
            return
        yield session_data
        tape = session_data.require_tape()
        session_data.clear_session_bars()
        roll_history(session_data.history, tape, loaded.companions)


def whole_record(session_data: SessionData) -> SessionRecord:
    """Return the record of a session in place that was played to its close."""
    tape = session_data.require_tape()
    return SessionRecord(tape, len(tape), RunState.COMPLETED.value, None)


def _compute(plan: StreamPlan, session_data: SessionData, cancelled: Callable[[], bool]) -> bool:
    """Write every part of the tape in place; return whether that was finished."""
    tape = session_data.require_tape()
    slots = len(tape)
    computer = BlockComputer(
        tape,
        plan.specs,
        session_data.history_before,
        min_completeness=plan.min_completeness,
        cancelled=cancelled,
    )
    if not computer.compute(0, slots):
        return False
    if tape.scores is not None:
        RunningScores(tape.scores).advance(tape.base.present, slots, full=tape.base.full is True)
    tape.processed = slots
    session_data.set_quality_metric(slots)
    tape.frontier = slots
    return True
