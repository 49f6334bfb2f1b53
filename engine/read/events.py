"""What happened in a run, as one numbered list: gaps, breaks, bookmarks, errors, sessions."""

from __future__ import annotations

from collections import deque
from operator import attrgetter
from threading import RLock
from typing import Final

from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.errors import EngineError
from tapedeck.engine.read.event import Event, EventKind
from tapedeck.engine.read.gap_events import GapTracker
from tapedeck.engine.tape.tape import Tape

__all__ = ["Event", "EventKind", "EventLog"]

_MARKS_KEPT: Final = 5_000
_SESSIONS_KEPT: Final = 2_000
_GAPS_KEPT: Final = 2_000
_ORDER: Final = attrgetter("place", "number")


class EventLog:
    """What happened, in the order of the market's clock; anyone may add, and anyone may read.

    The latest few thousand are kept, of gaps, of sessions' begins and ends, and of all else apart, so that
    neither a market full of holes nor a run of many years pushes out what a user marked.
    """

    def __init__(self, *, marks_kept: int = _MARKS_KEPT, gaps_kept: int = _GAPS_KEPT) -> None:
        self._lock = RLock()  # guards all below
        self._number = 0
        self._latest = 0
        self._marks: deque[Event] = deque(maxlen=marks_kept)
        self._sessions: deque[Event] = deque(maxlen=_SESSIONS_KEPT)
        self._gaps: deque[Event] = deque(maxlen=gaps_kept)
        self._gaps_kept = gaps_kept
        self._gaps_begun = 0
        self._finished: deque[GapTracker] = deque()
        self._gaps_finished = 0
        self._tape: Tape | None = None
        self._tracker: GapTracker | None = None
        self._listed: tuple[Event, ...] | None = ()
        self._gaps_listed = 0

    def begin_session(self, tape: Tape, *, frontier: int = 0) -> None:
        """Follow a session that has just been activated."""
        with self._lock:
            self._tape = tape
            self._tracker = None
            if tape.scores is not None and not tape.base.full:
                self._tracker = GapTracker(tape)
            early = ", early close" if tape.session.is_early_close else ""
            close = tape.session.regular_close.astimezone(tape.session.zone)
            self.add(EventKind.SESSION, f"session opens, to {close:%H:%M}{early}", frontier=frontier)

    def end_session(self) -> None:
        """Let the session go that is over; its events stay."""
        with self._lock:
            if self._tape is None:
                return
            self.add(EventKind.SESSION, "session is over", frontier=self._tape.frontier)
            if self._tracker is not None:
                self._tracker.finish()
                self._finished.append(self._tracker)
                self._gaps_finished += self._tracker.count
                while self._gaps_finished - self._finished[0].count >= self._gaps_kept:
                    self._gaps_finished -= self._finished.popleft().count
            self._tape = self._tracker = None

    def add(
        self,
        kind: EventKind,
        text: str,
        *,
        frontier: int | None = None,
        symbol: str | None = None,
        tape: Tape | None = None,
    ) -> Event:
        """Add an event at a frontier of the session under way (None: where it stands), and return it.

        `tape`: another session's, such as the last one when the run is over.
        """
        with self._lock:
            self._look_for_gaps()
            self._number += 1
            tape = tape or self._tape
            if tape is None:
                event = Event(self._number, kind, None, None, None, symbol, text, self._latest)
            else:
                at = tape.frontier if frontier is None else frontier
                if not 0 <= at <= len(tape):
                    raise EngineError(f"slot {at} is outside the session's {len(tape)} slots")
                place, day = tape.slots.clock(at), tape.session.trading_day
                self._latest = max(self._latest, place)
                event = Event(self._number, kind, at - 1, day, utc_from_epoch(place), symbol, text, place)
            (self._sessions if kind is EventKind.SESSION else self._marks).append(event)
            self._listed = None
            return event

    def events(self) -> tuple[Event, ...]:
        """Return the events that are kept, by `place` and number; the same tuple until something changes."""
        with self._lock:
            return self._list()

    def unlisted_gaps(self) -> int:
        """Return how many gaps have begun that `events` no longer has."""
        with self._lock:
            self._list()
            return self._gaps_begun - self._gaps_listed

    def _list(self) -> tuple[Event, ...]:
        self._look_for_gaps()
        if self._listed is None:
            while self._finished:  # put into words only where somebody asks
                self._gaps += self._finished.popleft().gaps(self._gaps_kept)
            self._gaps_finished = 0
            gaps = list(self._gaps)
            if self._tracker is not None:
                gaps = [*gaps, *self._tracker.gaps(self._gaps_kept)][-self._gaps_kept :]
            self._gaps_listed = len(gaps)
            self._listed = tuple(sorted((*self._sessions, *self._marks, *gaps), key=_ORDER))
        return self._listed

    def _look_for_gaps(self) -> None:
        """Give numbers to the gaps that have begun since the last look, and learn where others ended."""
        if self._tracker is None or self._tape is None:
            return
        before = self._number
        self._number, changed = self._tracker.advance(self._tape.frontier, before)
        self._gaps_begun += self._number - before
        if changed:
            self._listed = None
