"""Confirmed-empty slots: history covers them, and has no trade. Facts that a store keeps beside its bars.

A fact beside a bar of the same time does not count: the bar wins, whenever it was written. So stores need not
remove facts as bars come, and a program that does not know of facts may write bars.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from tapedeck.engine.errors import StoreError
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_diff import check_interval, check_symbol, check_times
from tapedeck.engine.store.bar_store import EmptySlots, Ints

HOW_TO_DROP: Final = "to drop these facts: `tapedeck store verify --accept`"


def checked_slots(symbol: str, interval: Interval, opened_at: Ints) -> Ints:
    """Return the times of slots in the stored form: int64, ascending, each once.

    Raises StoreError for a symbol, an interval or times that no store can hold.
    """
    check_interval(interval)
    check_symbol(symbol)
    times = np.asarray(opened_at)
    if len(times) and not np.issubdtype(times.dtype, np.integer):
        raise StoreError(f"{symbol} {interval}: times of slots must be whole seconds, not {times.dtype}")
    found: Ints = np.unique(times.astype(np.int64))
    check_times(symbol, interval, found)
    return found


def slots_of_row(row: int, opened_at: Ints) -> EmptySlots:
    """Return slots of one row."""
    return EmptySlots(np.full(len(opened_at), row, np.int64), opened_at)


def joined_slots(parts: Sequence[EmptySlots]) -> EmptySlots:
    """Return the slots of all parts, ascending by row, then time, each once."""
    none = np.empty(0, np.int64)
    rows = np.concatenate([none, *(part.rows for part in parts)])
    times = np.concatenate([none, *(part.opened_at for part in parts)])
    if not len(rows):
        return EmptySlots(rows, times)
    order = np.lexsort((times, rows))
    rows, times = rows[order], times[order]
    first = np.flatnonzero(np.append(True, (rows[1:] != rows[:-1]) | (times[1:] != times[:-1])))
    return EmptySlots(rows[first], times[first])
