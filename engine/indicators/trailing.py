"""Trailing values over earlier bars: average, highest, lowest, of days or of each minute of the session."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tapedeck.engine.tape.bar_grid import Floats, Ints
from tapedeck.engine.tape.historical_value import TrailingKind
from tapedeck.engine.tape.session_totals import sum_in_order


def trailing(layers: Sequence[Floats], kind: TrailingKind) -> tuple[Floats, Ints]:
    """Reduce layers, oldest first, element by element over those that are not missing.

    A layer is one field of one earlier session, shape (S, minutes); a shorter session's layer may have fewer
    minutes, and counts for those it has. Returns the values, NaN where no layer had one, and how many layers
    had. Sums run from the oldest on, so equal input gives equal bits.
    """
    if not layers:
        raise ValueError("trailing needs at least one layer")
    shape = max((layer.shape for layer in layers), key=lambda shape: shape[-1])
    total = np.zeros(shape) if kind is TrailingKind.AVERAGE else np.full(shape, np.nan)
    counts = np.zeros(shape, dtype=np.int64)
    for layer in layers:
        part = (..., slice(0, layer.shape[-1]))
        there = ~np.isnan(layer)
        counts[part] += there
        if kind is TrailingKind.AVERAGE:
            np.add(total[part], layer, out=total[part], where=there)
        else:
            pick = np.fmax if kind is TrailingKind.MAX else np.fmin
            pick(total[part], layer, out=total[part])
    if kind is TrailingKind.AVERAGE:
        total = np.divide(total, counts, out=np.full(shape, np.nan), where=counts > 0)
    return total, counts


def trailing_days(values: Floats, kind: TrailingKind) -> tuple[Floats, Ints]:
    """Reduce one field of daily bars, (S, days) from the oldest on, over the days that are not missing.

    Returns one value per symbol, NaN where no day had one, and how many days had.
    """
    there = ~np.isnan(values)
    counts = there.sum(axis=1, dtype=np.int64)
    if not values.shape[1]:
        return np.full(len(counts), np.nan), counts
    if kind is TrailingKind.AVERAGE:
        totals = sum_in_order(values, there)
        return np.divide(totals, counts, out=np.full(len(counts), np.nan), where=counts > 0), counts
    pick = np.fmax if kind is TrailingKind.MAX else np.fmin
    return pick.reduce(values, axis=1), counts
