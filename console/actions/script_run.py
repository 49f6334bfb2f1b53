"""Plays a key script over a run: each line when the one before has had its effect. It never waits itself."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from threading import Event
from typing import Any, Protocol

from tapedeck.console.actions.executor import Executor
from tapedeck.console.actions.key_script import Script, ScriptLine
from tapedeck.console.actions.table import Action, Effect, action_of
from tapedeck.console.actions.time_expressions import Here
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.errors import ConfigError, ConfigProblem, EngineError, TapedeckError
from tapedeck.engine.read.status import RunState
from tapedeck.engine.system import SystemManager

log = logging.getLogger(__name__)


class Outlet(Protocol):
    """The output of a script, which goes to the screen or to a batch job's terminal."""

    def export(self, line: ScriptLine, form: str, path: str) -> None:
        """Write what was played."""
        ...

    def view(self, line: ScriptLine, panel: str, form: str) -> None:
        """Write a panel as data."""
        ...

    def do_on_screen(self, line: ScriptLine) -> None:
        """Do an action of the screen."""
        ...


Witness = Callable[[Effect, ScriptLine], AbstractContextManager[None]]


def _unrecorded(_effect: Effect, _line: ScriptLine) -> AbstractContextManager[None]:
    return nullcontext()


class ScriptedRun:
    """A run as the lines of a script drive it: straight to the engine, at the script's speed.

    It is a RunContext. `line`: the one that is being done.
    """

    past = None

    def __init__(self, system: SystemManager, outlet: Outlet) -> None:
        self.system = system
        self.line = ScriptLine(0, "")
        self.has_quit = False
        self._outlet = outlet

    def check_under_way(self) -> None:
        """Do nothing: moves are left out where the run is over."""

    async def settle(self) -> None:
        """Do nothing: the run stands whenever a line is done."""

    def here(self) -> Here:
        """Return the engine's moment."""
        now = self.system.snapshot().view
        if now is None:
            raise EngineError("no session is loaded yet")
        return Here(now.session, now.clock)

    async def pause(self) -> None:
        """Pause."""
        self.system.pause()

    def resume(self) -> None:
        """Play on."""
        self.system.resume()

    async def step(self, slots: int) -> None:
        """Play so many slots."""
        self.system.step(slots)

    def run_to(self, _session: TradingSession, clock: datetime) -> None:
        """Play to a moment of a session."""
        self.go_to(clock)

    def go_to(self, instant: datetime) -> None:
        """Play to an instant, unless the run stands there already."""
        if instant != self.here().clock:
            self.system.run_to(instant)

    @property
    def speed(self) -> float:
        """The speed that is asked for."""
        return self.system.snapshot().speed

    def set_speed(self, speed: float) -> None:
        """Play at a speed from now on."""
        self.system.set_speed(speed)

    def add_breakpoint(self, condition: str) -> None:
        """Pause where a condition becomes true."""
        self.system.add_breakpoint(condition)

    def remove_breakpoint(self, number: int) -> None:
        """Remove a breakpoint."""
        self.system.remove_breakpoint(number)

    async def bookmark(self, text: str) -> None:
        """Mark the engine's moment."""
        self.system.add_bookmark(text)

    def export(self, form: str, path: str) -> None:
        """Have what was played written."""
        self._outlet.export(self.line, form, path)

    def view(self, panel: str, form: str) -> None:
        """Have a panel written."""
        self._outlet.view(self.line, panel, form)

    async def quit(self) -> None:
        """End the script, and the run with it."""
        self.has_quit = True


class ScriptRun:
    """A script under way, driven by a batch job, or by the console at each frame.

    `is_busy`: whether output of a line is still being written. `witness` is around each line that has an
    effect on the run.
    """

    def __init__(
        self,
        script: Script,
        system: SystemManager,
        outlet: Outlet,
        *,
        is_busy: Callable[[], bool] = bool,
        witness: Witness = _unrecorded,
    ) -> None:
        self._script = script
        self._is_busy = is_busy
        self._system = system
        self._outlet = outlet
        self._witness = witness
        self._left = deque(script.lines)
        self._taken: Event | None = None
        self._run = ScriptedRun(system, outlet)
        self._executor = Executor(self._run)

    @property
    def has_quit(self) -> bool:
        """Whether the script asked for the end."""
        return self._run.has_quit

    def advance(self) -> bool:
        """Do the lines that are due; return whether the script is over.

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
        """Whether `advance` would get further; cheap, to be asked after each change of the run."""
        return self._is_at_rest()

    def _is_at_rest(self) -> bool:
        """Whether commands have been taken in and done, and the run stands, or is over."""
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
        action = action_of(line.action)
        if action is None:
            raise ConfigError(line.action, [ConfigProblem("action", line.action, "is unknown")])
        if action.needs_screen:
            self._outlet.do_on_screen(line)
        elif action.effect is Effect.NONE:
            self._act(action, line)
        else:
            with self._witness(action.effect, line):
                if not (action.effect.is_move and self._system.state.is_over):
                    self._act(action, line)
        if not self._system.state.is_over:
            self._taken = self._system.mark()

    def _act(self, action: Action, line: ScriptLine) -> None:
        self._run.line = line
        _finish(self._executor.do(action, line.argument))


def _finish(work: Coroutine[Any, Any, object]) -> None:
    """Do work that has nothing to wait for, as a run driven by a script stands whenever a line is done."""
    try:
        work.send(None)
    except StopIteration:
        return
    work.close()
    raise RuntimeError("an action of a script waited for something")
