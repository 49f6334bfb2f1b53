"""Breakpoints of a live session: they alert, and the recording goes on."""

from __future__ import annotations

from collections.abc import Callable

from tapedeck.engine.read.snapshot import BreakpointHit
from tapedeck.engine.run.breakpoints import Breakpoints
from tapedeck.engine.tape.tape import Tape


class LiveBreakpoints:
    """Searches each computed slot once; an edition's slots again, for conditions made true by a correction.

    `find_earlier_values` is called before a search; it may handle commands. `on_corrected` takes the hits
    that a correction has made.
    """

    def __init__(
        self,
        breakpoints: Breakpoints,
        find_earlier_values: Callable[[], None],
        on_corrected: Callable[[BreakpointHit], None],
    ) -> None:
        self._breakpoints = breakpoints
        self._find_earlier_values = find_earlier_values
        self._on_corrected = on_corrected
        self._searched = -1
        self._told: set[tuple[int, int]] = set()  # number and frontier of hits; a correction may undo one

    def search(self, tape: Tape) -> None:
        """Record the hits of every frontier computed since the last search.

        While a breakpoint reads the account, as far as strategies have walked.
        """
        computed = tape.computed_frontier()
        if self._breakpoints.read_account and tape.account is not None:
            computed = min(computed, tape.account.record.walked)
        if computed <= self._searched:
            return
        self._find_earlier_values()
        while (found := self._breakpoints.search(tape, self._searched + 1, computed)) is not None:
            self._breakpoints.fire(tape, found)
            self._breakpoints.last_hit = None  # nothing is paused
            self._searched = found
            if found == computed:
                return
        self._searched = computed

    def note(self, tape: Tape) -> None:
        """Take note of the hits that a tape has: one of its symbols may leave, and join again."""
        if self._breakpoints.any_set and self._searched >= 0:
            self._told.update(
                (hit.number, hit.frontier) for hit in self._breakpoints.hits(tape, self._searched)
            )

    def compare(self, before: Tape, after: Tape) -> None:
        """Tell the hits among searched frontiers that `after` has, and no edition before it had."""
        if not self._breakpoints.any_set or self._searched < 0:
            return
        self.note(before)
        for hit in self._breakpoints.hits(after, self._searched):
            if (hit.number, hit.frontier) not in self._told:
                self._told.add((hit.number, hit.frontier))
                self._on_corrected(hit)
