"""Breakpoints of a run: conditions that pause it at the first slot where they become true."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tapedeck.engine.conditions import Condition
from tapedeck.engine.read.snapshot import Breakpoint, BreakpointHit
from tapedeck.engine.tape.earlier_values import EarlierNeed
from tapedeck.engine.tape.tape import Tape


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
    depends on the tape alone, not on how it is cut into blocks.
    """

    def __init__(self, on_hit: Callable[[BreakpointHit], None] = lambda hit: None) -> None:
        self._armed: tuple[_ArmedBreakpoint, ...] = ()
        self._on_hit = on_hit
        self.last_hit: BreakpointHit | None = None
        """The hit at which the run is paused; None after it continues."""

    @property
    def listed(self) -> tuple[Breakpoint, ...]:
        """The breakpoints, in the order of their numbers."""
        return tuple(armed.listed for armed in self._armed)

    @property
    def any_set(self) -> bool:
        """Whether any breakpoint is set."""
        return bool(self._armed)

    def earlier_needs(self, symbols: Sequence[str]) -> set[EarlierNeed]:
        """Return what the conditions read of earlier sessions; `symbols`: those of the rows."""
        return {need for armed in self._armed for need in armed.condition.earlier_needs(symbols)}

    def add(self, number: int, condition: Condition, frontier: int = -1) -> None:
        """Set a breakpoint that is searched from the frontier after `frontier` on; −1: from the open."""
        armed = _ArmedBreakpoint(Breakpoint(number, condition.text, 0), condition, frontier)
        self._armed = (*self._armed, armed)

    def remove(self, number: int) -> None:
        """Delete a breakpoint; an unknown number is ignored."""
        self._armed = tuple(armed for armed in self._armed if armed.listed.number != number)

    def begin_session(self, frontier: int) -> None:
        """Arm all breakpoints for a new tape that starts at `frontier`."""
        self._armed = tuple(replace(armed, armed_at=frontier - 1) for armed in self._armed)

    def search(self, tape: Tape, start: int, stop: int) -> int | None:
        """Return the first frontier of start … stop at which a breakpoint fires, or None.

        The tape must be computed up to `stop`. `start` itself is searched: it is the next frontier to reveal,
        or at the beginning of a session the one just revealed.
        """
        found = [at for armed in self._armed if (at := _first_hit(armed, tape, start, stop)) is not None]
        return min(found, default=None)

    def fire(self, tape: Tape, frontier: int) -> None:
        """Record a hit of every breakpoint that fires at a frontier that was just revealed."""
        for armed in self._armed:
            if _first_hit(armed, tape, frontier, frontier) is not None:
                self._record_hit(armed.listed.number, tape, frontier)

    def _record_hit(self, number: int, tape: Tape, frontier: int) -> None:
        self._armed = tuple(
            replace(armed, listed=replace(armed.listed, hits=armed.listed.hits + 1))
            if armed.listed.number == number
            else armed
            for armed in self._armed
        )
        text = next(armed.listed.text for armed in self._armed if armed.listed.number == number)
        clock = tape.slots.clock(frontier)
        hit = BreakpointHit.at(number, text, tape.session, frontier, clock)
        self.last_hit = self.last_hit or hit
        self._on_hit(hit)


def _first_hit(armed: _ArmedBreakpoint, tape: Tape, start: int, stop: int) -> int | None:
    """Return the first frontier of start … stop at which the condition becomes true."""
    start = max(start, armed.armed_at + 1)
    if start > stop:
        return None
    rises = armed.condition.becomes_true(tape, start, stop, armed_at=armed.armed_at)
    at = int(np.argmax(rises))
    return start + at if rises[at] else None
