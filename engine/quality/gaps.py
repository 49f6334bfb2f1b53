"""Gaps: runs of slots that are over and have no bar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Gap:
    """Slots [first, last], both missing and all between them too; `count` of them."""

    first: int
    last: int

    @property
    def count(self) -> int:
        """How many slots the gap has."""
        return self.last - self.first + 1


def find_gaps(present: NDArray[np.bool_]) -> tuple[Gap, ...]:
    """Return the gaps of one symbol, in order; `present`: bool (k,), the slots that are over."""
    edges = np.diff(np.concatenate([[True], present, [True]]).astype(np.int8))
    starts, ends = np.flatnonzero(edges == -1), np.flatnonzero(edges == 1)
    return tuple(Gap(int(a), int(b) - 1) for a, b in zip(starts, ends, strict=True))
