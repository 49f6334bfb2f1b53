"""The tape's transport: how far play may go now, as the commands so far have it. No threads in here."""

from __future__ import annotations

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.errors import EngineError
from tapedeck.engine.run.messages import Pause, Resume, RunTo, SetSpeed, Step

Command = Pause | Resume | Step | SetSpeed | RunTo


class Transport:
    """Paused or not, steps still to play, a time to run to, and the speed. Owned by one thread.

    `speed`: times real time, 0 as fast as data allow. `revision` grows whenever pace has to be set anew.
    """

    __slots__ = ("paused", "revision", "run_to", "speed", "steps_left")

    def __init__(self, speed: float, *, paused: bool = False) -> None:
        self.speed = speed
        self.paused = paused
        self.steps_left = 0
        self.run_to: int | None = None
        self.revision = 0

    def apply(self, command: Command) -> None:
        """Take a command in."""
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
        """Stop where the session stands, at a breakpoint."""
        self._hold()
        self.revision += 1

    def _hold(self) -> None:
        self.paused, self.steps_left, self.run_to = True, 0, None

    @property
    def is_held(self) -> bool:
        """Whether nothing may be played until another command comes."""
        return self.paused and self.steps_left == 0

    @property
    def waits_for_clock(self) -> bool:
        """Whether slots fall due by the clock; steps are played at once."""
        return self.speed > 0 and not self.paused

    def limit(self, slots: SessionSlots, frontier: int) -> int:
        """Return the frontier up to which a session may be played now."""
        if self.paused:
            return min(len(slots), frontier + self.steps_left)
        if self.run_to is not None:
            return max(frontier, slots.frontier_reaching(self.run_to))
        return len(slots)

    def use_steps(self, slots: int) -> None:
        """Take note that slots were played: while paused, they were steps."""
        if self.paused:
            self.steps_left = max(0, self.steps_left - slots)

    def pause_if_reached(self, slots: SessionSlots, frontier: int) -> bool:
        """Pause if the time to run to is reached at this frontier; return whether that is so."""
        if self.run_to is None or slots.clock(frontier) < self.run_to:
            return False
        self.hold()
        return True


def checked_speed(speed: float) -> float:
    """Return a speed that can be played; EngineError for a negative or endless one."""
    if not 0 <= speed < float("inf"):
        raise EngineError(
            f"{speed} is no speed: give 0 (as fast as data allow) or times real time, such as 60"
        )
    return float(speed)
