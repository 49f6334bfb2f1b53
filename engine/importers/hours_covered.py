"""Hours of the day that the bars of one symbol cover, in the exchange's time."""

from __future__ import annotations

from datetime import tzinfo
from itertools import pairwise
from typing import Final

import numpy as np

from tapedeck.engine.importers.zones import DAY_SECONDS, wall_of
from tapedeck.engine.store.bar_store import Ints

DAY_MINUTES: Final = 1440
_SHORTEST_PAUSE: Final = 60


class HoursCovered:
    """Minutes of the day that have bars, on any day, in `zone`; fed part by part."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._minutes = np.zeros(DAY_MINUTES, bool)

    def add(self, times: Ints) -> None:
        """Take the next times into account: seconds UTC, oldest first."""
        days = times // DAY_SECONDS
        starts = np.flatnonzero(np.diff(days, prepend=days[:1] - 1))
        # The offset at a day's first bar; clocks change at night.
        first = times[starts]
        offsets = wall_of(first, self._zone) - first
        bounds = np.append(starts, len(times))
        # Days with the same offset are taken together.
        changes = np.flatnonzero(np.diff(offsets, prepend=offsets[:1] - 1))
        for begin, end in pairwise([*changes.tolist(), len(starts)]):
            local = (times[bounds[begin] : bounds[end]] + offsets[begin]) // 60 % DAY_MINUTES
            self._minutes[np.bincount(local, minlength=DAY_MINUTES) > 0] = True

    def bounds(self) -> tuple[int, int] | None:
        """Return the first minute of the day and the one after the last; None without bars.

        The hours run over midnight where the longest pause of the day lies before it: (1080, 1020) is 18:00
        to 17:00. Without a pause of an hour they are (0, 1440).
        """
        minutes = np.flatnonzero(self._minutes)
        if not len(minutes):
            return None
        pauses = np.diff(minutes, append=minutes[0] + DAY_MINUTES) - 1
        longest = int(pauses.argmax())
        if pauses[longest] < _SHORTEST_PAUSE:
            return 0, DAY_MINUTES
        return int(minutes[(longest + 1) % len(minutes)]), int(minutes[longest]) + 1
