"""Transport: how far a session may be played now, after the commands so far. Plain state, no threads."""

from __future__ import annotations

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.errors import EngineError
from tapedeck.engine.run.messages import Pause, Resume, RunTo, SetSpeed, Step

Command = Pause | Resume | Step | SetSpeed | RunTo


class Transport:
    """Pause state, remaining steps, time to run to, and speed. Owned by one thread.

    `speed`: multiple of real time, 0 for maximum speed. `revision` increases when the pace must be reset.
    """

    __slots__ = ("paused", "revision", "run_to", "speed", "steps_left")

    def __init__(self, speed: float, *, paused: bool = False) -> None:
        self.speed = speed
        self.paused = paused
        self.steps_left = 0
        self.run_to: int | None = None
        self.revision = 0

    def apply(self, command: Command) -> None:
        """Apply a command."""
        match command:
            case Pause():
                self._hold()
            case Resume():
                self.paused, self.steps_left, self.run_to = False, 0, None
            case Step(slots):
                self.paused, self.run_to = True, None
                self.steps_left += slots
            case RunTo(seconds):
                self.paused, self.steps_left, self.run_to = False, 0, seconds
            case SetSpeed(speed):
                self.speed = speed
        self.revision += 1

    def hold(self) -> None:
        """Pause at the current slot, for a breakpoint or a time reached."""
        self._hold()
        self.revision += 1

    def _hold(self) -> None:
        self.paused, self.steps_left, self.run_to = True, 0, None

    @property
    def is_held(self) -> bool:
        """Whether play waits for the next command."""
        return self.paused and self.steps_left == 0

    @property
    def waits_for_clock(self) -> bool:
        """Whether slots are revealed by the clock; steps are played at once."""
        return self.speed > 0 and not self.paused

    def limit(self, slots: SessionSlots, frontier: int) -> int:
        """Return the frontier up to which a session may be played now."""
        if self.paused:
            return min(len(slots), frontier + self.steps_left)
        if self.run_to is not None:
            return max(frontier, slots.frontier_reaching(self.run_to))
        return len(slots)

    def use_steps(self, slots: int) -> None:
        """Subtract played slots from the remaining steps, while paused."""
        if self.paused:
            self.steps_left = max(0, self.steps_left - slots)

    def pause_if_reached(self, slots: SessionSlots, frontier: int) -> bool:
        """Pause if this frontier reaches the time to run to; return whether it does."""
        if self.run_to is None or slots.clock(frontier) < self.run_to:
            return False
        self.hold()
        return True


def checked_speed(speed: float) -> float:
    """Return a valid speed; EngineError if it is negative or infinite."""
    if not 0 <= speed < float("inf"):
        raise EngineError(
            f"invalid speed {speed:g}: use 0 (maximum speed) or a multiple of real time, such as 60"
        )
    return float(speed)
