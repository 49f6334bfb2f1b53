"""Known quotes: the quotes of a recorded session as strategies knew them, slot by slot.

As `known_bars`. A symbol's quotes are made of closes until its first quote is known, in all slots: so before
that moment nothing of them may be known, not even those of slots that were walked later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tapedeck.engine.feeds.arrival_journal import ArrivalJournal
from tapedeck.engine.feeds.day_bounds import LONGEST_REST_S
from tapedeck.engine.feeds.held_bars import HeldBars
from tapedeck.engine.feeds.held_quotes import HeldQuotes
from tapedeck.engine.feeds.quote_arrivals import QuoteArrivals
from tapedeck.engine.feeds.recorded_day import RecordedDay
from tapedeck.engine.feeds.walked_part import WalkedPart
from tapedeck.engine.store.bar_store import Floats, Ints


@dataclass(frozen=True, slots=True)
class KnownQuotes:
    """Quotes that became known before slot `known_at` was walked; each slot of a symbol once, m in all.

    `rows`, `slots`: int64 (m,); `values`: float64 (4, m), NaN in all for a quote that was not known at the
    open.
    """

    known_at: int
    rows: Ints
    slots: Ints
    values: Floats


def known_quotes(
    journal: ArrivalJournal, day: RecordedDay, held: HeldBars, rows: Ints, walks: Sequence[WalkedPart]
) -> list[KnownQuotes]:
    """Return what was known of some symbols of a day, as the journal has it, in the order of `known_at`.

    The first one, of the open, has each quote of theirs that is held. `held`: with the quotes of the day;
    `rows`: of the symbols in it, ascending; `walks`: at least one.
    """
    known = _Knowledge(held, rows, walks)
    last_sequences = np.array([part.sequence for part in walks], dtype=np.int64)
    for sequences, arrivals in journal.numbered_quotes(day.interval, day.since, held.until + LONGEST_REST_S):
        parts = np.searchsorted(last_sequences, sequences)
        for part in np.unique(parts).tolist():
            known.go_to(part)
            known.add(arrivals.take(np.flatnonzero(parts == part)))
    known.go_to(len(walks) + 1)
    return known.found()


class _Knowledge:
    """What is known before each walked part, one after the other; the last part is all after them."""

    def __init__(self, held: HeldBars, rows: Ints, walks: Sequence[WalkedPart]) -> None:
        assert held.quotes is not None  # they are asked for
        symbols = [held.symbols[row] for row in rows.tolist()]
        self._all, self._rows = held.quotes, rows
        self._begins = [*(part.start for part in walks), walks[-1].stop]
        self._part_of = np.full(len(held.labels), len(walks), dtype=np.int64)  # by slot
        for number, one in enumerate(walks):
            self._part_of[one.start : one.stop] = number
        bounds = held.since, held.until
        self._quotes = HeldQuotes(len(rows), held.labels)
        self._held = HeldBars(symbols, held.interval, held.labels, bounds, quotes=self._quotes)
        self._on_time = np.full_like(self._quotes.values, np.nan)
        """Quotes as they were known when their slots were walked."""
        self._first_part = np.full(len(rows), len(self._begins), dtype=np.int64)
        """Part before which the first quote of each symbol was known."""
        self._later: list[KnownQuotes] = []
        self._part = 0
        self._taken: list[tuple[Ints, Ints]] = []  # rows and slots, before this part

    def add(self, arrivals: QuoteArrivals) -> None:
        """Add quotes that were known before this part, and not before the one before."""
        taken = self._held.take_quotes(arrivals)
        self._taken.append((taken.rows, taken.slots))

    def go_to(self, part: int) -> None:
        """Go on to a part, past those before."""
        while self._part < part:
            self._walk()
            self._part += 1

    def found(self) -> list[KnownQuotes]:
        """Return what was known, in the order of `known_at`."""
        at, slots = self._all.quoted(self._rows)
        first = self._first_part[at]
        values = np.where(first == 0, self._on_time[:, at, slots], np.nan)
        found = [KnownQuotes(0, self._rows[at], slots, values)]
        for part in np.unique(first[(first > 0) & (first < len(self._begins))]).tolist():
            own = np.flatnonzero((first == part) & ~np.isnan(self._on_time[:2, at, slots]).all(axis=0))
            values = self._on_time[:, at[own], slots[own]]
            found.append(KnownQuotes(self._begins[part], self._rows[at[own]], slots[own], values))
        # Of one slot, those of a symbol's first part come before those that were later.
        return sorted([*found, *self._later], key=lambda one: one.known_at)

    def _walk(self) -> None:
        """Walk this part: note what was known of its slots, and what has become known of those before."""
        here = self._part_of == self._part
        self._on_time[:, :, here] = self._quotes.values[:, :, here]
        if not self._taken:
            return
        rows, slots = (np.concatenate(columns) for columns in zip(*self._taken, strict=True))
        self._taken = []
        self._first_part[rows] = np.minimum(self._first_part[rows], self._part)
        is_later = self._part_of[slots] < self._part
        if is_later.any():
            rows, slots = np.unique(np.stack([rows[is_later], slots[is_later]]), axis=1)
            values = self._quotes.values[:, rows, slots]
            self._later.append(KnownQuotes(self._begins[self._part], self._rows[rows], slots, values))
