"""Warm-up: the amount of history for an indicator, by a rule that depends on the calendar alone."""

from __future__ import annotations

from collections.abc import Sequence

# Recursive functions (EMA, RSI, …) forget their start by a factor of about e^-10 in ten lookbacks.
LOOKBACKS = 10
MIN_SESSIONS = 2


def sessions_used(sizes: Sequence[int], lookback: int) -> int:
    """Return the number of last sessions that hold ten times the lookback, at least two.

    `sizes`: number of bars of each earlier session by the calendar, oldest first; all are used if they hold
    fewer. Functions with a lookback of 0 also get two sessions, as some accumulate (OBV, AD).
    """
    held = 0
    for count, size in enumerate(reversed(sizes), start=1):
        held += size
        if held >= LOOKBACKS * lookback and count >= MIN_SESSIONS:
            return count
    return len(sizes)


def columns_used(sizes: Sequence[int], lookback: int, *, sessions_are_columns: bool) -> int:
    """Return the number of history columns in an indicator's warm-up.

    `sizes`: number of columns of each history grid, oldest first. A grid holds one session, or, with
    `sessions_are_columns` (daily bars), one session per column.
    """
    if sessions_are_columns:
        return sessions_used([1] * sum(sizes), lookback)
    used = sessions_used(sizes, lookback)
    return sum(sizes[len(sizes) - used :])
