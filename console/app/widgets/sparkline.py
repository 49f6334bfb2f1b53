"""Sparklines: series as rows of block characters."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

# Without the full block, so that sparklines on neighbouring lines do not touch.
BLOCKS: Final = np.array([ord(sign) for sign in "▁▂▃▄▅▆▇"], dtype=np.uint32)
_MISSING: Final = ord(" ")


def sparkline(values: NDArray[np.float64], width: int) -> str:
    """Return a series as at most `width` blocks, scaled from its lowest to its highest value.

    A missing value is a blank. With more values than cells, each cell shows the last value of its part.
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
    present = np.isfinite(picked)
    low = np.where(present, picked, np.inf).min(axis=1, keepdims=True)
    high = np.where(present, picked, -np.inf).max(axis=1, keepdims=True)
    # Halved first: the span of two huge numbers of opposite sign overflows.
    half_span = high / 2 - low / 2
    flat = ~(half_span > 0)
    with np.errstate(invalid="ignore", over="ignore"):
        position = np.where(flat, 0.5, (picked / 2 - low / 2) / np.where(flat, 1.0, half_span))
    level = np.clip(np.where(present, position, 0.0) * len(BLOCKS), 0, len(BLOCKS) - 1).astype(np.intp)
    return np.where(present, BLOCKS[level], np.uint32(_MISSING))
