"""Warm-up: the earlier sessions whose bars an indicator gets, by a rule of the calendar alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

LOOKBACKS: Final = 10
"""Bars of history of a function over a window, in lookbacks."""
MIN_SESSIONS: Final = 2
ALL_STORED: Final = 2**62
"""Number of bars that stands for all bars of the store, from its first on."""


def sessions_used(sizes: Sequence[int], bars: int) -> int:
    """Return the number of last sessions that hold so many bars, at least two; 0 for 0 bars.

    `sizes`: number of bars of each earlier session by the calendar, oldest first; all are used if they hold
    fewer.
    """
    if bars == 0:
        return 0
    held = 0
    for count, size in enumerate(reversed(sizes), start=1):
        held += size
        if held >= bars and count >= MIN_SESSIONS:
            return count
    return len(sizes)


def columns_used(sizes: Sequence[int], bars: int, *, sessions_are_columns: bool) -> int:
    """Return the number of history columns that an indicator gets.

    `sizes`: number of columns of each history grid, oldest first. A grid holds one session, or, with
    `sessions_are_columns` (daily and weekly bars), one bar per column.
    """
    if sessions_are_columns:
        return min(sum(sizes), _least(bars))
    used = sessions_used(sizes, bars)
    return sum(sizes[len(sizes) - used :])


def weeks_used(bars: int) -> int:
    """Return the number of complete weeks that an indicator on 1w gets: its history, and the last one."""
    return ALL_STORED if bars == ALL_STORED else _least(bars) + 1


def _least(bars: int) -> int:
    """Return the number of daily or weekly bars in a history of `bars`."""
    return max(bars, MIN_SESSIONS) if bars else 0
