"""Known bars: a recorded session as strategies knew it, slot by slot, and what they learnt later.

Strategies that walk a session again after a kill are to decide what they decided before. So each slot has the
bars that were known when it was walked, and later versions come at the slot before which they came then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tapedeck.engine.feeds.arrival_journal import ArrivalJournal
from tapedeck.engine.feeds.arrivals import Arrivals
from tapedeck.engine.feeds.day_bounds import LONGEST_REST_S
from tapedeck.engine.feeds.held_bars import HeldBars, Taken
from tapedeck.engine.feeds.recorded_day import RecordedDay
from tapedeck.engine.feeds.walked_part import WalkedPart
from tapedeck.engine.store.bar_store import Floats, Ints


@dataclass(frozen=True, slots=True)
class LaterBars:
    """Bars that were new, or replaced, once strategies had walked their slots; each slot once, m bars.

    `known_at`: slot before which they became known. `rows`, `slots`: int64 (m,); `values`: float64 (5, m).
    """

    known_at: int
    rows: Ints
    slots: Ints
    values: Floats


@dataclass(frozen=True, slots=True)
class KnownBars:
    """Bars of S symbols as they were known when their slots were walked, and what became known later.

    `values`: float64, shape (5, S, n), NaN without a bar; slots that were not walked have the last versions.
    `later`: in the order in which it became known.
    """

    values: Floats
    later: tuple[LaterBars, ...]


def known_bars(
    journal: ArrivalJournal, day: RecordedDay, held: HeldBars, rows: Ints, walks: Sequence[WalkedPart]
) -> KnownBars:
    """Return what was known of some symbols of a day, as the journal has it.

    `held`: has taken the arrivals of the day; `rows`: of the symbols in it, ascending; `walks`: at least one.
    """
    known = _Knowledge(held, rows, walks)
    until = held.until + LONGEST_REST_S
    last_sequences = np.array([part.sequence for part in walks], dtype=np.int64)
    for sequences, arrivals in journal.numbered_arrivals(day.interval, day.since, until):
        parts = np.searchsorted(last_sequences, sequences)
        for part in np.unique(parts).tolist():
            known.walk_to(part)
            known.add(arrivals.take(np.flatnonzero(parts == part)))
    known.walk_to(len(walks))
    known.end_part()
    return KnownBars(known.values, tuple(known.later))


class _Knowledge:
    """What is known before each walked part, one after the other."""

    def __init__(self, held: HeldBars, rows: Ints, walks: Sequence[WalkedPart]) -> None:
        symbols = [held.symbols[row] for row in rows.tolist()]
        self.values: Floats = held.values[:, rows]
        self.later: list[LaterBars] = []
        self._held = HeldBars(symbols, held.interval, held.labels, (held.since, held.until))
        self._rows, self._walks = rows, walks
        self._begins = [*(part.start for part in walks), walks[-1].stop]
        self._part_of = np.full(len(held.labels), len(walks), dtype=np.int64)  # by slot
        for number, part in enumerate(walks):
            self._part_of[part.start : part.stop] = number
        self._part = 0
        self._taken: list[Taken] = []  # before this part

    def add(self, arrivals: Arrivals) -> None:
        """Add arrivals that were known before this part, and not before the one before."""
        self._taken.append(self._held.take(arrivals))

    def walk_to(self, part: int) -> None:
        """Go on to a part, past those before."""
        if part == self._part:
            return
        self.end_part()
        for walked in self._walks[self._part : part]:
            slots = slice(walked.start, walked.stop)
            self.values[:, :, slots] = self._held.values[:, :, slots]
        self._part = part

    def end_part(self) -> None:
        """Note what has become known of slots walked before."""
        if not self._taken:
            return
        rows = np.concatenate([taken.rows for taken in self._taken])
        slots = np.concatenate([taken.slots for taken in self._taken])
        self._taken = []
        is_later = self._part_of[slots] < self._part
        if is_later.any():
            rows, slots = np.unique(np.stack([rows[is_later], slots[is_later]]), axis=1)
            values = self._held.values[:, rows, slots]
            self.later.append(LaterBars(self._begins[self._part], self._rows[rows], slots, values))
