"""Moment search: where a condition became true in the played sessions of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Protocol

import numpy as np

from tapedeck.engine.read.moments import FIRST_MOMENTS, Moment, MomentCount
from tapedeck.engine.run.tape_cache import TapeCache
from tapedeck.engine.strategies.entry_moments import EntryMoments
from tapedeck.engine.tape.bar_grid import Ints, Mask
from tapedeck.engine.tape.tape import Tape

Place = tuple[date, int]
"""A trading day and a frontier of its session."""
Progress = Callable[[date, int, int], None]
"""Called before each session that is searched: its day, the sessions searched so far, and all of them."""


class Searched(Protocol):
    """What is searched for: a condition, or the entry rule of a strategy."""

    def becomes_true(self, tape: Tape, start: int, stop: int, *, armed_at: int = -1) -> Mask:
        """Return where it becomes true, as `Condition.becomes_true`."""
        ...


class MomentSearch:
    """Searches the sessions that were played until it is made; in the caller's thread, the run continues.

    `current`: the current session's tape and the frontier up to which it is computed, or None.
    `first_frontier`: the frontier at which a tape began to play. `cancelled` is polled before each session.
    Sessions that are not in memory are recomputed a few at a time, so memory is bounded. A symbol that joined
    a session counts from its open, one that left up to then.
    """

    def __init__(
        self,
        tape_cache: TapeCache,
        current: tuple[Tape, int] | None,
        *,
        first_frontier: Callable[[Tape], int],
        on_progress: Progress,
        cancelled: Callable[[], bool],
    ) -> None:
        self._tape_cache = tape_cache
        self._current = current
        self._first_frontier = first_frontier
        self._on_progress = on_progress
        self._cancelled = cancelled

    def find_next(self, condition: Searched, after: Place | None) -> Moment | None:
        """Return the first moment after a place, or of the run; None if there is none, or if cancelled."""
        days = [day for day in self._days() if after is None or day >= after[0]]
        for tape, frontier in self._tapes(days):
            start = after[1] + 1 if after is not None and tape.session.trading_day == after[0] else 0
            found = self._moments(condition, tape, start, frontier)
            if len(found):
                return self._moment(condition, tape, int(found[0]))
        return None

    def find_previous(self, condition: Searched, before: Place | None) -> Moment | None:
        """Return the last moment before a place, or of the run; None if there is none, or if cancelled."""
        days = [day for day in self._days() if before is None or day <= before[0]]
        for tape, frontier in self._tapes(days[::-1]):
            is_same_day = before is not None and tape.session.trading_day == before[0]
            stop = min(frontier, before[1] - 1) if before is not None and is_same_day else frontier
            found = self._moments(condition, tape, 0, stop)
            if len(found):
                return self._moment(condition, tape, int(found[-1]))
        return None

    def count(self, condition: Searched) -> MomentCount | None:
        """Count all moments; None if cancelled."""
        count, last = 0, None
        first: list[Moment] = []
        for tape, frontier in self._tapes(self._days()):
            found = self._moments(condition, tape, 0, frontier)
            count += len(found)
            first += [self._moment(condition, tape, int(at)) for at in found[: FIRST_MOMENTS - len(first)]]
            if len(found):
                last = self._moment(condition, tape, int(found[-1]))
        return None if self._cancelled() else MomentCount(count, tuple(first), last)

    def _days(self) -> list[date]:
        """Return the days of all sessions, oldest first."""
        ended = self._tape_cache.days()
        if self._current is None:
            return list(ended)
        current = self._current[0].session.trading_day  # the run may have gone on since
        return [*(day for day in ended if day < current), current]

    def _tapes(self, days: list[date]) -> Iterator[tuple[Tape, int]]:
        """Yield each day's tape, with the frontier up to which it was played."""
        current = None if self._current is None else self._current[0].session.trading_day
        ended = self._tape_cache.walk([day for day in days if day != current])
        for number, day in enumerate(days):
            if self._cancelled():
                return
            self._on_progress(day, number, len(days))
            if self._current is not None and day == current:
                tape, frontier = self._current
            else:
                record = next(ended)
                tape, frontier = record.tape, record.frontier
            yield tape.whole(), frontier

    def _moments(self, condition: Searched, tape: Tape, start: int, stop: int) -> Ints:
        """Return the frontiers of start … stop where a condition becomes true."""
        first = self._first_frontier(tape)
        start = max(first, start)
        if start > stop:
            return np.empty(0, dtype=np.int64)
        return start + np.flatnonzero(condition.becomes_true(tape, start, stop, armed_at=first - 1))

    def _moment(self, condition: Searched, tape: Tape, frontier: int) -> Moment:
        if not isinstance(condition, EntryMoments):
            return Moment.of(tape, frontier)
        armed_at = self._first_frontier(tape) - 1
        return Moment.of(tape, frontier, condition.symbols_at(tape, frontier, armed_at=armed_at))
