"""Tape cache: earlier sessions of a run; the latest in memory, the others recomputed on request."""

from __future__ import annotations

import logging
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice, takewhile
from threading import Lock
from typing import Final

from tapedeck.engine.errors import ExportError
from tapedeck.engine.tape.played_session import PlayedSession
from tapedeck.engine.tape.scan_records import ScanRecord
from tapedeck.engine.tape.session_record import SessionRecord
from tapedeck.engine.tape.stamp import session_digest
from tapedeck.engine.tape.tape import Tape

log = logging.getLogger(__name__)

MEMORY_BYTES: Final = 64 * 2**20
"""Default size of the cache in bytes; recomputed tapes may take the same size again."""

# Sessions recomputed at once: the requested day and those before it.
_FEWEST, _MOST = 2, 8

Recompute = Callable[[date, date], Iterator[SessionRecord]]
"""Yields the sessions from one trading day to another, as the run played them."""


@dataclass(frozen=True, slots=True)
class _Facts:
    """Facts kept of every session, also after its tape is dropped."""

    digest: str
    state: str
    error: str | None
    scans: tuple[ScanRecord, ...]


class SizedCache:
    """Records in memory by day; beyond `limit` bytes it drops the oldest.

    Incomplete records and the last `fewest` are kept whatever their size.
    """

    def __init__(self, limit: int, fewest: int) -> None:
        self._limit = limit
        self._fewest = fewest
        self._records: dict[date, SessionRecord] = {}
        self._bytes = 0

    def put(self, record: SessionRecord) -> None:
        """Add a record as the latest, replacing one of the same day."""
        day = record.tape.session.trading_day
        self._remove(day)
        self._records[day] = record
        self._bytes += record.tape.nbytes
        if self._bytes <= self._limit:
            return
        for old in list(self._records)[: -self._fewest]:
            if self._records[old].complete:
                self._remove(old)
            if self._bytes <= self._limit:
                return

    def get(self, day: date) -> SessionRecord | None:
        """Return a day's record, or None."""
        return self._records.get(day)

    @property
    def largest(self) -> int:
        """Size of the largest tape in bytes; 1 if the cache is empty."""
        return max((record.tape.nbytes for record in self._records.values()), default=1)

    def _remove(self, day: date) -> None:
        record = self._records.pop(day, None)
        if record is not None:
            self._bytes -= record.tape.nbytes


