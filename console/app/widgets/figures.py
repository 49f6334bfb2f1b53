"""Numbers as cells show them: fixed decimals, a sign besides the colour, a dash where there is none."""

from __future__ import annotations

import math
from typing import Final

MISSING: Final = "–"
LEAST_DECIMALS: Final = 2
MOST_DECIMALS: Final = 8
_DIGITS: Final = 4
_NOTHING: Final = 1e-9
"""What is smaller is zero to a few digits: what adding and taking away leaves behind."""
_WIDEST: Final = 1e9
_UNITS: Final = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def decimals_of(size: float) -> int:
    """Return how many decimals values of a size have: two from one on, four digits below, at most eight."""
    if not _NOTHING <= size < 1.0:
        return LEAST_DECIMALS
    zeros = -math.floor(math.log10(size) + 1e-9) - 1
    return min(zeros + _DIGITS, MOST_DECIMALS)


def fixed(value: float, decimals: int = 2) -> str:
    """Return a price or ratio with fixed decimals; past a thousand million in powers of ten."""
    if not math.isfinite(value):
        return MISSING
    if abs(value) >= _WIDEST:
        return f"{value:.4e}"
    return without_minus_zero(f"{value:.{decimals}f}")


def signed(value: float, decimals: int = 2) -> str:
    """Return a change with its sign; what rounds to zero has none."""
    text = fixed(value, decimals)
    if text == MISSING or text.startswith("-") or not text.strip("0."):
        return text
    return f"+{text}"


def compact(value: float) -> str:
    """Return an amount in at most six cells: 950, 12.3k, 4.50M; beyond that in powers of ten."""
    if not math.isfinite(value):
        return MISSING
    for size, unit in _UNITS:
        share = value / size
        # What rounds to a thousand of a unit belongs to the next one.
        if abs(share) >= 0.9995:
            return f"{_three_digits(share)}{unit}" if abs(share) < 999.5 else f"{value:.1e}"
    return f"{value:.0f}" if value == round(value) else f"{value:.3g}"


def _three_digits(value: float) -> str:
    """Return three digits, zeros behind the point included, so that a column does not dance."""
    return f"{value:#.3g}".rstrip(".")


def direction(value: float, decimals: int = 2) -> int:
    """Return +1, -1 or 0 as the shown figure is a gain, a loss or neither."""
    text = signed(value, decimals)
    return {"+": 1, "-": -1}.get(text[0], 0)


def without_minus_zero(text: str) -> str:
    """Return a number as text without the sign of one that rounds to zero."""
    return text[1:] if text.startswith("-") and not text.strip("-0.") else text
