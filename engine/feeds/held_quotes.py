"""Held quotes: the last quotes of a session's slots, as the messages of a feed add up to.

The rule: a quote is not held if its symbol is not of the session, its time is that of no slot, it has no
price, or a number that no quote has, or if its session takes no more. Of the others, each side with a price
takes the place of the one held, with its size. Equal values change nothing.

Quotes of the hour after the close are kept for the session that may begin there while this one is compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tapedeck.engine.feeds.arrivals import Codes
from tapedeck.engine.feeds.feed_quote import FeedQuote
from tapedeck.engine.feeds.outcomes import Outcome, rounds
from tapedeck.engine.feeds.quote_arrivals import QuoteArrivals
from tapedeck.engine.store.bar_store import Floats, Ints
from tapedeck.engine.store.quote_store import QuoteColumns
from tapedeck.engine.tape.bar_grid import Mask
from tapedeck.engine.tape.quote_grid import ASK, ASK_SIZE, BID, BID_SIZE, QUOTE_FIELDS

_PRICES: Final = slice(BID, ASK + 1)
_SIZES: Final = slice(BID_SIZE, ASK_SIZE + 1)
_NOT_OURS: Final = -1
_KEPT_AFTER_S: Final = 3600
_NEVER: Final = 2**62


@dataclass(frozen=True, slots=True)
class TakenQuotes:
    """What a batch of n quotes changed.

    `outcomes`: shape (n,), of `Outcome`. `changed`: positions of those that are new or replaced, int64.
    `at_slots`: of these, the ones in slots, shape (m,), with their `rows` and `slots`.
    """

    outcomes: Codes
    changed: Ints
    at_slots: Ints
    rows: Ints
    slots: Ints


class HeldQuotes:
    """The quotes of S symbols at n times of a trading day, by the rows of its bars.

    `labels`: the times, seconds UTC, ascending, shape (n,). `values`: float64, shape (4, S, n), fields as in
    `QUOTE_FIELDS`, NaN without a price. `unstored`: bool, shape (S, n): quotes that the store lacks.
    `closes`: seconds UTC, from which on quotes are kept for the next session; None to keep none.
    """

    def __init__(self, symbols: int, labels: Ints, closes: int | None = None) -> None:
        self.labels = labels
        self._kept_since = _NEVER if closes is None else closes
        self._later: dict[tuple[int, int], Floats] = {}  # by row and time, (4,)
        self.values: Floats = np.full((len(QUOTE_FIELDS), symbols, len(labels)), np.nan)
        self.unstored: Mask = np.zeros((symbols, len(labels)), np.bool_)

    def add_rows(self, symbols: int) -> None:
        """Hold quotes of further symbols, in the rows after those before."""
        blank = ((0, symbols), (0, 0))
        self.values = np.pad(self.values, ((0, 0), *blank), constant_values=np.nan)
        self.unstored = np.pad(self.unstored, blank)

    def take(self, arrivals: QuoteArrivals, rows: Ints, closed_before: int) -> TakenQuotes:
        """Take quotes in the order received, and return what they changed.

        `rows`: of their symbols, -1 for others; `closed_before`: seconds UTC from which on quotes are taken.
        """
        times, values = arrivals.opened_at, stored_form(arrivals.values)
        slots = np.searchsorted(self.labels, times)
        outcomes = np.full(len(rows), Outcome.NEW, np.int8)
        outcomes[times < closed_before] = Outcome.TOO_LATE
        outcomes[~_are_quotes(values)] = Outcome.INVALID
        is_in_slot = np.append(self.labels, _NEVER)[slots] == times
        is_later = (times >= self._kept_since) & (times < self._kept_since + _KEPT_AFTER_S)
        outcomes[~(is_in_slot | is_later)] = Outcome.OFF_RASTER
        outcomes[rows == _NOT_OURS] = Outcome.NOT_OURS
        is_held = outcomes == Outcome.NEW
        inside = np.flatnonzero(is_held & is_in_slot)
        for chosen in rounds(inside, rows[inside] * len(self.labels) + slots[inside]):
            outcomes[chosen] = self._put(rows[chosen], slots[chosen], values[:, chosen])
        for at in np.flatnonzero(is_held & ~is_in_slot).tolist():
            outcomes[at] = self._keep((int(rows[at]), int(times[at])), values[:, at])
        changed = np.flatnonzero(outcomes <= Outcome.REPLACED)
        at_slots = changed[is_in_slot[changed]]
        return TakenQuotes(outcomes, changed, at_slots, rows[at_slots], slots[at_slots])

    def hand_over_from(self, time: int, symbols: Sequence[str]) -> QuoteArrivals:
        """Forget the quotes kept from `time` on, and return them for the session that has them.

        `symbols`: by row.
        """
        keys = sorted(key for key in self._later if key[1] >= time)
        quotes = [FeedQuote(symbols[row], at, *self._later.pop((row, at)).tolist()) for row, at in keys]
        return QuoteArrivals.of(quotes, 0)

    def quoted(self, rows: Ints) -> tuple[Ints, Ints]:
        """Return positions in `rows` and slots of the quotes held, int64 (m,) each, by row, then slot."""
        at, slots = np.nonzero(~np.isnan(self.values[_PRICES, rows]).all(axis=0))
        return at, slots

    def to_store(self) -> tuple[Ints, QuoteColumns]:
        """Return the quotes that the store lacks, sorted by row, then time, and the row of each."""
        rows, slots = np.divmod(np.flatnonzero(self.unstored), max(1, len(self.labels)))
        return rows, QuoteColumns(self.labels[slots], *self.values[:, rows, slots])

    def mark_stored(self) -> None:
        """Take note that the store has all that is held now."""
        self.unstored[:] = False

    @property
    def unstored_quotes(self) -> int:
        """Number of quotes that the store lacks."""
        return int(np.count_nonzero(self.unstored))

    def _put(self, rows: Ints, slots: Ints, values: Floats) -> Codes:
        """Put quotes of different slots in place; return their outcomes."""
        merged, outcomes = _merged(self.values[:, rows, slots], values)
        changed = outcomes != Outcome.SAME
        self.values[:, rows[changed], slots[changed]] = merged[:, changed]
        self.unstored[rows[changed], slots[changed]] = True
        return outcomes

    def _keep(self, key: tuple[int, int], values: Floats) -> int:
        held = self._later.get(key, np.full(len(QUOTE_FIELDS), np.nan))
        merged, outcomes = _merged(held[:, None], values[:, None])
        self._later[key] = merged[:, 0]
        return int(outcomes[0])


def _merged(held: Floats, values: Floats) -> tuple[Floats, Codes]:
    """Return quotes (4, n) with the sides that have a new price, and what became of each."""
    is_new = np.isnan(held[_PRICES]).all(axis=0)
    merged = np.where(np.tile(~np.isnan(values[_PRICES]), (2, 1)), values, held)
    is_same = ((merged == held) | (np.isnan(merged) & np.isnan(held))).all(axis=0)
    outcomes = np.where(is_new, Outcome.NEW, Outcome.REPLACED).astype(np.int8)
    outcomes[is_same] = Outcome.SAME
    return merged, outcomes


def stored_form(values: Floats) -> Floats:
    """Return quotes (4, n) as stores hold them: a side with a price of 0 is missing, with its size."""
    made = values + 0.0  # no negative zeros
    prices = made[_PRICES]
    prices[prices == 0] = np.nan
    made[_SIZES][np.isnan(prices)] = np.nan
    return made


def _are_quotes(values: Floats) -> Mask:
    """Return which quotes (4, n) have a price, and no number that none has: negative, or infinite."""
    is_missing = np.isnan(values)
    is_sound = is_missing | (np.isfinite(values) & (values >= 0))
    return np.asarray(is_sound.all(axis=0) & ~is_missing[_PRICES].all(axis=0), np.bool_)
