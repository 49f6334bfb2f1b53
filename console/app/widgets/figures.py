"""Number formats: fixed decimals, signed changes, compact amounts, and a dash for a missing value."""

from __future__ import annotations

import math
from typing import Final

MISSING: Final = "–"
BEFORE: Final = "‹"
"""Sign of a figure of the session before, shown while today has none."""
CORRECTED: Final = "≈"
"""Sign of a bar that was corrected, or filled, after its slot was shown."""
MADE: Final = "="
"""Sign of a bid or ask that is made: it equals the close of the last bar, as no quote came."""
BOUGHT: Final = "▲"
"""Sign of a fill that bought."""
SOLD: Final = "▼"
"""Sign of a fill that sold."""
JOINS_LATER: Final = "+"
"""Sign of a symbol that joins after the time shown."""
LEAST_DECIMALS: Final = 2
MOST_DECIMALS: Final = 8
_DIGITS: Final = 4
_NEGLIGIBLE: Final = 1e-9
"""Sizes below this count as zero: they are rounding errors of sums and differences."""
_MAX_FIXED: Final = 1e9
_UNITS: Final = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def marked_as_before(text: str) -> str:
    """Return a figure with the sign of the session before; a missing one has none."""
    return text if text == MISSING else f"{BEFORE}{text}"


def marked_as_made(text: str) -> str:
    """Return a figure of a quote with the sign of made ones; a missing one has none."""
    return text if text == MISSING else f"{MADE}{text}"


def decimals_of(size: float) -> int:
    """Return the decimals for values of a size: 2 from 1 on; below, four significant digits, at most 8."""
    if not _NEGLIGIBLE <= size < 1.0:
        return LEAST_DECIMALS
    zeros = -math.floor(math.log10(size) + 1e-9) - 1
    return min(zeros + _DIGITS, MOST_DECIMALS)


def fixed(value: float, decimals: int = 2) -> str:
    """Return a price or ratio with fixed decimals; from 1e9 on in powers of ten."""
    if not math.isfinite(value):
        return MISSING
    if abs(value) >= _MAX_FIXED:
        return f"{value:.4e}"
    return without_minus_zero(f"{value:.{decimals}f}")


def signed(value: float, decimals: int = 2) -> str:
    """Return a change with its sign; a change that rounds to zero has none."""
    text = fixed(value, decimals)
    if text == MISSING or text.startswith("-") or not text.strip("0."):
        return text
    return f"+{text}"


def compact(value: float) -> str:
    """Return an amount in at most six cells: 950, 12.3k, 4.50M; larger ones in powers of ten."""
    if not math.isfinite(value):
        return MISSING
    for size, unit in _UNITS:
        share = value / size
        # A value that rounds to 1000 of a unit takes the next unit.
        if abs(share) >= 0.9995:
            return f"{_three_digits(share)}{unit}" if abs(share) < 999.5 else f"{value:.1e}"
    return f"{value:.0f}" if value == round(value) else f"{value:.3g}"


def _three_digits(value: float) -> str:
    """Return three significant digits, trailing zeros included, so that a column keeps its width."""
    return f"{value:#.3g}".rstrip(".")


def direction(value: float, decimals: int = 2) -> int:
    """Return +1, -1 or 0: the sign of the figure as it is shown."""
    text = signed(value, decimals)
    return {"+": 1, "-": -1}.get(text[0], 0)


def without_minus_zero(text: str) -> str:
    """Remove the minus sign of a number that rounds to zero."""
    return text[1:] if text.startswith("-") and not text.strip("-0.") else text
