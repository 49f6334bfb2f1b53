"""Breakpoints of the past that plays: found session by session, in a thread, before they are reached."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from tapedeck.engine.conditions import NumberedConditions
from tapedeck.engine.read.snapshot import BreakpointHit
from tapedeck.engine.tape.played_session import PlayedSession

_KEPT: Final = 3
_FRONTIER: Final = attrgetter("frontier")

Hits = tuple[BreakpointHit, ...]


@dataclass(frozen=True, slots=True)
class HitSearch:
    """A search of a session, as far as it is played, for the breakpoints set; `run` is for a thread."""

    session: PlayedSession
    conditions: NumberedConditions
    frontier: int
    edition: int
    search: Callable[[PlayedSession, NumberedConditions], Hits]

    def run(self) -> Hits:
        """Return the hits. Raises as `SystemManager.past_hits`."""
        return self.search(self.session, self.conditions)


class PastHits:
    """The hits of the last few sessions that were searched; found anew when breakpoints change."""

    def __init__(
        self,
        conditions: Callable[[], NumberedConditions],
        search: Callable[[PlayedSession, NumberedConditions], Hits],
    ) -> None:
        self._conditions = conditions
        self._search = search
        self._found: list[tuple[HitSearch, Hits]] = []

    def missing(self, session: PlayedSession) -> HitSearch | None:
        """Return the search that a session needs before it plays, or None."""
        if self._of(session) is not None:
            return None
        return HitSearch(session, self._conditions(), session.frontier, session.view().edition, self._search)

    def put(self, search: HitSearch, hits: Hits) -> None:
        """Keep the hits of a search."""
        self._found = [*self._found[1 - _KEPT :], (search, hits)]

    def first(self, session: PlayedSession, start: int, stop: int) -> BreakpointHit | None:
        """Return the first hit at the frontiers start … stop of a session that was searched, or None."""
        hits = self._of(session) or ()
        at = bisect_left(hits, start, key=_FRONTIER)
        return hits[at] if at < len(hits) and hits[at].frontier <= stop else None

    def _of(self, session: PlayedSession) -> Hits | None:
        """Return the hits of a session, None if it must be searched."""
        conditions = self._conditions()
        if not conditions:
            return ()
        edition = session.view().edition  # a correction may have made conditions true, or false
        for search, hits in reversed(self._found):
            is_known = (search.session, search.conditions, search.edition) == (session, conditions, edition)
            if is_known and search.frontier >= session.frontier:
                return hits
        return None
