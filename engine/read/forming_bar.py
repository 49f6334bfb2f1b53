"""Forming bar: the bar of a derived interval that is not over, as far as its base bars are known.

For the eye only: it is part of no tape, condition, indicator, stamp or export.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.bar_grid import FIELDS
from tapedeck.engine.tape.buckets import buckets_of
from tapedeck.engine.tape.session_view import SessionView


@dataclass(frozen=True, slots=True)
class FormingBar:
    """Bar of a bucket that is not over. `opened_at`: the bucket's open, seconds UTC.

    `base_bars`: number of base bars so far, at least 1.
    """

    opened_at: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    base_bars: int


def forming_bar(view: SessionView, symbol: str, interval: Interval) -> FormingBar | None:
    """Return a symbol's bar of the first bucket that has no column in the view yet.

    First open, highest high, lowest low, last close and sum of the volumes of its base bars before the view's
    frontier. None where the bucket has no bar yet, after the last bucket, and on the base interval, whose
    bars are never made of parts. `interval`: one of the view's, of at most a day.
    """
    if interval == view.base_interval:
        return None
    buckets, column = buckets_of(view.slot_times, interval), len(view.opened_at(interval))
    if column == len(buckets):
        return None
    start, stop = int(buckets.starts[column]), min(int(buckets.stops[column]), view.frontier)
    base = view.bars(symbol, view.base_interval)
    present = np.flatnonzero(np.isfinite(base.close[start:stop])) + start
    if not len(present):
        return None
    opens, highs, lows, closes, volumes = (getattr(base, name)[present] for name in FIELDS)
    return FormingBar(
        opened_at=int(view.slot_times.opened_at[start]),
        open=float(opens[0]),
        high=float(highs.max()),
        low=float(lows.min()),
        close=float(closes[-1]),
        volume=float(np.cumsum(volumes)[-1]),  # from the first to the last, as bars that are over are summed
        base_bars=len(present),
    )
