"""Downsampling of slots to the cells of a line: the slots of each cell, and their mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.intp]


def slot_bounds(slots: int, cells: int) -> tuple[Places, Places]:
    """Return the first slot of each cell and the one after its last, (cells,); no cell is empty."""
    first = np.arange(cells) * slots // cells
    return first, np.maximum((np.arange(cells) + 1) * slots // cells, first + 1)


def window_means(values: NDArray[np.generic], slots: int, cells: int) -> Floats:
    """Return the mean per cell of `values` (S, k), the first k of `slots`: (S, cells), NaN if unknown."""
    known = values.shape[1]
    first, after = (np.minimum(bound, known) for bound in slot_bounds(slots, cells))
    sums = np.zeros((len(values), known + 1))
    np.cumsum(values, axis=1, dtype=np.float64, out=sums[:, 1:])
    counts = after - first
    return np.where(counts > 0, (sums[:, after] - sums[:, first]) / np.maximum(counts, 1), np.nan)
