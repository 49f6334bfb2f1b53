"""Plays a key script over a run: each line when the one before has had its effect. No waiting in here."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from threading import Event
from typing import Final

from console.key_script import Script, ScriptLine
from console.ui.moments import Here, read_moment
from console.ui.speeds import faster, slower
from engine.errors import ConfigError, ConfigProblem, TapedeckError
from engine.monitoring.status import RunState
from engine.system import SystemManager

log = logging.getLogger(__name__)

# Other names of what a line does, with its argument where it has none of its own.
_SAME_AS: Final = {
    "goto": ("run_to", ""),
    "breakpoint": ("break", ""),
    "minute_on": ("run_to", "+1m"),
    "hour_on": ("run_to", "+1h"),
    "day_on": ("run_to", "+1d"),
    "next_session": ("run_to", "next open"),
    "max_speed": ("speed", "max"),
}
Other = Callable[[ScriptLine], None]


class ScriptRun:
    """A script under way. `other` does the lines that are not the engine's: export, view, and the screen's.

    Asked again and again by whoever drives the run: a batch job, or the console at each frame.
    """

    def __init__(self, script: Script, system: SystemManager, other: Other) -> None:
        self._script = script
        self._system = system
        self._other = other
        self._left = deque(script.lines)
        self._taken: Event | None = None
        self.has_quit = False
        """Whether the script asked for the end."""

    def advance(self) -> bool:
        """Do the lines whose turn it is; return whether the script is over.

        Raises ConfigError where a line cannot be done, with its number.
        """
        while self._left and not self.has_quit:
            if not self._is_at_rest():
                return False
            line = self._left.popleft()
            log.info("script line %d: %s", line.number, line)
            try:
                self._do(line)
            except TapedeckError as error:
                problem = ConfigProblem(f"line {line.number}", str(line), str(error))
                raise ConfigError(self._script.source, [problem]) from error
        return self.has_quit or self._is_at_rest()

    def may_go_on(self) -> bool:
        """Whether `advance` would get further; cheap, for whoever waits for a change of the run."""
        return self._is_at_rest()

    def _is_at_rest(self) -> bool:
        """Whether what was told has been taken in, and the run stands, or is over."""
        state = self._system.state
        if state.is_over:
            return True
        if self._taken is not None and not self._taken.is_set():
            return False
        return state is RunState.PAUSED and self._system.snapshot().steps_left == 0

    def _do(self, line: ScriptLine) -> None:
        action, argument = _SAME_AS.get(line.action, (line.action, ""))
        argument = line.argument or argument
        system = self._system
        if action == "quit":
            self.has_quit = True
        elif action == "bookmark":
            system.add_bookmark(argument)
        elif action == "break":
            system.add_breakpoint(argument)
        elif action == "unbreak":
            system.remove_breakpoint(int(argument))
        elif action in ("speed", "faster", "slower"):
            system.set_speed(self._speed(action, argument))
        elif action in ("pause", "resume", "step", "run_to"):
            self._move(action, argument)
        else:
            self._other(line)
        if not system.state.is_over:
            self._taken = system.mark()

    def _move(self, action: str, argument: str) -> None:
        system = self._system
        if system.state.is_over:
            return
        if action == "pause":
            system.pause()
        elif action == "resume":
            system.resume()
        elif action == "step":
            system.step(int(argument or 1))
        else:
            session, now = system.session_data.require_tape().session, system.snapshot().clock
            system.run_to(read_moment(argument, Here(session, now or session.regular_open), system.time))

    def _speed(self, action: str, argument: str) -> float:
        now = self._system.snapshot().speed
        if action == "faster":
            return faster(now)
        if action == "slower":
            return slower(now)
        return 0.0 if argument == "max" else float(argument.lstrip("x"))
