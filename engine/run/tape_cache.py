"""Sessions of a run that are over: the last ones in memory, those before played again on request."""

from __future__ import annotations

import logging
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from threading import Lock
from typing import Final

from tapedeck.engine.errors import ExportError
from tapedeck.engine.tape.played_session import PlayedSession
from tapedeck.engine.tape.session_record import SessionRecord
from tapedeck.engine.tape.stamp import session_digest
from tapedeck.engine.tape.tape import Tape

log = logging.getLogger(__name__)

MEMORY_BYTES: Final = 64 * 2**20
"""What the tapes in memory may hold together, unless told otherwise; those played again as much once more."""

# Sessions that are played again at once: the day that is looked at, and those before it.
_FEWEST, _MOST = 2, 8

PlayAgain = Callable[[date, date], Iterator[SessionRecord]]
"""Gives the sessions from one trading day to another, as the run played them."""


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is kept of every session, whatever becomes of its tape."""

    digest: str
    state: str
    error: str | None


class SizedCache:
    """Records in memory by day; beyond `limit` bytes the first ones go, but not those that were cut short.

    The last `fewest` stay whatever their size.
    """

    def __init__(self, limit: int, fewest: int) -> None:
        self._limit = limit
        self._fewest = fewest
        self._records: dict[date, SessionRecord] = {}
        self._bytes = 0

    def put(self, record: SessionRecord) -> None:
        """Put a record there, as the last."""
        day = record.tape.session.trading_day
        self._take(day)
        self._records[day] = record
        self._bytes += record.tape.nbytes
        if self._bytes <= self._limit:
            return
        for old in list(self._records)[: -self._fewest]:
            if self._records[old].complete:
                self._take(old)
            if self._bytes <= self._limit:
                return

    def get(self, day: date) -> SessionRecord | None:
        """Return a day's record, None where it is not there."""
        return self._records.get(day)

    @property
    def largest(self) -> int:
        """The bytes of the largest tape there, 1 where there is none."""
        return max((record.tape.nbytes for record in self._records.values()), default=1)

    def _take(self, day: date) -> None:
        record = self._records.pop(day, None)
        if record is not None:
            self._bytes -= record.tape.nbytes


