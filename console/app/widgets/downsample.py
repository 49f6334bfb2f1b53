"""Downsampling: bounds and means of the slots in each cell of a line."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


def slot_bounds(slots: int, cells: int) -> tuple[Indices, Indices]:
    """Return the first slot of each cell and the slot after its last, shape (cells,) each.

    Every cell has at least one slot; with fewer slots than cells, neighbouring cells share one.
    """
    first = np.arange(cells) * slots // cells
    return first, np.maximum((np.arange(cells) + 1) * slots // cells, first + 1)


def window_means(values: NDArray[np.generic], slots: int, cells: int) -> Floats:
    """Return the mean of each cell's slots, shape (S, cells).

    `values`: the first k of `slots` slots, shape (S, k). A cell with later slots only is NaN.
    """
    known = values.shape[1]
    first, after = (np.minimum(bound, known) for bound in slot_bounds(slots, cells))
    sums = np.zeros((len(values), known + 1))
    np.cumsum(values, axis=1, dtype=np.float64, out=sums[:, 1:])
    counts = after - first
    return np.where(counts > 0, (sums[:, after] - sums[:, first]) / np.maximum(counts, 1), np.nan)
