"""Plays a key script over a run: each line when the one before has had its effect. No waiting in here."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from threading import Event
from typing import Final

from tapedeck.console.actions.key_script import Script, ScriptLine
from tapedeck.console.actions.speeds import faster, read_speed, slower
from tapedeck.console.actions.time_expressions import Here, read_moment, same_time, session_after, slots_of
from tapedeck.engine.errors import ConfigError, ConfigProblem, EngineError, TapedeckError
from tapedeck.engine.read.status import RunState
from tapedeck.engine.system import SystemManager

log = logging.getLogger(__name__)

# Other names of what a line does, with its argument where it has none of its own.
_SAME_AS: Final = {
    "goto": ("run_to", ""),
    "breakpoint": ("break", ""),
    "max_speed": ("speed", "max"),
}
_LENGTHS_S: Final = {"minute_on": 60, "hour_on": 3600}
_MOVES: Final = ("pause", "resume", "step", "run_to", "day_on", "next_session", *_LENGTHS_S)
_SPEEDS: Final = ("speed", "faster", "slower")
_COMMANDS: Final = frozenset({*_MOVES, *_SPEEDS, "bookmark", "break", "unbreak"})
Other = Callable[[ScriptLine], None]
Witness = Callable[[str, str], AbstractContextManager[None]]


def _unseen(_action: str, _argument: str) -> AbstractContextManager[None]:
    return nullcontext()


class ScriptRun:
    """A script under way. `other` does the lines that are not the engine's: export, view, and the screen's.

    Asked again and again by whoever drives the run: a batch job, or the console at each frame. `is_busy`:
    whether what `other` was told is still being done. `witness` is around each line that is the engine's.
    """

    def __init__(
        self,
        script: Script,
        system: SystemManager,
        other: Other,
        *,
        is_busy: Callable[[], bool] = bool,
        witness: Witness = _unseen,
    ) -> None:
        self._script = script
        self._is_busy = is_busy
        self._system = system
        self._other = other
        self._witness = witness
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
        """Whether what was told has been taken in and done, and the run stands, or is over."""
        if self._is_busy():
            return False
        state, snapshot = self._system.state, self._system.snapshot()
        if snapshot.version == 0:  # not under way yet, which looks as if it were over
            return False
        if state.is_over:
            return True
        if self._taken is not None and not self._taken.is_set():
            return False
        return state is RunState.PAUSED and snapshot.steps_left == 0

    def _do(self, line: ScriptLine) -> None:
        action, argument = _SAME_AS.get(line.action, (line.action, ""))
        argument = line.argument or argument
        if action == "quit":
            self.has_quit = True
        elif action in _COMMANDS:
            with self._witness(action, argument):
                self._command(action, argument)
        elif action == "export":
            form, _, path = argument.partition(" ")
            self._other(ScriptLine(line.number, f"export_{form}", path.strip()))
        else:
            self._other(line)
        if not self._system.state.is_over:
            self._taken = self._system.mark()

    def _command(self, action: str, argument: str) -> None:
        system = self._system
        if action == "bookmark":
            system.add_bookmark(argument)
        elif action == "break":
            system.add_breakpoint(argument)
        elif action == "unbreak":
            system.remove_breakpoint(int(argument))
        elif action in _SPEEDS:
            system.set_speed(self._speed(action, argument))
        else:
            self._move(action, argument)

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
        elif action in _LENGTHS_S:
            system.step(slots_of(_LENGTHS_S[action], system.prepare().base))
        else:
            self._run_to(action, argument)

    def _run_to(self, action: str, argument: str) -> None:
        system = self._system
        now = system.snapshot().view
        if now is None:
            raise EngineError("no session is loaded")
        session, here = now.session, Here(now.session, now.clock)
        if action == "run_to":
            instant = read_moment(argument, here, system.time)
        else:
            following = session_after(system.prepare().sessions, session.trading_day)
            instant = following.regular_open if action == "next_session" else same_time(following, here)
        if instant != here.clock:  # else it stands there already
            system.run_to(instant)

    def _speed(self, action: str, argument: str) -> float:
        now = self._system.snapshot().speed
        if action == "faster":
            return faster(now)
        if action == "slower":
            return slower(now)
        return read_speed(argument)
