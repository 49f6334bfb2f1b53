"""Runs for tests: play a session file to its end, and keep its records."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from tapedeck.engine.config import SessionConfig
from tapedeck.engine.read.status import RunState
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.session_record import SessionRecord

LIMIT_S = 60.0


class KeepRecords:
    """A sink that keeps every recorded session."""

    def __init__(self) -> None:
        self.records: list[SessionRecord] = []

    def write_session(self, record: SessionRecord, digest: str) -> None:
        """Keep one session."""
        self.records.append(record)


def until(condition: Callable[[], bool]) -> bool:
    """Wait until a condition is true that the run does not announce; return whether it is."""
    deadline, pause = time.monotonic() + LIMIT_S, threading.Event()
    while not condition() and time.monotonic() < deadline:
        pause.wait(0.002)
    return condition()


def play(
    config: SessionConfig, store: BarStore, drive: Callable[[SystemManager], None] | None = None
) -> SystemManager:
    """Play a run to its end, with commands from `drive`, and check that it completed."""
    system = SystemManager(config, store)
    try:
        system.start(paused=drive is not None)
        if drive is not None:
            drive(system)
        assert system.wait(LIMIT_S), "the run did not end"
    finally:
        system.stop(LIMIT_S)
    assert system.error is None, system.error
    assert system.state is RunState.COMPLETED
    return system


def at_frontier(system: SystemManager, session: int, frontier: int) -> Callable[[], bool]:
    """Return a condition: the run is paused at that frontier of that session (from 1)."""

    def reached() -> bool:
        now = system.snapshot()
        return (now.state, now.session, now.frontier, now.steps_left) == (
            RunState.PAUSED,
            session,
            frontier,
            0,
        )

    return reached


def play_recorded(config: SessionConfig, store: BarStore) -> KeepRecords:
    """Play a run to its end, and return its recorded sessions."""
    kept = KeepRecords()
    system = SystemManager(config, store, sinks=[kept])
    try:
        system.start()
        assert system.wait(LIMIT_S), "the run did not end"
    finally:
        system.stop(LIMIT_S)
    assert system.error is None, system.error
    return kept
