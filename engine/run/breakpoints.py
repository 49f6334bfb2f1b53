"""Breakpoints of a run: conditions that pause it at the first slot where they become true."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from tapedeck.engine.conditions import Condition
from tapedeck.engine.read.snapshot import Breakpoint, BreakpointHit
from tapedeck.engine.tape.earlier_values import EarlierNeed
from tapedeck.engine.tape.tape import Tape

_DESTINATION: Final = 0
"""Number of the breakpoint of `run_until`; those of the user count from 1."""


@dataclass(frozen=True, slots=True)
class _ArmedBreakpoint:
    """A breakpoint with its condition.

    `armed_at`: the last frontier that is not searched. At the next one it may fire, even if the condition
    was true before.
    """

    listed: Breakpoint
    condition: Condition
    armed_at: int


class Breakpoints:
    """The breakpoints of a run, searched over blocks. Written by one thread; any thread may read `listed`.

    A breakpoint fires at a frontier where its condition is true and was false one slot before. Each session
    starts without the one before: a condition that is true at the open fires at the open. So the result
    depends on the tape alone, not on how it is cut into blocks. One that is switched off does not fire.
    A symbol that joins is read from the next frontier on, as if it had been there from the open; one that
    left is no longer read.
    """

    def __init__(self, on_hit: Callable[[BreakpointHit], None] = lambda hit: None) -> None:
        self._armed: tuple[_ArmedBreakpoint, ...] = ()
        self._destination: _ArmedBreakpoint | None = None
        self._unsearched = -1  # the last frontier before the start of the session
        self._on_hit = on_hit
        self.revision = 0
        """Increases when a breakpoint is set, switched or removed."""
        self.last_hit: BreakpointHit | None = None
        """The hit at which the run is paused; None after it continues."""

    @property
    def listed(self) -> tuple[Breakpoint, ...]:
        """The breakpoints, in the order of their numbers."""
        return tuple(armed.listed for armed in self._armed)

    @property
    def any_set(self) -> bool:
        """Whether any breakpoint is searched."""
        return bool(self._searched())

    @property
    def read_account(self) -> bool:
        """Whether any breakpoint that is searched reads the account of the strategies."""
        return any(armed.condition.reads_account for armed in self._searched())

    def earlier_needs(self, symbols: Sequence[str]) -> set[EarlierNeed]:
        """Return what the conditions read of earlier sessions; `symbols`: those of the rows."""
        return {need for armed in self._searched() for need in armed.condition.earlier_needs(symbols)}

    def add(self, number: int, condition: Condition, frontier: int = -1, *, enabled: bool = True) -> None:
        """Set a breakpoint that is searched from the frontier after `frontier` on; −1: from the open."""
        self.revision += 1
        listed = Breakpoint(number, condition.text, 0, enabled)
        self._armed = (*self._armed, _ArmedBreakpoint(listed, condition, frontier))

    def remove(self, number: int) -> None:
        """Delete a breakpoint; an unknown number is ignored."""
        self.revision += 1
        self._armed = tuple(armed for armed in self._armed if armed.listed.number != number)

    def enable(self, number: int, enabled: bool, frontier: int = -1) -> None:
        """Switch a breakpoint on, to be searched from the frontier after `frontier` on, or off."""
        self.revision += 1
        self._armed = tuple(
            replace(armed, listed=replace(armed.listed, enabled=enabled), armed_at=frontier)
            if armed.listed.number == number
            else armed
            for armed in self._armed
        )

    def run_until(self, condition: Condition | None) -> None:
        """Set the condition to run to, which is not listed and is deleted at its hit; None deletes it.

        It fires where the condition becomes true, not at the next frontier if it is true already.
        """
        self.revision += 1
        self._destination = None
        if condition is not None:
            listed = Breakpoint(_DESTINATION, condition.text, 0)
            self._destination = _ArmedBreakpoint(listed, condition, self._unsearched)

    def begin_session(self, frontier: int) -> None:
        """Arm all breakpoints for a new tape that starts at `frontier`."""
        self._unsearched = frontier - 1
        self._armed = tuple(replace(armed, armed_at=self._unsearched) for armed in self._armed)
        if self._destination is not None:
            self._destination = replace(self._destination, armed_at=self._unsearched)

    def search(self, tape: Tape, start: int, stop: int) -> int | None:
        """Return the first frontier of start … stop at which a breakpoint fires, or None.

        The tape must be computed up to `stop`. `start` itself is searched: it is the next frontier to reveal,
        or at the beginning of a session the one just revealed.
        """
        found = [at for armed in self._searched() if (at := _first_hit(armed, tape, start, stop)) is not None]
        return min(found, default=None)

    def fire(self, tape: Tape, frontier: int) -> None:
        """Record a hit of every breakpoint that fires at a frontier that was just revealed."""
        for armed in self._searched():
            if _first_hit(armed, tape, frontier, frontier) is not None:
                self._record_hit(armed.listed, tape, frontier)

    def hits(self, tape: Tape, stop: int) -> tuple[BreakpointHit, ...]:
        """Return where the breakpoints fire among the frontiers up to `stop` that they are searched at."""
        return tuple(
            BreakpointHit.at(
                armed.listed.number, armed.listed.text, tape.session, frontier, tape.slots.clock(frontier)
            )
            for armed in self._searched()
            for frontier in _all_hits(armed, tape, 0, stop)
        )

    def _searched(self) -> tuple[_ArmedBreakpoint, ...]:
        destination = () if self._destination is None else (self._destination,)
        return (*(armed for armed in self._armed if armed.listed.enabled), *destination)

    def _record_hit(self, listed: Breakpoint, tape: Tape, frontier: int) -> None:
        if listed.number == _DESTINATION:
            self._destination = None
        self._armed = tuple(
            replace(armed, listed=replace(armed.listed, hits=armed.listed.hits + 1))
            if armed.listed.number == listed.number
            else armed
            for armed in self._armed
        )
        clock = tape.slots.clock(frontier)
        hit = BreakpointHit.at(listed.number, listed.text, tape.session, frontier, clock)
        self.last_hit = self.last_hit or hit
        self._on_hit(hit)


def _first_hit(armed: _ArmedBreakpoint, tape: Tape, start: int, stop: int) -> int | None:
    """Return the first frontier of start … stop at which the condition becomes true."""
    return next(iter(_all_hits(armed, tape, start, stop)), None)


def _all_hits(armed: _ArmedBreakpoint, tape: Tape, start: int, stop: int) -> list[int]:
    """Return the frontiers of start … stop at which the condition becomes true."""
    start = max(start, armed.armed_at + 1)
    if start > stop:
        return []
    rises = armed.condition.becomes_true(tape, start, stop, armed_at=armed.armed_at)
    hits: list[int] = (start + np.flatnonzero(rises)).tolist()
    return hits
