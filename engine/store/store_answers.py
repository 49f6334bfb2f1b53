"""Answers of a store, of bars and of quotes alike: types of columns, results of writes, watches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class WriteResult:
    """Result of one write: counts of new, unchanged and replaced rows, and conflicts.

    `conflicts`: positions (int64, in the order given) of bars whose time is stored with different values;
    the stored values were kept. With `replace` they are overwritten and counted in `replaced` instead.
    """

    written: int
    unchanged: int
    replaced: int
    conflicts: Ints


class BarWatch(Protocol):
    """Bars of some symbols over a range of time, as they were when the watch began."""

    def check(self, start: int, end: int) -> None:
        """Raise StoreChangedError if bars of `[start, end)` were changed since, or if the store is gone."""
        ...
