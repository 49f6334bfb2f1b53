"""What happened in a run, as one numbered list: gaps, breaks, bookmarks, errors, sessions."""

from __future__ import annotations

from collections import deque
from operator import attrgetter
from threading import RLock
from typing import Final

from engine.clock.slots import utc_from_epoch
from engine.errors import EngineError
from engine.monitoring.event import Event, EventKind
from engine.monitoring.gap_events import GapTracker
from engine.tape.tape import Tape

__all__ = ["Event", "EventKind", "EventLog"]

_KEPT: Final = 5_000
_GAPS_KEPT: Final = 2_000


class EventLog:
    """Events in the order in which they were known; anyone may add, and anyone may read.

    The latest few thousand are kept, gaps apart from the others, so that a market full of holes does not push
    out what a user marked.
    """

    def __init__(self, *, kept: int = _KEPT, gaps_kept: int = _GAPS_KEPT) -> None:
        self._lock = RLock()  # guards all below
        self._number = 0
        self._marks: deque[Event] = deque(maxlen=kept)
        self._gaps_kept = gaps_kept
        self._finished: deque[GapTracker] = deque()
        self._tape: Tape | None = None
        self._tracker: GapTracker | None = None
        self._listed: tuple[Event, ...] | None = ()

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
            while sum(tracker.count for tracker in list(self._finished)[1:]) >= self._gaps_kept:
                self._finished.popleft()
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
                event = Event(self._number, kind, None, None, None, symbol, text)
            else:
                at = tape.frontier if frontier is None else frontier
                if not 0 <= at <= len(tape):
                    raise EngineError(f"slot {at} is outside the session's {len(tape)} slots")
                clock = utc_from_epoch(tape.slots.clock(at))
                event = Event(self._number, kind, at - 1, tape.session.trading_day, clock, symbol, text)
            self._marks.append(event)
            self._listed = None
            return event

    def events(self, after: int = 0) -> tuple[Event, ...]:
        """Return the events with a number past `after`; the same tuple as long as nothing has changed."""
        with self._lock:
            self._look_for_gaps()
            if self._listed is None:
                self._listed = tuple(sorted((*self._marks, *self._gaps()), key=attrgetter("number")))
            listed = self._listed
        if not after or not listed or listed[0].number > after:
            return listed
        return tuple(event for event in listed if event.number > after)

    def _look_for_gaps(self) -> None:
        """Give numbers to the gaps that have begun since the last look, and learn where others ended."""
        if self._tracker is None or self._tape is None:
            return
        before = self._number
        self._number, changed = self._tracker.advance(self._tape.frontier, before)
        if changed:
            self._listed = None

    def _gaps(self) -> list[Event]:
        """Return the latest gaps."""
        trackers = [*self._finished, *([self._tracker] if self._tracker is not None else [])]
        gaps: list[Event] = []
        for tracker in reversed(trackers):
            gaps += tracker.gaps(self._gaps_kept - len(gaps)) if len(gaps) < self._gaps_kept else []
        return gaps
