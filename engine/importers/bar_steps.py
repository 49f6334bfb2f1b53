"""Steps between the bars of one symbol, and the interval that they tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import log
from typing import Final

import numpy as np

from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_store import Ints

DAY_SECONDS: Final = 86400
_SMALL: Final = 4096
_NO_STEPS: Final = np.zeros(0, np.int64)
_MOST_STEPS: Final = 5000
_MOST_SPANS: Final = 32
_UNITS: Final = (2, 3, 4, 5, 6, 10, 12, 15, 20, 30)
_CANDIDATES: Final = tuple(
    sorted(
        {
            *_UNITS,
            *(60 * unit for unit in (1, *_UNITS)),
            *(3600 * hours for hours in (1, 2, 3, 4, 6, 8, 12, 24)),
        },
        reverse=True,
    )
)
# Lengths of longer periods in days: the usual one, and the bounds that holidays and months give.
_LONG_PERIODS: Final = ((7, 6, 8), (30, 26, 35), (91, 85, 97), (365, 360, 371))
# Likelihood per step that bars with missing rows have a step within the bounds of a longer period, at most.
_PERIOD_CHANCE: Final = 0.099
_SAME_DAY_HOURS: Final = 20
_FEWEST_SHORTER: Final = 3


class StepCounts:
    """Counts of the steps between successive times of one symbol, in seconds; fed part by part."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self._spans: list[tuple[int, int]] = []

    def add(self, times: Ints) -> None:
        """Take the next times into account: seconds, oldest first, each once."""
        if not len(times):
            return
        steps = np.diff(times) if len(times) > 1 else _NO_STEPS
        if len(steps):
            small = steps < _SMALL
            counted = np.bincount(steps[small])
            for step in np.flatnonzero(counted):
                self._count(int(step), int(counted[step]))
            for step, count in zip(*np.unique(steps[~small], return_counts=True), strict=True):
                self._count(int(step), int(count))
        self._spans.append((int(times[0]), int(times[-1])))
        if len(self._spans) > _MOST_SPANS:
            self._counts, self._spans = self._joined(), [self._whole_span()]

    def counts(self) -> Mapping[int, int]:
        """Return the number of steps by length, with those from one part to the next in time."""
        return self._joined()

    def _joined(self) -> Counter[int]:
        # A later part may fill the time between two others, so that these are joined late.
        found = Counter(self._counts)
        end: int | None = None
        for start, last in sorted(self._spans):
            if end is not None and start > end:
                found[start - end] += 1
            end = last if end is None else max(end, last)
        return found

    def _whole_span(self) -> tuple[int, int]:
        return min(start for start, _ in self._spans), max(last for _, last in self._spans)

    def _count(self, step: int, count: int) -> None:
        # Bounded: rare lengths beyond the limit are not needed to find the usual one.
        if step in self._counts or len(self._counts) < _MOST_STEPS:
            self._counts[step] += count


def usual_step(counts: Mapping[int, int]) -> int | None:
    """Return the most frequent step in seconds, the shortest of several; None without steps."""
    return min(counts, key=lambda step: (-counts[step], step), default=None)


def contradicting_step(counts: Mapping[int, int], interval: Interval, *, chance: float = 1e-3) -> int | None:
    """Return the step of the rows in seconds where they cannot be bars of `interval`; None where they can.

    Rows may be missing, at random: a longer step is told only where its likelihood under that assumption,
    at whatever density, is at most `chance`. Longer periods than a day are 7, 30, 91 or 365 days.
    """
    total = sum(counts.values())
    if not total:
        return None
    return (
        _intraday(counts, total, interval, chance) if interval.is_intraday else _daily(counts, total, chance)
    )


def _intraday(counts: Mapping[int, int], total: int, interval: Interval, chance: float) -> int | None:
    if total < 2:
        # Two rows at the same time of day, on two days.
        return DAY_SECONDS if any(step % DAY_SECONDS == 0 for step in counts) else None
    unit = interval.seconds
    finer = {step: count for step, count in counts.items() if step % unit}
    if _are_most(finer, total):
        return usual_step(finer)
    for longer in _CANDIDATES:
        times = longer // unit
        if times < 2 or longer % unit:
            continue
        # Of bars with missing rows, each step is n units with a likelihood of at most (1 - 1/n)^(n-1) / n,
        # and a multiple of n units with at most 1 / n.
        same = counts.get(longer, 0)
        if same >= 0.8 * total and _is_telling(same, total, (1 - 1 / times) ** (times - 1) / times, chance):
            return longer
        multiples = sum(count for step, count in counts.items() if step % longer == 0)
        if multiples >= 0.9 * total and _is_telling(multiples, total, 1 / times, chance / 1000):
            return longer
    return None


def _daily(counts: Mapping[int, int], total: int, chance: float) -> int | None:
    within = {step: count for step, count in counts.items() if step < _SAME_DAY_HOURS * 3600}
    if _are_most(within, total):
        return usual_step(within)
    for days, least, most in _LONG_PERIODS:
        found = sum(count for step, count in counts.items() if least <= round(step / DAY_SECONDS) <= most)
        if found >= 0.8 * total and _is_telling(found, total, _PERIOD_CHANCE, chance):
            return days * DAY_SECONDS
    return None


def _are_most(shorter: Mapping[int, int], total: int) -> bool:
    count = sum(shorter.values())
    return count >= _FEWEST_SHORTER and 2 * count >= total


def _is_telling(hits: int, total: int, likelihood: float, chance: float) -> bool:
    # Chernoff's bound on the likelihood of as many hits.
    share = hits / total
    if share <= likelihood:
        return False
    missed = (1 - share) * log((1 - share) / (1 - likelihood)) if share < 1 else 0.0
    return total * (share * log(share / likelihood) + missed) >= -log(chance)
