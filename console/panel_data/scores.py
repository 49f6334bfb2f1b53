"""Display of quality scores: truncated, not rounded; good, fair or bad by one rule."""

from __future__ import annotations

import math
from enum import Enum
from typing import Final

_WHOLE: Final = 100.0
_FAIR_FROM: Final = 95.0


class Grade(Enum):
    """Grade of a score."""

    GOOD = "good"
    FAIR = "fair"
    BAD = "bad"


def grade_of(score: float) -> Grade | None:
    """Return the grade of a score in percent: good only at 100; None if it is missing."""
    if math.isnan(score):
        return None
    if score >= _WHOLE:
        return Grade.GOOD
    return Grade.FAIR if score >= _FAIR_FROM else Grade.BAD


def cut_score(score: float, decimals: int = 1) -> str:
    """Return a score in percent without the sign, truncated: 99.96 becomes 99.9, so only 100 reads 100."""
    steps = 10**decimals
    return f"{score if score >= _WHOLE else math.floor(score * steps) / steps:.{decimals}f}"
