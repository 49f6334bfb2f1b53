"""Breakpoints in the past: where those that are set now would have stopped a session."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tapedeck.engine.conditions import Condition
from tapedeck.engine.read.snapshot import BreakpointHit
from tapedeck.engine.tape.tape import Tape


def first_hit(
    conditions: Iterable[tuple[int, Condition]], tape: Tape, start: int, stop: int, *, begun_at: int = 0
) -> BreakpointHit | None:
    """Return the first hit at the frontiers start … stop of a tape, or None; of several, the first listed.

    As in play, a condition that is true at the session's first frontier, `begun_at`, becomes true there.
    Frontiers that are not computed yet are not searched.
    """
    stop = min(stop, tape.computed_frontier())
    found: tuple[int, int, str] | None = None
    for number, condition in conditions:
        at = _first_rise(condition, tape, start, stop, begun_at)
        if at is not None and (found is None or at < found[0]):
            found = (at, number, condition.text)
    if found is None:
        return None
    frontier, number, text = found
    return BreakpointHit.at(number, text, tape.session, frontier, tape.slots.clock(frontier))


def _first_rise(condition: Condition, tape: Tape, start: int, stop: int, begun_at: int) -> int | None:
    # Slots before a start in mid-session have no start of their own.
    parts = ((start, min(stop, begun_at - 1), -1), (max(start, begun_at), stop, begun_at - 1))
    for first, last, armed_at in parts:
        if first <= last:
            rises = condition.becomes_true(tape, first, last, armed_at=armed_at)
            at = int(np.argmax(rises))
            if rises[at]:
                return first + at
    return None
