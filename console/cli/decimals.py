"""Decimals of a column of numbers in a table: one count for all, so that the points are aligned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

_MOST_DECIMALS: Final = 8
_MOST_DIGITS: Final = 8
"""Figures of the largest number; a double that was computed has 17, which no table has room for."""


def decimals_of(values: Sequence[float], *, fewest: int = 0) -> tuple[int, bool]:
    """Return the number of decimals for all values, at least `fewest`, and whether they show all exactly."""
    texts = (f"{value:.{_MOST_DECIMALS}f}".rstrip("0") for value in values)
    needed = max((len(text.partition(".")[2]) for text in texts), default=0)
    largest = max(map(abs, values), default=0.0)
    before = math.floor(math.log10(largest)) + 1 if largest else 1
    room = max(0, min(_MOST_DECIMALS, _MOST_DIGITS - before))
    shown = max(fewest, min(needed, room))
    return shown, all(float(f"{value:.{shown}f}") == value for value in values)
