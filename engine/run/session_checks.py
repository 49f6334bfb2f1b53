"""Checks of each session that has ended: stored bars that no session plays, and daily bars that differ."""

from __future__ import annotations

from tapedeck.engine.clock.unplayed_bars import PlaceTally, describe_unplayed
from tapedeck.engine.intervals import DAY
from tapedeck.engine.quality.day_differences import DayDifference, find_difference
from tapedeck.engine.run.session_loader import LoadedSession
from tapedeck.engine.streams.stream_plan import StreamPlan
from tapedeck.engine.tape.buckets import made_bars


class SessionChecks:
    """Findings in the sessions that have ended so far, which no value depends on.

    Written by the coordinator's thread; any thread may read `warnings`.
    """

    def __init__(self, plan: StreamPlan) -> None:
        self._plan = plan
        self._left_out: PlaceTally | None = None
        self._difference: DayDifference | None = None
        self._told_unplayed = False
        # Kept for the next frame: the sentence about many symbols takes milliseconds.
        self._described: tuple[PlaceTally, str | None] | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """One sentence for each kind of finding, with counts of the sessions that have ended."""
        return tuple(text for text in (self._unplayed(), self._different_days()) if text is not None)

    def end_session(self, loaded: LoadedSession) -> tuple[str, ...]:
        """Check a session that has ended; return the sentences about what is found for the first time."""
        found = []
        if loaded.left_out is not None:
            before = self._left_out
            self._left_out = loaded.left_out if before is None else before + loaded.left_out
            if self._left_out.any_unplayed and not self._told_unplayed:
                self._told_unplayed = True
                found.append(self._unplayed())
        if self._difference is None:
            self._difference = self._compare_days(loaded)
            found.append(self._different_days())
        return tuple(text for text in found if text is not None)

    def _unplayed(self) -> str | None:
        tally = self._left_out
        if tally is None or not tally.any_unplayed:
            return None
        if self._described is None or self._described[0] is not tally:
            bars = dict(zip(self._plan.symbols, tally.unplayed(), strict=True))
            self._described = tally, describe_unplayed(bars, self._plan.base)
        return self._described[1]

    def _different_days(self) -> str | None:
        return None if self._difference is None else self._difference.describe(self._plan.base)

    def _compare_days(self, loaded: LoadedSession) -> DayDifference | None:
        """Compare the stored bars of the session's day with those derived from its base bars."""
        rows = list(self._plan.compared_days)
        if loaded.stored_day is None or not rows:
            return None
        derived = made_bars(loaded.base, loaded.slots, DAY, self._plan.min_completeness)
        symbols = [self._plan.symbols[row] for row in rows]
        day = loaded.slots.session.trading_day
        return find_difference(symbols, day, loaded.stored_day, derived.values[:, rows, 0])
