"""Session recompute: plays earlier sessions of a run again, whole, in the caller's thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

from tapedeck.engine.indicators.block_computer import BlockComputer
from tapedeck.engine.quality.gaps_and_scores import RunningScores
from tapedeck.engine.read.status import RunState
from tapedeck.engine.run.session_loader import SessionLoader
from tapedeck.engine.run.session_setup import extend_history, install_session
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.streams.stream_plan import StreamPlan
from tapedeck.engine.tape.earlier_values import EarlierValues
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
    earlier: Callable[[date], EarlierValues],
    complete: Callable[[SessionData], None] = lambda session_data: None,
) -> Iterator[SessionData]:
    """Yield the sessions of a plan from `first` to `last`, each played to its close.

    A session depends on the store and the plan alone, not on how or when it is played. So these tapes equal
    those of the run, unless the store has changed since; the digest shows that. All bars are read at once,
    each session is computed when it is requested. The same SessionData object is yielded each time: its
    history precedes that session until the next one is requested. `cancelled` is polled during the
    computation, and may block for a moment; when it returns True the iterator ends without that session.
    `earlier` returns the values of the sessions before a day, for conditions. `complete` is called with each
    session once its file's symbols are computed: it adds those that joined (`put_others`).
    """
    days = [session.trading_day for session in plan.sessions]
    part = plan.part(range(days.index(first), days.index(last) + 1))
    loader, session_data = SessionLoader(part, data), SessionData()
    for symbol in part.symbols:
        session_data.register_symbol_data(symbol)
    session_data.history = loader.load_history()
    session_data.requested_history = part.history.requested
    for position, loaded in enumerate(loader.load(part.sessions)):
        before = earlier(loaded.slots.session.trading_day)
        install_session(
            part, session_data, loaded, position, scores_history=historical_quality, earlier=before
        )
        if not _compute(part, session_data, cancelled):
            return
        tape = session_data.require_tape()
        complete(session_data)
        yield session_data
        session_data.clear_session_bars()
        session_data.restore_symbols(part.symbols)
        extend_history(session_data.history, tape, loaded.companions)


def complete_record(session_data: SessionData) -> SessionRecord:
    """Return the record of the current session, played to its close."""
    tape = session_data.require_tape()
    return SessionRecord(tape, len(tape), RunState.COMPLETED.value, None)


def _compute(plan: StreamPlan, session_data: SessionData, cancelled: Callable[[], bool]) -> bool:
    """Compute every part of the current tape; return False if cancelled."""
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
        base = tape.base
        RunningScores(tape.scores).advance(
            base.present, slots, empty=base.confirmed_empty, full=base.full is True
        )
    tape.processed = slots
    session_data.set_quality_metric(slots)
    tape.frontier = slots
    return True
