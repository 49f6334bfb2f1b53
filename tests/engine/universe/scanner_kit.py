"""Scanners over a small universe, for tests: its session, a manager, and a wait for its thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.config import Scanner
from tapedeck.engine.metrics.performance import PerformanceMetrics
from tapedeck.engine.tape.pre_market import PreMarket
from tapedeck.engine.tape.scan_records import ScanRecord
from tapedeck.engine.universe.scanner_manager import ScannerManager
from tapedeck.engine.universe.universe_session import UniverseSession
from tests.support.tapes import random_values, slots_of, tape_over

DAY = "2024-03-13"
HEAD = "from tapedeck import Found, Scanner\n"
WAIT_S = 20.0


def universe(symbols: int = 5, *, day: str = DAY, seed: int = 7) -> UniverseSession:
    """Return a session of a universe S0, S1, … with random bars, without earlier days."""
    slots = slots_of(day)
    few = random_values(5, len(slots), seed=seed, missing=0.1)
    tape = tape_over(slots, few[:, np.arange(symbols) % 5])
    unknown = np.full(symbols, np.nan)
    return UniverseSession(tape, PreMarket.unknown(symbols), lambda frontier: unknown)


class Waiting:
    """Waits for the thread of scanners; `process` is called at each wait, before it."""

    def __init__(self, process: Callable[[], None] = lambda: None) -> None:
        self._woken = Event()
        self._process = process

    def wake(self) -> None:
        self._woken.set()

    def process_messages(self, timeout: float | None) -> None:
        self._process()
        self._woken.wait(WAIT_S if timeout is None else timeout)
        self._woken.clear()


class Scanning:
    """A manager with one session of a universe, whose methods wait."""

    def __init__(
        self, *scanners: Mapping[str, Any], folder: Path = Path(), waiting: Waiting | None = None
    ) -> None:
        self.waiting = Waiting() if waiting is None else waiting
        self.metrics = PerformanceMetrics()
        read = [Scanner.model_validate(one) for one in scanners]
        self.manager = ScannerManager(read, self.metrics, self.waiting.wake, folder=folder)
        self.slots: SessionSlots = slots_of(DAY)

    def begin(self, session: UniverseSession | None = None) -> tuple[ScanRecord, ...]:
        session = universe() if session is None else session
        self.slots = session.tape.slots
        return self.manager.begin_session(session, self.slots, self.waiting.process_messages)

    def run(self) -> list[ScanRecord]:
        """Run all that is due in the session, and end it."""
        records, frontier = [], self.manager.next_frontier(0)
        while frontier is not None:
            records += [record for _, record in self.manager.scan(frontier, self.waiting.process_messages)]
            frontier = self.manager.next_frontier(frontier)
        return [*records, *self.manager.end_session(self.waiting.process_messages)]

    def teardown(self) -> None:
        self.manager.teardown(self.waiting.process_messages)


def written(folder: Path, body: str, name: str = "mine.py") -> Path:
    """Write a module of a scanner class into a folder, and return the folder."""
    (folder / name).write_text(HEAD + body)
    return folder
