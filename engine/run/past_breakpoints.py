"""Breakpoints in the past: where those that are set now would have stopped a session."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tapedeck.engine.conditions import Condition
from tapedeck.engine.read.snapshot import BreakpointHit
from tapedeck.engine.tape.bar_grid import Ints
from tapedeck.engine.tape.tape import Tape


def hits_of(
    conditions: Iterable[tuple[int, Condition]], tape: Tape, stop: int, *, begun_at: int = 0
) -> tuple[BreakpointHit, ...]:
    """Return the hits at the frontiers 0 … stop of a whole tape, one each: of several conditions, the first.

    As in play, a condition that is true at the session's first frontier, `begun_at`, becomes true there.
    Frontiers that are not computed yet are not searched. A symbol that joined counts from the open, one that
    left up to then (`Tape.whole`). Raises StoreError as `Condition.becomes_true`.
    """
    found: dict[int, tuple[int, str]] = {}
    for number, condition in conditions:
        for frontier in _rises(condition, tape, min(stop, tape.computed_frontier()), begun_at):
            found.setdefault(int(frontier), (number, condition.text))
    return tuple(
        BreakpointHit.at(number, text, tape.session, frontier, tape.slots.clock(frontier))
        for frontier, (number, text) in sorted(found.items())
    )


def _rises(condition: Condition, tape: Tape, stop: int, begun_at: int) -> Ints:
    """Return the frontiers up to `stop` at which a condition becomes true."""
    # Slots before a start in mid-session have no start of their own.
    parts = ((0, min(stop, begun_at - 1), -1), (begun_at, stop, begun_at - 1))
    return np.concatenate(
        [
            first + np.flatnonzero(condition.becomes_true(tape, first, last, armed_at=armed_at))
            for first, last, armed_at in parts
            if first <= last
        ]
        or [np.empty(0, dtype=np.int64)]
    )
