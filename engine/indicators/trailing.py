"""Trailing values: average, maximum or minimum over earlier days, or over one minute of earlier days."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tapedeck.engine.tape.bar_grid import Floats, Ints
from tapedeck.engine.tape.historical_value import TrailingKind
from tapedeck.engine.tape.session_totals import sum_in_order


def trailing(layers: Sequence[Floats], kind: TrailingKind) -> tuple[Floats, Ints]:
    """Reduce layers, oldest first, element by element, skipping NaN.

    A layer is one field of one earlier session, shape (S, minutes); a shorter session's layer has fewer
    minutes. Returns the values, NaN where every layer has NaN, and the number of layers used, int64; both in
    the shape of the longest layer. Sums run from the oldest layer on, so equal input gives equal bits.
    Raises ValueError without layers.
    """
    if not layers:
        raise ValueError("trailing needs at least one layer")
    shape = max((layer.shape for layer in layers), key=lambda shape: shape[-1])
    total = np.zeros(shape) if kind is TrailingKind.AVERAGE else np.full(shape, np.nan)
    counts = np.zeros(shape, dtype=np.int64)
    for layer in layers:
        part = (..., slice(0, layer.shape[-1]))
        present = ~np.isnan(layer)
        counts[part] += present
        if kind is TrailingKind.AVERAGE:
            np.add(total[part], layer, out=total[part], where=present)
        else:
            pick = np.fmax if kind is TrailingKind.MAX else np.fmin
            pick(total[part], layer, out=total[part])
    if kind is TrailingKind.AVERAGE:
        total = np.divide(total, counts, out=np.full(shape, np.nan), where=counts > 0)
    return total, counts


def trailing_days(values: Floats, kind: TrailingKind) -> tuple[Floats, Ints]:
    """Reduce one field of daily bars, (S, days), oldest first, skipping NaN.

    Returns one value per symbol, NaN without any, and the number of days used, int64; both (S,).
    """
    present = ~np.isnan(values)
    counts = present.sum(axis=1, dtype=np.int64)
    if not values.shape[1]:
        return np.full(len(counts), np.nan), counts
    if kind is TrailingKind.AVERAGE:
        totals = sum_in_order(values, present)
        return np.divide(totals, counts, out=np.full(len(counts), np.nan), where=counts > 0), counts
    pick = np.fmax if kind is TrailingKind.MAX else np.fmin
    return pick.reduce(values, axis=1), counts
