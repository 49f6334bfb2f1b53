"""Gaps of many symbols at once, counted and placed without a list of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def gap_counts(present: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return how many gaps each symbol has, int64 (S,); `present`: bool (S, k), the slots that are over."""
    if present.shape[1] == 0:
        return np.zeros(present.shape[0], dtype=np.int64)
    starts: NDArray[np.int64] = (~present[:, 1:] & present[:, :-1]).sum(axis=1, dtype=np.int64)
    starts += ~present[:, 0]
    return starts


def gap_starts(present: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return in which slots a gap of any symbol begins, bool (k,); `present`: bool (S, k)."""
    starts = np.zeros(present.shape[1], dtype=np.bool_)
    starts[:1] = ~present[:, :1].all(axis=0)
    starts[1:] = (present[:, :-1] > present[:, 1:]).any(axis=0)
    return starts
