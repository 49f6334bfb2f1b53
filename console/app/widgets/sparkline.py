"""A row of block glyphs for a run of numbers."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

# Without the full block: above the highest value stays an eighth of the line, and lines do not touch.
BLOCKS: Final = np.array([ord(sign) for sign in "▁▂▃▄▅▆▇"], dtype=np.uint32)
_MISSING: Final = ord(" ")


def sparkline(values: NDArray[np.float64], width: int) -> str:
    """Return the last values of a series as `width` blocks at most, low to high; a missing one is a blank.

    Where there are more values than cells, each cell shows the last value of its share.
    """
    glyphs = spark_glyphs(np.atleast_2d(values), width)[0]
    return "".join(map(chr, glyphs.tolist()))


def spark_glyphs(values: NDArray[np.float64], width: int) -> NDArray[np.uint32]:
    """Return the sparklines of many rows as code points: `values` (S, n) → (S, min(n, width))."""
    rows, count = values.shape
    width = min(max(width, 0), count)
    if width == 0:
        return np.empty((rows, 0), dtype=np.uint32)
    picked = values[:, (np.arange(1, width + 1) * count) // width - 1]
    there = np.isfinite(picked)
    low = np.where(there, picked, np.inf).min(axis=1, keepdims=True)
    high = np.where(there, picked, -np.inf).max(axis=1, keepdims=True)
    # Halved first: the span of two huge numbers of unlike sign is more than a float can hold.
    half_span = high / 2 - low / 2
    flat = ~(half_span > 0)
    with np.errstate(invalid="ignore", over="ignore"):
        share = np.where(flat, 0.5, (picked / 2 - low / 2) / np.where(flat, 1.0, half_span))
    level = np.clip(np.where(there, share, 0.0) * len(BLOCKS), 0, len(BLOCKS) - 1).astype(np.intp)
    return np.where(there, BLOCKS[level], np.uint32(_MISSING))
