"""What a run and its threads are doing, in words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class RunState(Enum):
    """Where a run stands; `completed` and `error` are final, as is `stopped` once it has run."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"
    COMPLETED = "completed"
    ERROR = "error"

    @property
    def is_over(self) -> bool:
        """Whether nothing of the run goes on."""
        return self in (RunState.STOPPED, RunState.COMPLETED, RunState.ERROR)


class WorkerState(Enum):
    """What a worker's thread does."""

    NEW = "new"
    IDLE = "idle"
    BUSY = "busy"
    FAILED = "failed"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """A worker as the thread table shows it."""

    name: str
    state: WorkerState
    blocks: int
    waiting: int
    overruns: int
    error: str | None
