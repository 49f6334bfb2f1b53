"""Breakpoints of a run: conditions that pause it at the first slot where they become true."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from tapedeck.engine.conditions import Condition
from tapedeck.engine.read.snapshot import Breakpoint, BreakpointHit
from tapedeck.engine.tape.tape import Tape


@dataclass(frozen=True, slots=True)
class _Watched:
    """A breakpoint with its condition.

    `armed_at`: the last frontier that it has not watched; at the next one it may fire, whatever held before.
    """

    shown: Breakpoint
    condition: Condition
    armed_at: int


class Breakpoints:
    """The breakpoints that are set, searched over blocks. Written by one thread; `shown` may be read by any.

    One fires where its condition is true, and was not at the frontier before. A session begins afresh: what
    holds at its open fires there. So where it fires depends on the tape alone, not on how it is cut.
    """

    def __init__(self, on_hit: Callable[[BreakpointHit], None] = lambda hit: None) -> None:
        self._watched: tuple[_Watched, ...] = ()
        self._on_hit = on_hit
        self.last_hit: BreakpointHit | None = None
        """The hit that the run stands at; None once it goes on."""

    @property
    def shown(self) -> tuple[Breakpoint, ...]:
        """The breakpoints, in the order of their numbers."""
        return tuple(watched.shown for watched in self._watched)

    @property
    def any_set(self) -> bool:
        """Whether there is anything to search for."""
        return bool(self._watched)

    def add(self, number: int, condition: Condition, frontier: int = -1) -> None:
        """Set a breakpoint, which watches from the next frontier on; −1: from the open."""
        watched = _Watched(Breakpoint(number, condition.text, 0), condition, frontier)
        self._watched = (*self._watched, watched)

    def remove(self, number: int) -> None:
        """Take a breakpoint out; one that is not there is none."""
        self._watched = tuple(watched for watched in self._watched if watched.shown.number != number)

    def begin_session(self, frontier: int) -> None:
        """Begin afresh with a new tape, of which readers first see `frontier`."""
        self._watched = tuple(replace(watched, armed_at=frontier - 1) for watched in self._watched)

    def search(self, tape: Tape, start: int, stop: int) -> int | None:
        """Return the first frontier of start … stop at which one fires, None where none does.

        Everything must be computed up to `stop`. `start` itself is searched, too: it is the one that is
        revealed next, or at the session's beginning the one that has just been.
        """
        found = [at for watched in self._watched if (at := _fires(watched, tape, start, stop)) is not None]
        return min(found, default=None)

    def fire(self, tape: Tape, frontier: int) -> None:
        """Take note of every breakpoint that fires at a frontier, now that it is revealed."""
        for watched in self._watched:
            if _fires(watched, tape, frontier, frontier) is not None:
                self._note(watched.shown.number, tape, frontier)

    def _note(self, number: int, tape: Tape, frontier: int) -> None:
        self._watched = tuple(
            replace(watched, shown=replace(watched.shown, hits=watched.shown.hits + 1))
            if watched.shown.number == number
            else watched
            for watched in self._watched
        )
        text = next(watched.shown.text for watched in self._watched if watched.shown.number == number)
        clock = tape.slots.clock(frontier)
        hit = BreakpointHit.at(number, text, tape.session, frontier, clock)
        self.last_hit = self.last_hit or hit
        self._on_hit(hit)


def _fires(watched: _Watched, tape: Tape, start: int, stop: int) -> int | None:
    """Return the first frontier of start … stop at which the condition becomes true."""
    start = max(start, watched.armed_at + 1)
    if start > stop:
        return None
    before = start - 1 > watched.armed_at
    holds = watched.condition.holds(tape, start - before, stop)
    rises = holds.copy()
    rises[1:] &= ~holds[:-1]
    if before:
        rises = rises[1:]
    at = int(np.argmax(rises))
    return start + at if rises[at] else None
