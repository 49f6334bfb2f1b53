"""How a quality score is shown, wherever it is: cut and not rounded, and good, fair or bad by one rule."""

from __future__ import annotations

import math
from enum import Enum
from typing import Final

_WHOLE: Final = 100.0
_FAIR_FROM: Final = 95.0


class Grade(Enum):
    """What a score is worth."""

    GOOD = "good"
    FAIR = "fair"
    BAD = "bad"


def grade_of(score: float) -> Grade | None:
    """Return what a score in percent is worth: good is only what lacks nothing; None where it is missing."""
    if math.isnan(score):
        return None
    if score >= _WHOLE:
        return Grade.GOOD
    return Grade.FAIR if score >= _FAIR_FROM else Grade.BAD


def cut_score(score: float, decimals: int = 1) -> str:
    """Return a score in percent, without the sign; 99.96 is not all, so that only what is whole reads 100."""
    steps = 10**decimals
    return f"{score if score >= _WHOLE else math.floor(score * steps) / steps:.{decimals}f}"
