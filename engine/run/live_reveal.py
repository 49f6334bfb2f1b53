"""Reveal rule of a live session: when a slot's bars count as there."""

from __future__ import annotations

import math

import numpy as np

from tapedeck.engine.tape.bar_grid import Mask
from tapedeck.engine.tape.tape import Tape


def due_frontier(tape: Tape, now: float, settle_s: float) -> int:
    """Return the frontier to reveal at the market's time `now`, seconds UTC.

    A slot is revealed when every symbol's bar is there, not before its end, and at the latest `settle_s`
    seconds after it.
    """
    slots, frontier = tape.slots, tape.frontier
    over = slots.slots_over_at(math.floor(now))
    settled = max(frontier, slots.slots_over_at(math.floor(now - settle_s)))
    if settled >= over:
        return max(frontier, min(settled, over))
    whole = _complete(tape, settled, over)
    return over if whole.all() else settled + int(np.argmin(whole))


def next_reveal(tape: Tape, now: float, settle_s: float) -> float:
    """Return when the next slot is revealed if no more bars arrive, market time; inf at the close."""
    if tape.frontier == len(tape):
        return math.inf
    end = float(tape.slots.closed_at[tape.frontier])
    return end if now < end and bool(_complete(tape, tape.frontier, tape.frontier + 1)[0]) else end + settle_s


def _complete(tape: Tape, start: int, stop: int) -> Mask:
    """Return for each slot of [start, stop) whether every symbol's bar is there, or confirmed empty."""
    whole: Mask = np.all(tape.base.covered_at(np.s_[:], np.s_[start:stop]), axis=0)
    return whole
