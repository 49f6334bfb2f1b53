"""Kept history: the bars of days and weeks before a session that its file asks for, as exported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.bar_grid import Floats, Ints
from tapedeck.engine.tape.history import History


@dataclass(frozen=True, slots=True)
class KeptBars:
    """Bars of one interval, 1d or 1w, before a session.

    `opened_at`: int64 (m,), regular open of each bar's first session, seconds UTC; `values`: float64
    (5, S, m), NaN for a missing bar; `first`: int64 (S,), each symbol's first column that is kept.
    """

    interval: Interval
    opened_at: Ints
    values: Floats
    first: Ints


def kept_history(history: History, requested: Mapping[Interval, Ints], before: date) -> tuple[KeptBars, ...]:
    """Return the days and weeks before a day that a session file keeps, without those that have no bars.

    `requested`: trading days per symbol, int64 (S,), by interval.
    """
    found = []
    for interval, depths in requested.items():
        if interval.is_intraday or history.daily is None:
            continue
        deepest = history.days(interval, int(depths.max()), before)
        if not deepest:
            continue
        [held] = deepest
        columns = held.grid.shape[1]
        first = np.full(len(depths), columns, dtype=np.int64)
        for depth in np.unique(depths[depths > 0]).tolist():
            days = history.days(interval, depth, before)
            first[depths == depth] = columns - sum(day.grid.shape[1] for day in days)
        opens = history.daily.regular_opens(held.opened_at)
        found.append(KeptBars(interval, opens, held.grid.values, first))
    return tuple(found)
