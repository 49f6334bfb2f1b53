"""What is done to the run, as lines of a key script that plays to the same slots again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from tapedeck.console.actions.time_expressions import moment_words
from tapedeck.engine.errors import EngineError
from tapedeck.engine.read.status import RunState

if TYPE_CHECKING:
    from threading import Event

    from tapedeck.console.app.console_app import ConsoleApp

Line = tuple[str, str]
_TAKEN_S: Final = 2.0
# What the lines of a script do: some say where they end, some play on to wherever they are stopped.
_STEPS: Final = frozenset({"step", "minute_on", "hour_on"})
_LOOSE_MOVES: Final = frozenset({"resume", "run_to", "day_on", "next_session"})


class Recording:
    """Writes moves, and what happens at a moment, into the console's list of what was done.

    A script takes each line when the one before has come to its end; a user need not wait. So what ends where
    nobody could know beforehand is written as the moment that was reached.
    """

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self._system = app.playback.system
        self._done = app.done
        # Those of the command line: a script that is saved stands on its own.
        self._done.extend(("break", known.text) for known in self._system.breakpoints())
        self._moves: list[Line] = []  # the last lines that move the run, while their end is not known
        self._is_loose = False  # whether they have no end of their own, as steps have
        self._taken: Event | None = None
        self._has_begun = False

    # What handlers tell, before they tell the engine

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
    def scripted(self, action: str, argument: str) -> Iterator[None]:
        """Note a line that a script has the engine do, where it can be done; the engine stands before."""
        self._has_begun = True  # at the first open, paused
        self._settle()
        yield
        if action in _STEPS or action in _LOOSE_MOVES:
            # A key may have come in between: what it began still has no end of its own.
            self._add_move(action, argument, is_loose=self._is_loose or action in _LOOSE_MOVES)
        elif action != "pause":  # it stands already
            self._done.append((action, argument))
        if not self._system.state.is_over:
            self.told()

    def told(self) -> None:
        """Note that the engine was told what was written last."""
        self._taken = self._system.mark()

    def leave_out(self) -> None:
        """Have the action that is being done not be written by its own name: it would play otherwise."""
        self._app.done_as = ""

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
            setup = self._app.setup  # a script begins at the first open, paused
            if setup.script is not None or not setup.start_paused:
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
        """Whether the engine stands, and has taken in what it was told."""
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
        place, left = self._app.playback.present(), self._without_moves()
        if place is None:  # before the first session
            return left
        return [*left, ("run_to", moment_words(place.played.session, place.clock))]

    def _without_moves(self) -> list[Line]:
        left = list(self._done)
        for line in self._moves:
            del left[len(left) - 1 - left[::-1].index(line)]
        return left
