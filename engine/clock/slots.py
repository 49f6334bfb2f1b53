"""Slots of a session: the open and close of each base interval."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.intervals import Interval

Ints = NDArray[np.int64]


def epoch_seconds(instant: datetime) -> int:
    """Return a zone-aware instant as whole seconds since 1970 UTC."""
    return int(instant.timestamp())


def utc_from_epoch(seconds: int) -> datetime:
    """Return seconds since 1970 as a UTC instant."""
    return datetime.fromtimestamp(int(seconds), UTC)


class SessionSlots:
    """The n slots of one session at one base interval, which tile the trading hours.

    `opened_at` and `closed_at`: int64, shape (n,), seconds since 1970 UTC. A break has no slots; the slot
    before a break or the close may be shorter than the interval. A daily base has one slot, the session.
    `segments` are half-open runs of slots without a break: one, or two.
    """

    __slots__ = ("_span", "closed_at", "interval", "opened_at", "segments", "session")

    def __init__(self, session: TradingSession, interval: Interval) -> None:
        self.session = session
        self.interval = interval
        origin = epoch_seconds(session.regular_open)
        close = epoch_seconds(session.regular_close)
        spans = tuple((epoch_seconds(a) - origin, epoch_seconds(b) - origin) for a, b in session.segments)
        if not interval.is_intraday:
            spans = ((0, close - origin),)
        offsets, ends, self.segments = _offsets(spans, interval.seconds)
        self.opened_at: Ints = offsets + origin
        self.closed_at: Ints = ends + origin
        self._span = (origin, close)

    def __len__(self) -> int:
        return len(self.opened_at)

    def clock(self, frontier: int) -> int:
        """Return the time at a frontier, seconds UTC: the open at 0, else the close of slot k - 1."""
        return self._span[0] if frontier == 0 else int(self.closed_at[frontier - 1])

    def clock_times(self) -> Ints:
        """Return clock(k) for k = 0 … n, shape (n + 1,)."""
        return np.concatenate([np.array([self._span[0]], dtype=np.int64), self.closed_at])

    def slots_over_at(self, seconds: int) -> int:
        """Return the frontier at an instant: the number of slots that are over."""
        return int(np.searchsorted(self.closed_at, seconds, side="right"))

    def frontier_reaching(self, seconds: int) -> int:
        """Return the first frontier whose clock is at or past the instant, at most n."""
        if seconds <= self._span[0]:
            return 0
        return min(len(self), int(np.searchsorted(self.closed_at, seconds, side="left")) + 1)

    def paced_seconds(self) -> Ints:
        """Return trading seconds from the open to clock(k), k = 0 … n; a break takes none. Shape (n + 1,)."""
        lengths = self.closed_at - self.opened_at
        return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])

    @property
    def stored_labels(self) -> Ints:
        """The stored `opened_at` of each slot's bar: its open, or for daily bars midnight UTC."""
        if self.interval.is_intraday:
            return self.opened_at
        day = self.session.trading_day
        return np.array([day_label(day.toordinal())], dtype=np.int64)


_EPOCH_ORDINAL = datetime(1970, 1, 1, tzinfo=UTC).toordinal()


def day_label(ordinal: int) -> int:
    """Return the stored label of a trading day: midnight UTC of the date with that ordinal."""
    return (ordinal - _EPOCH_ORDINAL) * 86400


@lru_cache(maxsize=256)
def _offsets(spans: tuple[tuple[int, int], ...], step: int) -> tuple[Ints, Ints, tuple[tuple[int, int], ...]]:
    """Tile spans of seconds by `step`; return opens, closes, and the run of slots of each span."""
    opens = [np.arange(start, stop, step, dtype=np.int64) for start, stop in spans]
    ends = [np.minimum(part + step, stop) for part, (_, stop) in zip(opens, spans, strict=True)]
    edges = np.cumsum([0, *(len(part) for part in opens)]).tolist()
    segments = tuple(pairwise(edges))
    offsets, closes = np.concatenate(opens), np.concatenate(ends)
    offsets.flags.writeable = closes.flags.writeable = False
    return offsets, closes, segments