class TapeCache:
    """Returns each ended session of a run; a `SessionSink`.

    Tapes stay in memory up to `memory_bytes`; the last day's and an incomplete one always stay. Older ones
    are dropped: `recompute` makes them again from the store, and their digest verifies that they are equal.
    Writing every tape to disk instead would cost a run of 500 symbols a third of its speed (docs/tape.md).
    Written by the recorder's thread; any thread may read.
    """

    def __init__(self, recompute: Recompute, memory_bytes: int = MEMORY_BYTES) -> None:
        self._recompute = recompute
        self._memory_bytes = memory_bytes
        self._lock = Lock()  # guards the next four
        self._facts: dict[date, _Facts] = {}
        self._days: list[date] = []
        self._played = SizedCache(memory_bytes, 1)
        self._recomputed = SizedCache(memory_bytes, _FEWEST)
        self._recompute_lock = Lock()  # so that two threads do not recompute the same day

    # The recorder's thread

    def write_session(self, record: SessionRecord, digest: str) -> None:
        """Keep one session that has ended."""
        day = record.tape.session.trading_day
        with self._lock:
            self._facts[day] = _Facts(digest, record.state, record.error, record.scans)
            self._days.append(day)  # played in this order
            self._played.put(record)

    # From any thread

    def days(self) -> tuple[date, ...]:
        """Return the trading days of the ended sessions, oldest first."""
        with self._lock:
            return tuple(self._days)

    def last(self) -> PlayedSession | None:
        """Return the last day, or None before the first session has ended."""
        with self._lock:
            day = self._days[-1] if self._days else None
        return None if day is None else self.cached(day)

    def before(self, trading_day: date) -> date | None:
        """Return the last ended session's day before a trading day, or None."""
        with self._lock:
            at = bisect_left(self._days, trading_day)
            return self._days[at - 1] if at else None

    def after(self, trading_day: date) -> date | None:
        """Return the first ended session's day after a trading day, or None."""
        with self._lock:
            at = bisect_right(self._days, trading_day)
            return self._days[at] if at < len(self._days) else None

    def require_played(self, trading_day: date) -> None:
        """Raise ExportError if a day's session has not ended in this run."""
        days = self.days()
        if trading_day not in days:
            raise ExportError(f"no tape for {trading_day}.{_nearest(days, trading_day)}")

    def verified_frontier(self, tape: Tape) -> int:
        """Return the frontier up to which the day of a recomputed tape had been played.

        ExportError if it was not played, or if the tape differs up to there because the store has changed.
        """
        day = tape.session.trading_day
        self.require_played(day)
        with self._lock:
            facts, played = self._facts[day], self._played.get(day)
        frontier = len(tape) if played is None else played.frontier  # incomplete ones are always in memory
        verify_digest(tape, frontier, facts.digest)
        return frontier

    def cached(self, trading_day: date) -> PlayedSession | None:
        """Return a day if its tape is in memory, else None."""
        record = self._in_memory(trading_day)
        return None if record is None else PlayedSession(record.tape)

    def whole_tape(self, trading_day: date) -> Tape | None:
        """Return a day's tape if it was played to its close and is in memory, else None."""
        record = self._in_memory(trading_day)
        return None if record is None or not record.complete else record.tape

    def session(self, trading_day: date) -> PlayedSession:
        """Return a day as far as it was played; the day before is then in memory, too.

        Tapes that are not in memory are recomputed in the caller's thread: some milliseconds a session, up to
        half a second for 500 symbols. ExportError if the day was not played or the store has changed since;
        StoreError if the store cannot be read.
        """
        with self._recompute_lock:
            self.require_played(trading_day)
            days = self.days()
            at = days.index(trading_day)
            record = self._in_memory(trading_day)
            if record is None or (at and self._in_memory(days[at - 1]) is None):
                self._recompute_days(days[max(0, at + 1 - self._batch_size()) : at + 1])
                record = self._in_memory(trading_day)
        assert record is not None
        return PlayedSession(record.tape)

    def load_ahead(self, trading_day: date) -> None:
        """Have a day in memory, with the day before and some of those after it, for play in their order.

        Runs and raises as `session`.
        """
        with self._recompute_lock:
            self.require_played(trading_day)
            days = self.days()
            first = max(0, days.index(trading_day) - 1)
            part = list(days[first : first + self._batch_size()])
            before = self._in_memory(part[0])
            if before is not None and part[0] != trading_day:
                self._keep(before)  # as the latest, so that the following days do not displace it
                del part[0]
            while len(part) > 1 and self._in_memory(part[-1]) is not None:
                del part[-1]
            self._recompute_days(tuple(part))

    def records(self) -> Iterator[tuple[SessionRecord, str]]:
        """Yield every session as recorded, with its digest, oldest first, a few in memory at a time.

        Raises as `session`.
        """
        with self._lock:
            days, facts = list(self._days), dict(self._facts)
        while days:
            record = self._in_memory(days[0])
            if record is not None:
                yield record, facts[days.pop(0)].digest
                continue
            part = list(islice(days, self._batch_size()))
            for record in self._verified(part[0], part[-1]):
                yield record, facts[days.pop(0)].digest

    def walk(self, days: Sequence[date]) -> Iterator[SessionRecord]:
        """Yield the records of consecutive ended sessions, in the order given: forwards or backwards.

        Sessions that are not in memory are recomputed, a few at a time, and kept as `session` does. Raises as
        `session`.
        """
        left = deque(days)
        while left:
            record = self._in_memory(left[0])
            if record is not None:
                left.popleft()
                yield record
                continue
            part = [*islice(takewhile(lambda day: self._in_memory(day) is None, left), self._batch_size())]
            for _ in part:
                left.popleft()
            first, last = min(part), max(part)
            log.info("recomputing sessions %s to %s", first, last)
            records = map(self._kept, self._verified(first, last))
            yield from records if first == part[0] else reversed(list(records))

    # Internal

    def _kept(self, record: SessionRecord) -> SessionRecord:
        self._keep(record)
        return record

    def _in_memory(self, trading_day: date) -> SessionRecord | None:
        with self._lock:
            return self._played.get(trading_day) or self._recomputed.get(trading_day)

    def _batch_size(self) -> int:
        """Return how many sessions to recompute at once: half of those that fit into the cache."""
        with self._lock:
            return min(_MOST, max(_FEWEST, self._memory_bytes // (2 * self._played.largest)))

    def _recompute_days(self, days: tuple[date, ...]) -> None:
        for record in self._verified(days[0], days[-1]):
            self._keep(record)

    def _keep(self, record: SessionRecord) -> None:
        """Keep a recomputed session, unless the run's own is in memory."""
        with self._lock:
            if self._played.get(record.tape.session.trading_day) is None:
                self._recomputed.put(record)

    def _verified(self, first: date, last: date) -> Iterator[SessionRecord]:
        """Yield recomputed sessions whose digests equal those of the run."""
        for record in self._recompute(first, last):
            day = record.tape.session.trading_day
            with self._lock:
                facts, played = self._facts[day], self._played.get(day)
            if played is not None:
                yield played  # it may be incomplete
                continue
            verify_digest(record.tape, record.frontier, facts.digest)
            yield replace(record, state=facts.state, error=facts.error, scans=facts.scans)


def verify_digest(tape: Tape, frontier: int, expected: str) -> None:
    """Raise ExportError if a recomputed tape differs from the played one up to a frontier."""
    digest = session_digest(tape, frontier)
    if digest != expected:
        raise ExportError(
            f"{tape.session.trading_day} cannot be recomputed as it was played: the store has changed since "
            f"(digest {expected} when played, {digest} now). Run it again to use the changed bars."
        )


def _nearest(days: tuple[date, ...], trading_day: date) -> str:
    if not days:
        return " No session has ended yet."
    nearest = min(days, key=lambda day: abs((day - trading_day).days))
    return f" Available: {days[0]} to {days[-1]}; nearest: {nearest}."
