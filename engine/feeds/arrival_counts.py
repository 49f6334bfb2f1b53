"""Counts of arrivals by what became of them."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Final

import numpy as np

from tapedeck.engine.feeds.arrivals import KINDS, MICROSECONDS, Arrivals
from tapedeck.engine.feeds.feed_bar import BarKind
from tapedeck.engine.feeds.held_bars import Taken
from tapedeck.engine.feeds.held_quotes import TakenQuotes
from tapedeck.engine.feeds.outcomes import Outcome
from tapedeck.engine.feeds.quote_arrivals import QuoteArrivals
from tapedeck.engine.feeds.recorder_messages import RecorderCounts
from tapedeck.engine.importers.validation import utc_text
from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.quote_grid import QUOTE_FIELDS

_LEFT_OUT: Final = (Outcome.NOT_OURS, Outcome.INVALID, Outcome.TOO_LATE)  # others are of extended hours
_ASKED: Final = [KINDS.index(BarKind.HISTORY), KINDS.index(BarKind.RECONCILED)]


class ArrivalCounter:
    """Counter of arrivals; see `RecorderCounts`."""

    def __init__(self) -> None:
        self.not_ours = 0
        self._outcomes: Counter[int] = Counter()
        self._late = self._filled = self._early = 0
        self._told: set[tuple[date, str]] = set()
        self.quotes_left_out = 0
        self._quotes: Counter[int] = Counter()
        self._told_of_quotes: set[tuple[date, str]] = set()

    def count(self, arrivals: Arrivals, taken: Taken, interval: Interval, frontier: int) -> None:
        """Count a batch; `frontier`: number of slots of its session that are revealed."""
        self._outcomes.update(taken.outcomes.tolist())
        is_new = taken.outcomes[taken.at_slots] == Outcome.NEW
        is_behind = is_new & (taken.slots < frontier)
        is_asked = np.isin(arrivals.kinds[taken.at_slots], _ASKED)
        self._late += int(np.count_nonzero(is_behind & ~is_asked))
        self._filled += int(np.count_nonzero(is_behind & is_asked))
        ends = (arrivals.opened_at[taken.at_slots] + interval.seconds) * MICROSECONDS
        self._early += int(np.count_nonzero(arrivals.received[taken.at_slots] < ends))

    def count_quotes(self, taken: TakenQuotes) -> None:
        """Count a batch of quotes."""
        self._quotes.update(taken.outcomes.tolist())

    def new_quote_fault(self, arrivals: QuoteArrivals, taken: TakenQuotes, trading_day: date) -> str:
        """Return the first fault of a symbol's quotes that had none on that day; "" without one."""
        for at in np.flatnonzero(taken.outcomes == Outcome.INVALID).tolist():
            key = (trading_day, arrivals.symbols[at])
            if key not in self._told_of_quotes:
                self._told_of_quotes.add(key)
                values = ", ".join(
                    f"{name.replace('_', ' ')} {value:g}"
                    for name, value in zip(QUOTE_FIELDS, arrivals.values[:, at].tolist(), strict=True)
                )
                return f"invalid quote of {key[1]}, {utc_text(arrivals.opened_at[at])}: {values}"
        return ""

    def new_fault(self, arrivals: Arrivals, taken: Taken, trading_day: date) -> str:
        """Return the first fault of a symbol that had none on that day; "" without one."""
        for at, fault in taken.faults.items():
            key = (trading_day, arrivals.symbols[at])
            if key not in self._told:
                self._told.add(key)
                return f"invalid bar of {key[1]}, {utc_text(arrivals.opened_at[at])}: {fault}"
        return ""

    def counts(self) -> RecorderCounts:
        """Return the counts so far."""
        of = self._outcomes
        not_ours = of[Outcome.NOT_OURS]
        return RecorderCounts(
            bars=of.total() - not_ours,
            duplicates=of[Outcome.SAME],
            late=self._late,
            filled=self._filled,
            corrected=of[Outcome.REPLACED],
            refused=of[Outcome.REFUSED] + of[Outcome.TOO_LATE],
            early=self._early,
            off_raster=of[Outcome.OFF_RASTER],
            invalid=of[Outcome.INVALID],
            not_ours=not_ours + self.not_ours,
            quotes=self._quotes[Outcome.NEW] + self._quotes[Outcome.REPLACED],
            quotes_left_out=self.quotes_left_out + sum(self._quotes[outcome] for outcome in _LEFT_OUT),
        )
