"""The states of a run."""

from __future__ import annotations

from enum import Enum


class RunState(Enum):
    """Where a run stands; the last three are final, as is `stopped` once it has run."""

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
