"""Runs a key script: each line starts when the one before is done. `advance` never blocks."""

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
from tapedeck.console.actions.symbol_changes import PendingChange, SymbolCommand
from tapedeck.console.actions.table import Action, Effect, action_of
from tapedeck.console.actions.time_expressions import ReferenceTime
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.errors import ConfigError, ConfigProblem, EngineError, TapedeckError
from tapedeck.engine.read.status import RunState
from tapedeck.engine.system import SystemManager

log = logging.getLogger(__name__)


class ScriptOutput(Protocol):
    """Output of a script: the screen, or a batch job's terminal."""

    def export(self, line: ScriptLine, form: str, path: str) -> None:
        """Export the run so far."""
        ...

    def view(self, line: ScriptLine, panel: str, form: str) -> None:
        """Write a panel as data."""
        ...

    def change_symbols(self, line: ScriptLine, command: SymbolCommand) -> PendingChange:
        """Begin to have a symbol join or leave."""
        ...

    def do_on_screen(self, line: ScriptLine) -> None:
        """Run an action of the screen."""
        ...


LineRecorder = Callable[[Effect, ScriptLine], AbstractContextManager[None]]


def _not_recorded(_effect: Effect, _line: ScriptLine) -> AbstractContextManager[None]:
    return nullcontext()


class ScriptedRun:
    """RunContext of a script: commands go straight to the engine.

    `line`: the current one. `pending`: the change of symbols that it, or a line before it, began; or None.
    """

    past = None

    def __init__(self, system: SystemManager, output: ScriptOutput) -> None:
        self.system = system
        self.line = ScriptLine(0, "")
        self.has_quit = False
        self.pending: PendingChange | None = None
        self._output = output

    def check_not_over(self) -> None:
        """Do nothing: a script's moves are skipped after the end of the run."""

    async def wait_for_moves(self) -> None:
        """Do nothing: the run is paused whenever a line starts."""

    def reference_time(self) -> ReferenceTime:
        """Return the engine's time."""
        now = self.system.snapshot().view
        if now is None:
            raise EngineError("no session is loaded yet")
        return ReferenceTime(now.session, now.clock)

    async def pause(self) -> None:
        """Pause."""
        self.system.pause()

    def resume(self) -> None:
        """Resume play."""
        self.system.resume()

    async def step(self, slots: int) -> None:
        """Play a number of slots."""
        self.system.step(slots)

    def run_to(self, _session: TradingSession, clock: datetime) -> None:
        """Play to a time of a session."""
        self._play_to(clock)

    async def go_to(self, instant: datetime) -> None:
        """Play to an instant; do nothing if it is the engine's time."""
        self._play_to(instant)

    def _play_to(self, instant: datetime) -> None:
        if instant != self.reference_time().clock:
            self.system.run_to(instant)

    @property
    def speed(self) -> float:
        """The requested speed."""
        return self.system.snapshot().speed

    def set_speed(self, speed: float) -> None:
        """Set the speed."""
        self.system.set_speed(speed)

    def add_breakpoint(self, condition: str) -> None:
        """Add a breakpoint."""
        self.system.add_breakpoint(condition, may_wait=True)

    def remove_breakpoint(self, number: int) -> None:
        """Remove a breakpoint."""
        self.system.remove_breakpoint(number)

    def change_symbols(self, command: SymbolCommand) -> None:
        """Begin to have a symbol join or leave; the next line waits for it."""
        self.pending = self._output.change_symbols(self.line, command)

    async def bookmark(self, text: str) -> None:
        """Add a bookmark at the engine's time."""
        self.system.add_bookmark(text)

    def export(self, form: str, path: str) -> None:
        """Export the run so far."""
        self._output.export(self.line, form, path)

    def view(self, panel: str, form: str) -> None:
        """Write a panel as data."""
        self._output.view(self.line, panel, form)

    async def quit(self) -> None:
        """End the script and the run."""
        self.has_quit = True


class ScriptRun:
    """A script in progress, advanced by a batch job, or by the console at each frame.

    `is_busy`: whether output of a line is still being written. `record_line`: context of each line that has
    an effect on the run.
    """

    def __init__(
        self,
        script: Script,
        system: SystemManager,
        output: ScriptOutput,
        *,
        is_busy: Callable[[], bool] = bool,
        record_line: LineRecorder = _not_recorded,
    ) -> None:
        self._script = script
        self._is_busy = is_busy
        self._system = system
        self._output = output
        self._record_line = record_line
        self._remaining = deque(script.lines)
        self._handled: Event | None = None
        self._run = ScriptedRun(system, output)
        self._executor = Executor(self._run)

    @property
    def has_quit(self) -> bool:
        """Whether the script has reached `quit`."""
        return self._run.has_quit

    def advance(self) -> bool:
        """Run the lines that are due; return whether the script is over.

        Raises ConfigError with the number of a line that fails.
        """
        while self._remaining and not self.has_quit:
            if not self._is_ready():
                return False
            self._check_change()
            line = self._remaining.popleft()
            log.info("script line %d: %s", line.number, line)
            try:
                self._do(line)
            except TapedeckError as error:
                raise self._failure(line, error) from error
        if not self.has_quit and not self._is_ready():
            return False
        self._check_change()
        return True

    def _check_change(self) -> None:
        """Raise the error of a change of symbols that the line before began."""
        pending, self._run.pending = self._run.pending, None
        try:
            if pending is not None:
                pending.result()
        except TapedeckError as error:
            raise self._failure(self._run.line, error) from error

    def _failure(self, line: ScriptLine, error: TapedeckError) -> ConfigError:
        return ConfigError(self._script.source, [ConfigProblem(f"line {line.number}", str(line), str(error))])

    def can_advance(self) -> bool:
        """Whether `advance` would run a line; cheap enough for each change of the run."""
        return self._is_ready()

    def _is_ready(self) -> bool:
        """Whether all commands are done, and the run is paused or over."""
        if self._is_busy() or (self._run.pending is not None and not self._run.pending.done()):
            return False
        # Before the state: one that is read earlier may be of the time before the last command.
        is_handled = self._handled is None or self._handled.is_set()
        state, snapshot = self._system.state, self._system.snapshot()
        if snapshot.version == 0:  # not started; its state would read as over
            return False
        if state.is_over:
            return True
        return is_handled and state is RunState.PAUSED and snapshot.steps_left == 0

    def _do(self, line: ScriptLine) -> None:
        action = action_of(line.action)
        if action is None:
            raise ConfigError(line.action, [ConfigProblem("action", line.action, "is unknown")])
        if action.needs_screen:
            self._output.do_on_screen(line)
        elif action.effect is Effect.NONE:
            self._act(action, line)
        else:
            with self._record_line(action.effect, line):
                if not (action.effect.is_move and self._system.state.is_over):
                    self._act(action, line)
        if not self._system.state.is_over:
            self._handled = self._system.mark()

    def _act(self, action: Action, line: ScriptLine) -> None:
        self._run.line = line
        _complete(self._executor.do(action, line.argument))


def _complete(work: Coroutine[Any, Any, object]) -> None:
    """Run a coroutine that never waits: the run of a script is paused whenever a line starts."""
    try:
        work.send(None)
    except StopIteration:
        return
    work.close()
    raise RuntimeError("an action of a script waited")
