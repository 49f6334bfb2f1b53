"""Recording of what is done to the run, as lines of a key script that plays to the same slots again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Final

from tapedeck.console.actions.key_script import ScriptLine
from tapedeck.console.actions.table import Effect
from tapedeck.console.actions.time_expressions import moment_words
from tapedeck.console.app.playback import Playback
from tapedeck.engine.errors import EngineError
from tapedeck.engine.read.status import RunState

Line = tuple[str, str]
_TAKEN_S: Final = 2.0


class Recording:
    """Lists what was done: moves, and what was set at a moment.

    A script takes each line when the one before has come to its end; a user need not wait. So a move whose
    end is not known beforehand is written as the moment that was reached. `begins_paused`: whether the run
    stands at its first open.
    """

    def __init__(self, playback: Playback, *, begins_paused: bool) -> None:
        self._playback = playback
        self._system = playback.system
        self._begins_paused = begins_paused
        self._action = ""
        # Those of the command line: a script that is saved stands on its own.
        self._done: list[Line] = [("break", known.text) for known in self._system.breakpoints()]
        self._moves: list[Line] = []  # the last lines that move the run, while their end is not known
        self._is_loose = False  # whether they have no end of their own, as steps have
        self._taken: Event | None = None
        self._has_begun = False

    # Actions of the table, by their own names

    @property
    def done(self) -> tuple[Line, ...]:
        """The lines so far: word and argument."""
        return tuple(self._done)

    def begin(self, action_id: str) -> None:
        """Note that an action is being done."""
        self._action = action_id

    def end(self, argument: str) -> None:
        """Write the action that was being done, unless it was left out meanwhile."""
        if self._action:
            self._done.append((self._action, argument))

    def leave_out(self) -> None:
        """Have the action that is being done not be written by its own name: it would play otherwise."""
        self._action = ""

    # Notes of handlers, before they send commands to the engine

    async def steps(self, slots: int) -> None:
        """Note that so many slots are played; an engine that plays on is paused before."""
        self._settle()
        if self._is_loose:
            await self.stand()
        self._move("step", str(slots))

    def resumed(self) -> None:
        """Note that the engine plays on."""
        self._settle()
        self._move("resume", is_loose=True)

    def runs_to(self, words: str) -> None:
        """Note that the engine plays on to a moment, whatever was under way."""
        self._settle()
        self._done[:] = self._without_moves()
        self._moves = []
        self._move("run_to", words, is_loose=True)

    def at_moment(self, word: str, argument: str) -> None:
        """Note what moves nothing, behind the moment that was reached; what is under way goes on after it."""
        self._settle()
        moves, is_loose = self._moves, self._is_loose
        if is_loose:
            self._write_moment()
        self._done.append((word, argument))
        if is_loose:
            self._done.extend(moves)
            self._moves, self._is_loose = moves, True
        self.leave_out()

    @contextmanager
    def unless_refused(self) -> Iterator[None]:
        """Take back what is noted within where the engine refuses it."""
        done, moves, is_loose = list(self._done), list(self._moves), self._is_loose
        try:
            yield
        except EngineError:
            self._done[:], self._moves, self._is_loose = done, moves, is_loose
            raise

    @contextmanager
    def scripted(self, effect: Effect, line: ScriptLine) -> Iterator[None]:
        """Note a line that a script has the engine do, where it can be done; the engine stands before."""
        self._has_begun = True  # at the first open, paused
        self._settle()
        yield
        if effect in (Effect.STEPS, Effect.PLAYS_ON):
            # A key may have come in between: what it began still has no end of its own.
            is_loose = self._is_loose or effect is Effect.PLAYS_ON
            self._add_move(line.action, line.argument, is_loose=is_loose)
        elif effect is not Effect.STOPS:  # it stands already
            self._done.append((line.action, line.argument))
        if not self._system.state.is_over:
            self.told()

    def told(self) -> None:
        """Note that the last line was sent to the engine."""
        self._taken = self._system.mark()

    async def stand(self) -> None:
        """Pause the engine where it moves, and write where."""
        self._settle()
        if not self._has_landed():
            self._system.pause()
            await self._until_taken()
            if not self._system.state.is_over:
                self._write_moment()

    def lines(self) -> tuple[Line, ...]:
        """Return what was done, up to where the engine is now."""
        self._settle()
        lines = self._with_moment() if self._is_loose and not self._system.state.is_over else self._done
        return tuple(line for line in lines if line[0])

    # Within

    def _settle(self) -> None:
        """Write where the moves so far have led to, if the engine stands again."""
        if not self._has_begun:
            self._has_begun = True
            if not self._begins_paused:  # as a script does
                self._move("resume", is_loose=True)
        if not self._has_landed() or self._system.state.is_over:
            return
        # Steps end earlier at a breakpoint, which need not be there when they are played again.
        if self._is_loose or (self._moves and self._system.breakpoints()):
            self._write_moment()
        self._moves, self._is_loose = [], False

    def _move(self, word: str, argument: str = "", *, is_loose: bool = False) -> None:
        self._add_move(word, argument, is_loose=is_loose)
        self.leave_out()

    def _add_move(self, word: str, argument: str, *, is_loose: bool) -> None:
        self._done.append((word, argument))
        self._moves.append((word, argument))
        self._is_loose = is_loose

    def _has_landed(self) -> bool:
        """Whether the engine stands, and has handled all commands."""
        if self._system.state.is_over:
            return True
        if self._taken is not None and not self._taken.is_set():
            return False
        return self._system.state is RunState.PAUSED and self._system.snapshot().steps_left == 0

    async def _until_taken(self) -> None:
        taken = self._taken = self._system.mark()

        def is_settled() -> bool:
            # Between two sessions a pause holds at the open of the next.
            is_loaded = self._system.session_data.played() is not None
            return self._system.state.is_over or (taken.is_set() and is_loaded)

        await asyncio.to_thread(self._system.wait_for, is_settled, _TAKEN_S)

    def _write_moment(self) -> None:
        self._done[:] = self._with_moment()
        self._moves, self._is_loose = [], False

    def _with_moment(self) -> list[Line]:
        """Return what was done, with the moment that is reached in place of the moves that lead there."""
        place, left = self._playback.present(), self._without_moves()
        if place is None:  # before the first session
            return left
        return [*left, ("run_to", moment_words(place.played.session, place.clock))]

    def _without_moves(self) -> list[Line]:
        left = list(self._done)
        for line in self._moves:
            del left[len(left) - 1 - left[::-1].index(line)]
        return left
