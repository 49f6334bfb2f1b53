"""Outcomes of arrivals, and the order in which those of one slot are taken."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum

import numpy as np

from tapedeck.engine.store.bar_store import Ints


class Outcome(IntEnum):
    """What became of an arrival: a version of a bar, or a quote."""

    NEW = 0
    """The first version of its bar, or the first quote of its slot."""
    REPLACED = 1
    """Other values than the version before, whose place it took."""
    SAME = 2
    """The values that are held already."""
    REFUSED = 3
    """Other values, of a lower precedence than those held."""
    NOT_OURS = 4
    """A symbol that is not of the session."""
    OFF_RASTER = 5
    """A time that no bar of the interval has, or that is not of this trading day; of a quote, of no slot."""
    INVALID = 6
    """Values that no bar, or quote, can have."""
    TOO_LATE = 7
    """A time before the close of a session that takes no more bars."""


def rounds(positions: Ints, keys: Ints) -> Iterator[Ints]:
    """Yield positions, each key at most once a round, so that versions of one slot follow each other.

    `positions`, `keys`: int64 (n,), in the order received.
    """
    if not len(keys):
        return
    order = np.argsort(keys, kind="stable")
    is_first = np.append(True, np.diff(keys[order]) != 0)
    starts = np.flatnonzero(is_first)
    turns = np.empty(len(keys), np.int64)
    turns[order] = np.arange(len(keys)) - np.repeat(starts, np.diff(np.append(starts, len(keys))))
    for turn in range(int(turns.max()) + 1):
        yield positions[turns == turn]
