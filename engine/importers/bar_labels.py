"""Evidence of the end of the bar that intraday times name: bars at the opens and closes of sessions."""

from __future__ import annotations

from typing import Final

import numpy as np

from tapedeck.engine.importers.session_hours import SessionHours
from tapedeck.engine.importers.stamps import Mask
from tapedeck.engine.store.bar_store import Ints

_MOST_OUTSIDE: Final = 0.2
_LEAST_SHARE: Final = 0.9
_FEWEST_INSIDE: Final = 2


class LabelEvidence:
    """Sessions with a bar at the open, and with one at the close but none at the open; fed part by part.

    Bars that begin at their label lie at the open and not at the close. Extended hours, and markets around
    the clock, have bars at both, or outside; they prove nothing.
    """

    def __init__(self) -> None:
        self.sessions = 0
        self.opens = 0
        self.closes = 0
        self.second_bars = 0
        self.outside = 0
        self._inside = 0
        self._last_open = -1

    def add(self, times: Ints, hours: SessionHours, step: int) -> None:
        """Take the next times into account: seconds, oldest first, each once; `step`: seconds per bar."""
        if not len(times):
            return
        opens, closes = hours.around(int(times[0]), int(times[-1]))
        near = (closes >= times[0]) & (opens <= times[-1])
        opens, closes = opens[near], closes[near]
        # Sessions are few and bars many: opens and closes are looked up among the bars.
        start, stop = np.searchsorted(times, opens), np.searchsorted(times, closes, "right")
        at_open = _are_among(opens, times)
        at_close = _are_among(closes, times) & ~np.isin(closes, opens)  # the next open, around the clock
        closing = at_close & ~at_open & (opens != self._last_open)
        self.opens += int(at_open.sum())
        self.closes += int(closing.sum())
        self.second_bars += int(_are_among(opens + step, times).sum())
        self.sessions += int((stop > start).sum())
        self._inside += int((stop - start).sum() - at_open.sum() - at_close.sum())
        between = np.append(start, len(times)) - np.append(0, stop)
        self.outside += int((between > 0).sum())
        if at_open.any():
            self._last_open = int(opens[at_open][-1])

    def merge(self, other: LabelEvidence) -> None:
        """Add the counts of another symbol."""
        self.sessions += other.sessions
        self.opens += other.opens
        self.closes += other.closes
        self.second_bars += other.second_bars
        self.outside += other.outside
        self._inside += other._inside

    @property
    def names_closes(self) -> bool:
        """Whether the times look like closes."""
        if not self.closes or self._inside < _FEWEST_INSIDE or self.outside > _MOST_OUTSIDE * self.sessions:
            return False
        return self.closes >= _LEAST_SHARE * (self.closes + self.opens)

    @property
    def surely_names_closes(self) -> bool:
        """Whether the times look like closes by the second bar of the sessions, too; no bar is at an open."""
        return self.names_closes and not self.opens and self.second_bars >= 0.8 * self.closes


def _are_among(instants: Ints, times: Ints) -> Mask:
    at = np.minimum(np.searchsorted(times, instants), len(times) - 1)
    found: Mask = times[at] == instants
    return found
