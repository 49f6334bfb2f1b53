"""Warm-up: how much history an indicator is given, as a rule that depends on the calendar alone."""

from __future__ import annotations

from collections.abc import Sequence

# Recursive functions (EMA, RSI, …) forget their start by a factor of about e^-10 in ten lookbacks.
LOOKBACKS = 10
LEAST_SESSIONS = 2


def sessions_used(sizes: Sequence[int], lookback: int) -> int:
    """Return how many of the last sessions hold ten times the lookback, two at least.

    `sizes`: the bars that the calendar gives each earlier session, oldest first. All of them, where they
    hold less. A function without a lookback gets two sessions as well: some of them accumulate (OBV, AD).
    """
    held = 0
    for count, size in enumerate(reversed(sizes), start=1):
        held += size
        if held >= LOOKBACKS * lookback and count >= LEAST_SESSIONS:
            return count
    return len(sizes)


def columns_used(sizes: Sequence[int], lookback: int, *, sessions_are_columns: bool) -> int:
    """Return how many history columns an indicator is given.

    `sizes`: columns of each history grid, oldest first: a session each, or, where `sessions_are_columns`
    (daily bars), any number of sessions.
    """
    if sessions_are_columns:
        return sessions_used([1] * sum(sizes), lookback)
    used = sessions_used(sizes, lookback)
    return sum(sizes[len(sizes) - used :])
