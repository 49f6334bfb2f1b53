"""Recording of actions as lines of a key script, which reaches the same slots again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Event
from typing import Final

from tapedeck.console.actions.key_script import ScriptLine
from tapedeck.console.actions.table import Effect, action_of
from tapedeck.console.actions.time_expressions import time_expression
from tapedeck.console.app.playback import Playback
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.errors import EngineError
from tapedeck.engine.read.status import RunState
from tapedeck.engine.system import SystemManager

Line = tuple[str, str]
_WAIT_LIMIT_S: Final = 2.0
_CHANGE: Final = ("", "change of symbols")
"""Place of a change of symbols in progress, among the lines."""


class Recording:
    """Lists moves of the run, and settings made at a time.

    A script starts each line after the end of the one before; a user does not wait. So a move without a known
    end is written as the time it reached.
    """

    def __init__(self, playback: Playback, *, begins_paused: bool) -> None:
        self._playback = playback
        self.begin_run(begins_paused=begins_paused)

    def begin_run(self, *, begins_paused: bool) -> None:
        """Record a run from its start on. `begins_paused`: whether it is paused at its first open."""
        self._begins_paused = begins_paused
        self._action = ""
        self._lines: list[Line] = []
        self._breaks_written = 0
        self._script_numbers: dict[int, int] = {}  # of breakpoints, in the replay
        # Breakpoints of the command line and kept ones: a saved script is complete without them.
        for known in self._system.breakpoints():
            if known.enabled:
                self._lines.append(self._break_line(known.number, known.text))
        self._moves: list[Line] = []  # the last lines that move the run, until their end is known
        self._is_open_ended = False  # whether they have no known end, unlike steps
        self._handled: Event | None = None
        self._has_begun = False
        self._change_from: datetime | None = None  # where a change of symbols began, if the engine stood

    @property
    def _system(self) -> SystemManager:
        return self._playback.system

    # Actions of the table

    @property
    def recorded(self) -> tuple[Line, ...]:
        """The lines so far: word and argument."""
        return tuple(self._lines)

    def begin_action(self, action_id: str) -> None:
        """Note the start of an action."""
        self._action = action_id

    def end_action(self, argument: str) -> None:
        """Write the action, unless it was omitted."""
        if self._action:
            self._lines.append((self._action, argument))

    def omit_action(self) -> None:
        """Omit the current action: under its own name it would play differently."""
        self._action = ""

    # Calls of handlers, before they send commands to the engine

    async def record_steps(self, slots: int) -> None:
        """Write a number of steps; pause the engine before, if it plays."""
        self._finish_moves()
        if self._is_open_ended:
            await self.pause_engine()
        self._move("step", str(slots))

    def record_resume(self) -> None:
        """Write that the engine resumes."""
        self._finish_moves()
        self._move("resume", is_open_ended=True)

    def record_run_to(self, words: str) -> None:
        """Write that the engine plays to a time, in place of unfinished moves."""
        self._finish_moves()
        self._lines[:] = self._lines_without_moves()
        self._moves = []
        self._move("run_to", words, is_open_ended=True)

    def record_at_present(self, word: str, argument: str) -> None:
        """Write a setting, after the time reached so far; unfinished moves continue after it."""
        self._finish_moves()
        moves, is_open_ended = self._moves, self._is_open_ended
        if is_open_ended:
            self._write_time()
        self._lines.append((word, argument))
        if is_open_ended:
            self._lines.extend(moves)
            self._moves, self._is_open_ended = moves, True
        self.omit_action()

    def record_break(self, number: int, text: str) -> None:
        """Write that a breakpoint was set or switched on."""
        self.record_at_present(*self._break_line(number, text))

    def record_unbreak(self, number: int) -> None:
        """Write that a breakpoint was deleted or switched off, unless it was off before."""
        if number in self._script_numbers:
            self.record_at_present(*self._unbreak_line(number))
        else:
            self.omit_action()

    def begin_change(self) -> None:
        """Keep the place of a change of symbols, until it is known when it took effect."""
        self._finish_moves()
        self._lines[:] = [*self._lines_without_moves(), _CHANGE, *self._moves]
        present = self._playback.present()
        self._change_from = present.clock if present is not None and self._is_at_rest() else None

    def end_change(self, word: str, argument: str, session: TradingSession, clock: datetime) -> None:
        """Write a change of symbols that took effect at a time of a session.

        Moves begun before or meanwhile are written as the time reached since, or as play that goes on.
        """
        at = self._lines.index(_CHANGE)
        before, since = self._lines[:at], self._lines[at + 1 :]
        reached = self._playback.present()
        is_at_rest = self._is_at_rest() and not self._system.state.is_over
        # Where the engine stood at the beginning, the lines before reach that time by themselves.
        moves = [] if clock == self._change_from else [("run_to", time_expression(session, clock))]
        others = [line for line in since if not _is_move(line)]
        self._lines[:] = [*before, *moves, (word, argument), *others]
        self._moves, self._is_open_ended = [], False
        if not is_at_rest:
            self._add_move("resume", "", is_open_ended=True)
        elif reached is not None and reached.clock != clock:
            self._lines.append(("run_to", time_expression(reached.played.session, reached.clock)))

    def cancel_change(self) -> None:
        """Remove the place of a change of symbols that was refused."""
        self._lines.remove(_CHANGE)

    @contextmanager
    def undo_if_refused(self) -> Iterator[None]:
        """Remove the lines written in this context if the engine refuses the command."""
        done, moves, is_open_ended = list(self._lines), list(self._moves), self._is_open_ended
        try:
            yield
        except EngineError:
            self._lines[:], self._moves, self._is_open_ended = done, moves, is_open_ended
            raise

    @contextmanager
    def record_script_line(self, effect: Effect, line: ScriptLine) -> Iterator[None]:
        """Write a line of a script if it succeeds; the engine is paused before it."""
        self._has_begun = True  # at the first open, paused
        self._finish_moves()
        yield
        if effect in (Effect.STEPS, Effect.PLAYS):
            # A key may have started a move without a known end.
            is_open_ended = self._is_open_ended or effect is Effect.PLAYS
            self._add_move(line.action, line.argument, is_open_ended=is_open_ended)
        elif effect is Effect.CHANGES_SYMBOLS:
            return  # written once it has taken effect
        elif effect is not Effect.STOPS:  # the engine is paused already
            self._lines.append(self._setting_line(line))
        if not self._system.state.is_over:
            self.note_sent()

    def note_sent(self) -> None:
        """Note that the last line was sent to the engine."""
        self._handled = self._system.mark()

    async def pause_engine(self) -> None:
        """Pause the engine if it plays, and write the time."""
        self._finish_moves()
        if not self._is_at_rest():
            self._system.pause()
            await self._wait_until_handled()
            if not self._system.state.is_over:
                self._write_time()

    def lines(self) -> tuple[Line, ...]:
        """Return the lines up to the engine's time."""
        self._finish_moves()
        lines = (
            self._lines_with_time() if self._is_open_ended and not self._system.state.is_over else self._lines
        )
        return tuple(line for line in lines if line[0])

    # Within

    def _setting_line(self, line: ScriptLine) -> Line:
        """Return a script's setting as its replay needs it: breakpoints by their numbers there."""
        action = action_of(line.action)
        if action is not None and action.id == "breakpoint":
            return self._break_line(self._system.breakpoints()[-1].number, line.argument)
        if action is not None and action.id == "unbreak":
            return self._unbreak_line(int(line.argument))
        return line.action, line.argument

    def _break_line(self, number: int, text: str) -> Line:
        self._breaks_written += 1
        self._script_numbers[number] = self._breaks_written
        return "break", text

    def _unbreak_line(self, number: int) -> Line:
        return "unbreak", str(self._script_numbers.pop(number, number))

    def _finish_moves(self) -> None:
        """Write the time reached by the moves so far, if the engine is paused."""
        if not self._has_begun:
            self._has_begun = True
            if not self._begins_paused:  # as a script does
                self._move("resume", is_open_ended=True)
        if not self._is_at_rest() or self._system.state.is_over:
            return
        # Breakpoints cut steps short; the replay may not have them.
        if self._is_open_ended or (self._moves and self._system.breakpoints()):
            self._write_time()
        self._moves, self._is_open_ended = [], False

    def _move(self, word: str, argument: str = "", *, is_open_ended: bool = False) -> None:
        self._add_move(word, argument, is_open_ended=is_open_ended)
        self.omit_action()

    def _add_move(self, word: str, argument: str, *, is_open_ended: bool) -> None:
        self._lines.append((word, argument))
        self._moves.append((word, argument))
        self._is_open_ended = is_open_ended

    def _is_at_rest(self) -> bool:
        """Whether the engine is paused and has handled all commands."""
        if self._system.state.is_over:
            return True
        if self._handled is not None and not self._handled.is_set():
            return False
        return self._system.state is RunState.PAUSED and self._system.snapshot().steps_left == 0

    async def _wait_until_handled(self) -> None:
        handled = self._handled = self._system.mark()

        def is_handled() -> bool:
            # While a session is being set up, a pause takes effect at its open.
            is_loaded = self._system.session_data.played() is not None
            return self._system.state.is_over or (handled.is_set() and is_loaded)

        await asyncio.to_thread(self._system.wait_for, is_handled, _WAIT_LIMIT_S)

    def _write_time(self) -> None:
        self._lines[:] = self._lines_with_time()
        self._moves, self._is_open_ended = [], False

    def _lines_with_time(self) -> list[Line]:
        """Return the lines, with the reached time in place of the moves to it."""
        position, kept = self._playback.present(), self._lines_without_moves()
        if position is None:  # before the first session
            return kept
        return [*kept, ("run_to", time_expression(position.played.session, position.clock))]

    def _lines_without_moves(self) -> list[Line]:
        kept = list(self._lines)
        for line in self._moves:
            del kept[len(kept) - 1 - kept[::-1].index(line)]
        return kept


def _is_move(line: Line) -> bool:
    action = action_of(line[0])
    return action is not None and action.effect.is_move
