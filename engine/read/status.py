"""States of a run and of its worker threads."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class RunState(Enum):
    """State of a run; `completed` and `error` are final, as is `stopped` after a start."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"
    COMPLETED = "completed"
    ERROR = "error"

    @property
    def is_over(self) -> bool:
        """Whether the run has no active part."""
        return self in (RunState.STOPPED, RunState.COMPLETED, RunState.ERROR)


class WorkerState(Enum):
    """State of a worker's thread."""

    NEW = "new"
    IDLE = "idle"
    BUSY = "busy"
    FAILED = "failed"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """One worker's row of the thread table."""

    name: str
    state: WorkerState
    blocks: int
    waiting: int
    overruns: int
    error: str | None
