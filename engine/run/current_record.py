"""Current record: the current session as far as it was played, for exports while a run plays."""

from __future__ import annotations

from tapedeck.engine.read.status import RunState
from tapedeck.engine.run.session_coordinator import SessionCoordinator
from tapedeck.engine.run.session_recorder import RECORDING_S
from tapedeck.engine.tape.session_data import SessionData
from tapedeck.engine.tape.session_record import SessionRecord


def current_record(session_data: SessionData, coordinator: SessionCoordinator) -> SessionRecord | None:
    """Return the current session up to the frontier that all workers have computed, or None.

    It has all symbols that were in the session so far, also those that left.
    Waits for the quality manager, for which play does not wait; in a paused run that makes it complete.
    """
    tape = session_data.tape
    if tape is None:
        return None
    coordinator.quality.wait_until_ready(RECORDING_S)
    state = coordinator.state if coordinator.state.is_over else RunState.STOPPED
    error = None if coordinator.error is None else str(coordinator.error)
    scans = coordinator.scans.days.get(tape.session.trading_day, ())
    return SessionRecord(tape.whole(), tape.computed_frontier(), state.value, error, scans)
