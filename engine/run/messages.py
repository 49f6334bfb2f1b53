"""What the coordinator's mailbox holds: commands from outside, and word from its workers."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Event

from tapedeck.engine.conditions import Condition


@dataclass(frozen=True, slots=True)
class Pause:
    """Stop at the present slot."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Play on."""


@dataclass(frozen=True, slots=True)
class Step:
    """Play so many slots, then pause."""

    slots: int


@dataclass(frozen=True, slots=True)
class SetSpeed:
    """Play at so many times real time from now on; 0 as fast as data allow."""

    speed: float


@dataclass(frozen=True, slots=True)
class RunTo:
    """Play on until the clock is at or past an instant (seconds UTC), then pause."""

    seconds: int


@dataclass(frozen=True, slots=True)
class AddBreakpoint:
    """Pause wherever a condition becomes true, from the next slot on."""

    number: int
    condition: Condition


@dataclass(frozen=True, slots=True)
class RemoveBreakpoint:
    """Take a breakpoint out."""

    number: int


@dataclass(frozen=True, slots=True)
class Mark:
    """Say when all that was told before has been taken in."""

    reached: Event


@dataclass(frozen=True, slots=True)
class Stop:
    """End the run in order."""


@dataclass(frozen=True, slots=True)
class Wake:
    """Something the coordinator may be waiting for has changed."""


@dataclass(frozen=True, slots=True)
class WorkerFailed:
    """A worker's thread has ended with an error."""

    worker: str
    error: Exception


Message = (
    Pause
    | Resume
    | Step
    | SetSpeed
    | RunTo
    | AddBreakpoint
    | RemoveBreakpoint
    | Mark
    | Stop
    | Wake
    | WorkerFailed
)
