"""Left-out bars: stored bars that a read of sessions finds outside their slots, counted by place."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.clock.unplayed_bars import CalendarSpans, PlaceTally
from tapedeck.engine.intervals import DAY
from tapedeck.engine.store.bar_store import Ints


def session_edges(
    spans: CalendarSpans, chunk: Sequence[SessionSlots], sessions: Sequence[TradingSession]
) -> list[int]:
    """Return the positions of the spans at which the bars of each session of a chunk begin, and their end.

    `chunk`: consecutive ones of `sessions`, all of which lie in the spans. A session's bars begin with the
    UTC day of its open, or at its open if the session before reaches into that day; those before the first
    session and after the last belong to these.
    """
    first, last = sessions.index(chunk[0].session), sessions.index(chunk[-1].session)
    around = [SessionSlots(session, chunk[0].interval) for session in sessions[max(0, first - 1) : last + 2]]
    edges = [spans.position(_beginning(own, before)) for before, own in pairwise(around)]
    if first == 0:
        edges.insert(0, 0)
    return edges if last + 1 < len(sessions) else [*edges, len(spans)]


def _beginning(own: SessionSlots, before: SessionSlots) -> int:
    # Stores hold a checksum of each UTC day, and read whole days: a chunk that ended with the next session's
    # open would read all of that session, too.
    opened = int(own.stored_labels[0])
    midnight = opened - opened % DAY.seconds
    return midnight if int(before.stored_labels[-1]) < midnight else opened


class LeftOutBars:
    """Counts of left-out bars of S symbols over spans of the calendar. Each row has one writer."""

    __slots__ = ("_counts", "spans")

    def __init__(self, spans: CalendarSpans, symbols: int) -> None:
        self.spans = spans
        self._counts: Ints = np.zeros((symbols, len(spans)), dtype=np.int64)

    @property
    def start(self) -> int:
        """First instant of the spans, seconds UTC."""
        return int(self.spans.starts[0])

    @property
    def end(self) -> int:
        """End of the spans, seconds UTC."""
        return self.spans.end

    def positions(self, origin: int, step: int, size: int) -> Ints:
        """Return the position of the span of each of `size` instants, `step` seconds apart, from `origin` on.

        Instants before the first span, of which no bar is added, get its position.
        """
        edges = np.clip(-((origin - self.spans.starts) // step), 0, size)
        edges[0] = 0
        return np.repeat(np.arange(len(self.spans)), np.diff(edges, append=size))

    def add(self, rows: int | Ints, positions: Ints) -> None:
        """Count bars of one row, or of one row each, given by the positions of their spans."""
        spans = len(self.spans)
        if isinstance(rows, int):
            self._counts[rows] += np.bincount(positions, minlength=spans)
            return
        # Each row has one writer, so this writes only rows with bars, too.
        own = np.unique(rows)
        places = np.searchsorted(own, rows) * spans + positions
        counts = np.bincount(places, minlength=len(own) * spans)
        self._counts[own] += counts.reshape(len(own), spans)

    def tally(self, start: int, stop: int) -> PlaceTally | None:
        """Return the bars in the spans at positions `[start, stop)` by place; None without any."""
        counts = self._counts[:, start:stop]
        return self.spans.part(start, stop).tally(counts) if counts.any() else None