class TapeCache:
    """Gives back each session of a run; a `SessionSink`.

    Tapes stay in memory up to `memory_bytes`, the last day's and one that was cut short in any case. Those
    before are let go: store and session file say all that was in them, so `play_again` makes them anew, and
    the digest proves that they are the same. To write every tape to disk instead takes a run of 500 symbols
    a third of its speed (docs/tape.md). Written by the recorder's thread; anyone may read.
    """

    def __init__(self, play_again: PlayAgain, memory_bytes: int = MEMORY_BYTES) -> None:
        self._play_again = play_again
        self._memory_bytes = memory_bytes
        self._lock = Lock()  # guards what follows
        self._facts: dict[date, _Facts] = {}
        self._days: list[date] = []
        self._held = SizedCache(memory_bytes, 1)
        self._again = SizedCache(memory_bytes, _FEWEST)
        self._playing_again = Lock()  # held while days are made anew, so that none is made twice at once

    # The recorder's thread

    def write_session(self, record: SessionRecord, digest: str) -> None:
        """Keep one session that is over."""
        day = record.tape.session.trading_day
        with self._lock:
            self._facts[day] = _Facts(digest, record.state, record.error)
            self._days.append(day)  # they are played in this order
            self._held.put(record)

    # Anyone

    def days(self) -> tuple[date, ...]:
        """Return the trading days that are there, oldest first."""
        with self._lock:
            return tuple(self._days)

    def last(self) -> PlayedSession | None:
        """Return the last day, None where no session is over."""
        with self._lock:
            day = self._days[-1] if self._days else None
        return None if day is None else self.cached(day)

    def before(self, trading_day: date) -> date | None:
        """Return the last day that is there before another, None where there is none."""
        with self._lock:
            at = bisect_left(self._days, trading_day)
            return self._days[at - 1] if at else None

    def after(self, trading_day: date) -> date | None:
        """Return the first day that is there after another, None where there is none."""
        with self._lock:
            at = bisect_right(self._days, trading_day)
            return self._days[at] if at < len(self._days) else None

    def require_played(self, trading_day: date) -> None:
        """Raise ExportError where a day is not there."""
        days = self.days()
        if trading_day not in days:
            raise ExportError(f"no tape of {trading_day} is kept.{_nearest(days, trading_day)}")

    def verified_frontier(self, tape: Tape) -> int:
        """Return how far the day of a tape that was made anew had been played.

        ExportError where it was not played, or the tape is another up to there, as the store has changed.
        """
        day = tape.session.trading_day
        self.require_played(day)
        with self._lock:
            facts, held = self._facts[day], self._held.get(day)
        frontier = len(tape) if held is None else held.frontier  # one that was cut short is always held
        verify_digest(tape, frontier, facts.digest)
        return frontier

    def cached(self, trading_day: date) -> PlayedSession | None:
        """Return a day where that takes no time, None where it has to be played again."""
        record = self._in_memory(trading_day)
        return None if record is None else PlayedSession(record.tape)

    def session(self, trading_day: date) -> PlayedSession:
        """Return a day as far as it was played; the day before it is at hand then, too.

        Where they are not in memory they are played again, in the caller's thread: some milliseconds a
        session, up to half a second for 500 symbols. ExportError where the day was not played, or the store
        has changed since; StoreError where it cannot be read.
        """
        with self._playing_again:
            self.require_played(trading_day)
            days = self.days()
            at = days.index(trading_day)
            record = self._in_memory(trading_day)
            if record is None or (at and self._in_memory(days[at - 1]) is None):
                self._make_again(days[max(0, at + 1 - self._at_once()) : at + 1])
                record = self._in_memory(trading_day)
        assert record is not None
        return PlayedSession(record.tape)

    def records(self) -> Iterator[tuple[SessionRecord, str]]:
        """Give every session as it was recorded, with its digest, oldest first, a few in memory at a time.

        Raises as `session`.
        """
        with self._lock:
            days, facts = list(self._days), dict(self._facts)
        while days:
            record = self._in_memory(days[0])
            if record is not None:
                yield record, facts[days.pop(0)].digest
                continue
            part = list(islice(days, self._at_once()))
            for record in self._checked(part[0], part[-1]):
                yield record, facts[days.pop(0)].digest

    # Within

    def _in_memory(self, trading_day: date) -> SessionRecord | None:
        with self._lock:
            return self._held.get(trading_day) or self._again.get(trading_day)

    def _at_once(self) -> int:
        """Return how many sessions are made anew at once: half of what may stay in memory."""
        with self._lock:
            return min(_MOST, max(_FEWEST, self._memory_bytes // (2 * self._held.largest)))

    def _make_again(self, days: tuple[date, ...]) -> None:
        log.info("played again, to be looked at: %s to %s", days[0], days[-1])
        for record in self._checked(days[0], days[-1]):
            with self._lock:
                if self._held.get(record.tape.session.trading_day) is None:
                    self._again.put(record)

    def _checked(self, first: date, last: date) -> Iterator[SessionRecord]:
        """Give sessions made anew, each proved to be what was played."""
        for record in self._play_again(first, last):
            day = record.tape.session.trading_day
            with self._lock:
                facts, held = self._facts[day], self._held.get(day)
            if held is not None:
                yield held  # it may have been cut short
                continue
            verify_digest(record.tape, record.frontier, facts.digest)
            yield replace(record, state=facts.state, error=facts.error)


def verify_digest(tape: Tape, frontier: int, expected: str) -> None:
    """Raise ExportError where a tape that was made anew is not what was played up to a frontier."""
    digest = session_digest(tape, frontier)
    if digest != expected:
        raise ExportError(
            f"{tape.session.trading_day} cannot be given back as it was played: the store has changed since "
            f"(its bars gave the digest {expected}, and give {digest}). Play the run again to see the new."
        )


def _nearest(days: tuple[date, ...], trading_day: date) -> str:
    if not days:
        return " No session has ended yet."
    nearest = min(days, key=lambda day: abs((day - trading_day).days))
    return f" Days from {days[0]} to {days[-1]} are; the nearest is {nearest}."
