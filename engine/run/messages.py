"""Messages to the coordinator: user commands, and notifications from workers."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Event

from tapedeck.engine.conditions import Condition
from tapedeck.engine.feeds.feed_connection import FeedReport
from tapedeck.engine.feeds.history_request import HistoryAnswer
from tapedeck.engine.feeds.recorder_messages import Arrived, QuotesArrived
from tapedeck.engine.run.symbol_requests import SymbolRequest


@dataclass(frozen=True, slots=True)
class Pause:
    """Pause at the current slot."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Continue to play."""


@dataclass(frozen=True, slots=True)
class Step:
    """Play a number of slots, then pause."""

    slots: int


@dataclass(frozen=True, slots=True)
class SetSpeed:
    """Change the speed: a multiple of real time, or 0 for maximum speed."""

    speed: float


@dataclass(frozen=True, slots=True)
class RunTo:
    """Play until the clock is at or past an instant (seconds UTC), then pause."""

    seconds: int


@dataclass(frozen=True, slots=True)
class RunUntil:
    """Play until a condition becomes true, then pause."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class AddBreakpoint:
    """Pause when a condition becomes true, from the next slot on; `enabled`: once it is switched on."""

    number: int
    condition: Condition
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class EnableBreakpoint:
    """Switch a breakpoint on, from the next slot on, or off."""

    number: int
    enabled: bool


@dataclass(frozen=True, slots=True)
class RemoveBreakpoint:
    """Delete a breakpoint."""

    number: int


@dataclass(frozen=True, slots=True)
class Mark:
    """Set an event once all messages sent before have been handled."""

    reached: Event


@dataclass(frozen=True, slots=True)
class Stop:
    """End the run cleanly."""


@dataclass(frozen=True, slots=True)
class Wake:
    """Wake the coordinator: a worker or a load has finished."""


@dataclass(frozen=True, slots=True)
class WorkerFailed:
    """A worker's thread has ended with an error."""

    worker: str
    error: Exception


@dataclass(frozen=True, slots=True)
class LiveReport:
    """A report of the connection to a feed."""

    report: FeedReport


@dataclass(frozen=True, slots=True)
class AnswerRecorded:
    """The bars of an answer, or others that the recorder was asked for (None), were sent before this."""

    answer: HistoryAnswer | None


Message = (
    Pause
    | Resume
    | Step
    | SetSpeed
    | RunTo
    | RunUntil
    | AddBreakpoint
    | EnableBreakpoint
    | RemoveBreakpoint
    | SymbolRequest
    | Mark
    | Stop
    | Wake
    | WorkerFailed
    | Arrived
    | QuotesArrived
    | LiveReport
    | AnswerRecorded
)
