"""Held bars: what the versions of a session's bars add up to.

The rule: an arrival is not held if its symbol is not of the session, its time is not on the raster of the
interval or not of the trading day, the bar is invalid by the rules of imports, or its session takes no more
bars. Of the others, a version takes the place of the one held if its precedence is the same or higher. Equal
values change nothing; only their precedence rises.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tapedeck.engine.clock.slots import SessionSlots, epoch_seconds
from tapedeck.engine.feeds.arrivals import PRECEDENCE, Arrivals, Codes
from tapedeck.engine.feeds.day_bounds import LONGEST_REST_S, day_bounds
from tapedeck.engine.feeds.held_quotes import HeldQuotes, TakenQuotes
from tapedeck.engine.feeds.outcomes import Outcome, rounds
from tapedeck.engine.feeds.quote_arrivals import QuoteArrivals
from tapedeck.engine.importers.validation import validate_each
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_store import BarColumns, Floats, Ints

Mask = NDArray[np.bool_]
_NONE: Final = -1
_NEVER: Final = 2**62
_Key = tuple[int, int]  # of a bar outside the slots: row and time


@dataclass(frozen=True, slots=True)
class Taken:
    """What a batch of n arrivals changed.

    `outcomes`: shape (n,), of `Outcome`. `at_slots`: positions of the arrivals that lie in slots and are new
    or replaced, shape (m,), with their `rows` and `slots`. `faults`: reasons of the invalid ones by position.
    """

    outcomes: Codes
    at_slots: Ints
    rows: Ints
    slots: Ints
    faults: dict[int, str]


class HeldBars:
    """The bars of S symbols at n times of a trading day (its slots), and at others (extended hours).

    Symbols may join and leave; a row is never that of another symbol.

    `labels`: the times, seconds UTC, ascending, shape (n,). `values`: float64, shape (5, S, n), NaN without a
    bar. `kinds`: int8, shape (S, n): the kind of the version held, -1 without one. `unstored`: bool, shape
    (S, n): bars that are not in the store yet. `closed_before`: bars before this time are not taken.
    `quotes`: those of the same rows and times; None for a session without quotes.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        interval: Interval,
        labels: Ints,
        bounds: tuple[int, int],
        *,
        quotes: HeldQuotes | None = None,
    ) -> None:
        self.symbols = tuple(symbols)
        self.interval = interval
        self.labels = labels
        shape = len(self.symbols), len(labels)
        self.values: Floats = np.full((5, *shape), np.nan)
        self.kinds: Codes = np.full(shape, _NONE, np.int8)
        self.unstored: Mask = np.zeros(shape, np.bool_)
        self.since, self.until = bounds
        self.closed_before = self.since
        self.quotes = quotes
        self._rows = {symbol: row for row, symbol in enumerate(self.symbols)}
        self._taking = dict(self._rows)  # without the symbols that left
        self._outside: dict[_Key, tuple[int, tuple[float, ...]]] = {}
        self._unstored_outside: set[_Key] = set()
        self._empty: dict[str, Ints] = {}

    @classmethod
    def of_session(cls, symbols: Sequence[str], slots: SessionSlots, *, has_quotes: bool = False) -> HeldBars:
        """Return the bars of a session, none yet."""
        labels, closes = slots.stored_labels, epoch_seconds(slots.session.regular_close)
        quotes = HeldQuotes(len(symbols), labels, closes) if has_quotes else None
        return cls(symbols, slots.interval, labels, day_bounds(slots.session), quotes=quotes)

    def rows_of(self, symbols: Sequence[str]) -> Ints:
        """Return the row of each symbol, -1 for those that are not of the session, or left it."""
        return np.array([self._taking.get(symbol, _NONE) for symbol in symbols], np.int64)

    def join(self, symbols: Sequence[str]) -> tuple[str, ...]:
        """Take bars of further symbols, in the rows after those before; return those that are new.

        One that left has its row again, and what is held there.
        """
        new = tuple(symbol for symbol in dict.fromkeys(symbols) if symbol not in self._rows)
        self.symbols = (*self.symbols, *new)
        self._rows = {symbol: row for row, symbol in enumerate(self.symbols)}
        self._taking |= {symbol: self._rows[symbol] for symbol in symbols}
        blank = ((0, len(new)), (0, 0))
        self.values = np.pad(self.values, ((0, 0), *blank), constant_values=np.nan)
        self.kinds = np.pad(self.kinds, blank, constant_values=_NONE)
        self.unstored = np.pad(self.unstored, blank)
        if self.quotes is not None:
            self.quotes.add_rows(len(new))
        return new

    def leave(self, symbols: Sequence[str]) -> None:
        """Take no more bars of some symbols; what is held of them stays in its row."""
        for symbol in symbols:
            self._taking.pop(symbol, None)

    def take(self, arrivals: Arrivals) -> Taken:
        """Take arrivals in the order received, and return what they changed."""
        rows, times = self.rows_of(arrivals.symbols), arrivals.opened_at
        valid = validate_each(arrivals.columns, self.interval)
        outcomes = self._refusals(rows, times, valid.good)
        values = _stored_form(valid.bars)
        slots = np.searchsorted(self.labels, times)
        is_in_slot = np.append(self.labels, _NEVER)[slots] == times
        is_held = outcomes == Outcome.NEW
        inside = np.flatnonzero(is_held & is_in_slot)
        for chosen in rounds(inside, rows[inside] * len(self.labels) + slots[inside]):
            outcomes[chosen] = self._put(
                rows[chosen], slots[chosen], values[:, chosen], arrivals.kinds[chosen]
            )
        for at in np.flatnonzero(is_held & ~is_in_slot).tolist():
            key, version = (int(rows[at]), int(times[at])), tuple(values[:, at].tolist())
            outcomes[at] = self._put_outside(key, int(arrivals.kinds[at]), version)
        changed = inside[outcomes[inside] <= Outcome.REPLACED]
        faults = {at: fault for at, fault in valid.faults.items() if outcomes[at] == Outcome.INVALID}
        return Taken(outcomes, changed, rows[changed], slots[changed], faults)

    def take_quotes(self, arrivals: QuoteArrivals) -> TakenQuotes:
        """Take quotes in the order received, and return what they changed. Only with `quotes`."""
        assert self.quotes is not None
        return self.quotes.take(arrivals, self.rows_of(arrivals.symbols), self.closed_before)

    def hand_over_from(self, time: int) -> Arrivals:
        """Drop the bars outside the slots from `time` on, and return them for the session that has them."""
        keys = sorted(key for key in self._outside if key[1] >= time)
        versions = [self._outside.pop(key) for key in keys]
        self._unstored_outside.difference_update(keys)
        return Arrivals(
            np.zeros(len(keys), np.int64),
            tuple(self.symbols[row] for row, _ in keys),
            np.array([opened_at for _, opened_at in keys], np.int64),
            np.array([values for _, values in versions]).reshape(-1, 5).T,
            np.array([kind for kind, _ in versions], np.int8),
        )

    def bars_to_store(self) -> tuple[Ints, BarColumns]:
        """Return the bars that are not in the store yet, sorted by row, then time, and the row of each."""
        # Ten million cells at 500 symbols and 1s: `nonzero` of two dimensions is far slower.
        rows, slots = np.divmod(np.flatnonzero(self.unstored), len(self.labels))
        times, values = self.labels[slots], self.values[:, rows, slots]
        if self._unstored_outside:
            keys = sorted(self._unstored_outside)
            others = np.array([self._outside[key][1] for key in keys]).T
            rows = np.append(rows, [row for row, _ in keys])
            times = np.append(times, [time for _, time in keys])
            values = np.append(values, others, axis=1)
            order = np.lexsort((times, rows))
            rows, times, values = rows[order], times[order], values[:, order]
        return rows, BarColumns(times, *values)

    def add_empty(self, symbol: str, times: Ints) -> None:
        """Take note that a symbol of the session had no trade at `times`, seconds UTC."""
        self._empty[symbol] = np.union1d(self._empty.get(symbol, np.empty(0, np.int64)), times)

    def empty_times(self, symbol: str) -> Ints:
        """Return the times without a trade of a symbol that the store may lack, ascending."""
        return self._empty.get(symbol, np.empty(0, np.int64))

    def empty_to_store(self) -> Iterator[tuple[str, Ints]]:
        """Yield the times without a trade that the store lacks, by symbol, ascending; a bar held wins."""
        for symbol, times in self._empty.items():
            has_bar = self.kinds[self._rows[symbol]] != _NONE
            free = np.setdiff1d(times, self.labels[has_bar])
            if len(free):
                yield symbol, free

    def mark_stored(self) -> None:
        """Take note that the store has all that is held now."""
        self.unstored[:] = False
        self._unstored_outside.clear()
        self._empty.clear()
        if self.quotes is not None:
            self.quotes.mark_stored()

    @property
    def unstored_quotes(self) -> int:
        """Number of quotes that are not in the store yet."""
        return 0 if self.quotes is None else self.quotes.unstored_quotes

    @property
    def unstored_empty(self) -> bool:
        """Whether the store lacks times without a trade."""
        return bool(self._empty)

    @property
    def unstored_bars(self) -> int:
        """Number of bars that are not in the store yet."""
        return int(np.count_nonzero(self.unstored)) + len(self._unstored_outside)

    def _refusals(self, rows: Ints, times: Ints, good: Mask) -> Codes:
        """Return the outcomes of bars that are not held, `NEW` for the others."""
        outcomes = np.full(len(rows), Outcome.NEW, np.int8)
        outcomes[times < self.closed_before] = Outcome.TOO_LATE
        outcomes[~good] = Outcome.INVALID
        is_of_day = (times >= self.since) & (times < self.until + LONGEST_REST_S)
        outcomes[~is_of_day | (times % self.interval.seconds != 0)] = Outcome.OFF_RASTER
        outcomes[rows == _NONE] = Outcome.NOT_OURS
        return outcomes

    def _put(self, rows: Ints, slots: Ints, values: Floats, kinds: Codes) -> Codes:
        """Put versions of different slots in place; return their outcomes."""
        held, held_kinds = self.values[:, rows, slots], self.kinds[rows, slots]
        is_new = held_kinds == _NONE
        is_same = (held == values).all(axis=0)
        rank, held_rank = PRECEDENCE[kinds], PRECEDENCE[held_kinds]
        outcomes = np.where(rank >= held_rank, Outcome.REPLACED, Outcome.REFUSED).astype(np.int8)
        outcomes[is_same] = Outcome.SAME
        outcomes[is_new] = Outcome.NEW
        changed = outcomes <= Outcome.REPLACED
        self.values[:, rows[changed], slots[changed]] = values[:, changed]
        self.unstored[rows[changed], slots[changed]] = True
        ranked = changed | (is_same & (rank > held_rank))
        self.kinds[rows[ranked], slots[ranked]] = kinds[ranked]
        return outcomes

    def _put_outside(self, key: _Key, kind: int, values: tuple[float, ...]) -> Outcome:
        held = self._outside.get(key)
        if held is not None:
            rank, held_rank = PRECEDENCE[kind], PRECEDENCE[held[0]]
            if held[1] == values:
                if rank > held_rank:
                    self._outside[key] = (kind, values)
                return Outcome.SAME
            if rank < held_rank:
                return Outcome.REFUSED
        self._outside[key] = (kind, values)
        self._unstored_outside.add(key)
        return Outcome.NEW if held is None else Outcome.REPLACED


def _stored_form(bars: BarColumns) -> Floats:
    """Return values (5, n) as stores hold them: without negative zeros."""
    return np.array([bars.open, bars.high, bars.low, bars.close, bars.volume]) + 0.0
