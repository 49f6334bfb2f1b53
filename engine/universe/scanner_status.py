"""Status of a scanner: its state and last run, for any thread to read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class ScannerState(Enum):
    """What a scanner does at present."""

    NEW = "new"
    """Its first session has not begun."""
    SETUP = "setup"
    WAITING = "waiting"
    """It waits for its next run."""
    RUNNING = "running"
    DONE = "done"
    """It has no further run in this session."""
    OFF = "off"
    """It is off: for this session, as its setup failed, or to the end of the run, as a call overran."""
    ENDED = "ended"
    """The run has ended."""


@dataclass(frozen=True, slots=True)
class ScannerStatus:
    """One scanner of the run.

    `last_run`, `next_run`: instants of this session in exchange time, None without one; `last_frontier`: of
    the played tape; `seconds`: duration of the last run; `found`: symbols that it found. `runs`, `failures`,
    `skipped`: numbers over the whole run, a failure being a call that raised or overran. `error`: the last
    one, in one line.
    """

    name: str
    state: ScannerState
    last_run: datetime | None = None
    last_frontier: int | None = None
    seconds: float | None = None
    found: int = 0
    runs: int = 0
    failures: int = 0
    skipped: int = 0
    next_run: datetime | None = None
    error: str | None = None
