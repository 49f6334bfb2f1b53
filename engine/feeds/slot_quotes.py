"""Slot quotes: a feed's stream of quotes, reduced to the last one of each slot."""

from __future__ import annotations

import math
from itertools import repeat
from math import isnan
from typing import Final

from tapedeck.engine.feeds.feed_quote import FeedQuote
from tapedeck.engine.intervals import Interval

MOST_SLOTS: Final = 16
"""Number of the last slots that a late quote may still change."""
_MALFORMED: Final = (TypeError, ValueError, OverflowError)


class _Side:
    """The last price of one side within a slot, by its own time; NaN before the first."""

    __slots__ = ("at", "price", "size")

    def __init__(self) -> None:
        self.at, self.price, self.size = -math.inf, math.nan, math.nan

    def take(self, at: float, price: float, size: float) -> bool:
        """Take a quote if it is the last one so far; return whether the side has changed."""
        if at < self.at:
            return False
        self.at = at
        if self.price == price and (self.size == size or (isnan(self.size) and isnan(size))):
            return False
        self.price, self.size = price, size
        return True


class _Slot:
    __slots__ = ("ask", "bid")

    def __init__(self) -> None:
        self.bid, self.ask = _Side(), _Side()


class SlotQuotes:
    """The last quotes of the last slots of each symbol.

    Slots are those of the epoch: `interval` long, each from a whole multiple of it. The last quote of a slot
    is that with the latest time of its own, and of equal times the one that came last; each side for itself.
    Memory: the symbols that were added, in the last `most_slots` slots. A quote of an older slot, or without
    a time, is left out, and counted in `left_out`; so is one as far ahead of the clock of `due`.

    No method raises on a provider's values. One thread at a time may call it.
    """

    def __init__(self, interval: Interval, *, most_slots: int = MOST_SLOTS) -> None:
        self._interval_s, self._most_slots = interval.seconds, most_slots
        self._slots: dict[int, dict[str, _Slot]] = {}  # by label
        self._changed: dict[int, dict[str, None]] = {}  # symbols by label: not returned since they changed
        self._since: float = -math.inf  # label before which nothing is taken
        self.left_out = 0
        """Number of quotes that were not taken."""

    def add(
        self,
        symbol: str,
        at_seconds: float,
        bid: float | None,
        ask: float | None,
        bid_size: float | None,
        ask_size: float | None,
    ) -> None:
        """Take a quote, in the order of arrival.

        `at_seconds`: the quote's own time, seconds since 1970 UTC, with fractions. A price that is 0, None,
        NaN, or no price at all (negative, infinite) is a side without a quote, and its size does not count.
        """
        try:
            label = int(at_seconds // self._interval_s) * self._interval_s
        except _MALFORMED:  # NaN and infinity, too
            self.left_out += 1
            return
        slot = self._slot(label, symbol)
        if slot is None:
            self.left_out += 1
            return
        has_changed = False
        price = _number(bid)
        if price > 0:
            has_changed = slot.bid.take(at_seconds, price, _number(bid_size))
        price = _number(ask)
        if price > 0:
            has_changed = slot.ask.take(at_seconds, price, _number(ask_size)) or has_changed
        if has_changed:
            self._changed.setdefault(label, {})[symbol] = None

    def due(self, now: float) -> list[FeedQuote]:
        """Return the last quotes of the slots that are over at `now`, seconds UTC, oldest slot first.

        Each once, and again after a call of `add` that changed it.
        """
        over = sorted(label for label in self._changed if label + self._interval_s <= now)
        found = [quote for label in over for quote in self._taken(label)]
        self._forget(now)
        return found

    def _slot(self, label: int, symbol: str) -> _Slot | None:
        """Return the slot of a symbol, made if need be; None if no quote of it is taken."""
        of_label = self._slots.get(label)
        if of_label is None:
            if label < self._since:
                return None
            if len(self._slots) >= 2 * self._most_slots:
                # Those in excess are ahead of the clock, by wrong times, as `due` removes the old ones.
                last = max(self._slots)
                if label > last:
                    return None
                self._drop(last)
            of_label = self._slots[label] = {}
        slot = of_label.get(symbol)
        if slot is None:
            slot = of_label[symbol] = _Slot()
        return slot

    def _taken(self, label: int) -> list[FeedQuote]:
        of_label = self._slots[label]
        symbols = self._changed.pop(label)
        slots = [of_label[symbol] for symbol in symbols]
        return [
            FeedQuote(symbol, opened_at, slot.bid.price, slot.ask.price, slot.bid.size, slot.ask.size)
            for symbol, opened_at, slot in zip(symbols, repeat(label), slots)
        ]

    def _forget(self, now: float) -> None:
        reach = self._most_slots * self._interval_s
        self._since = max(self._since, now - reach - self._interval_s)
        for label in [one for one in self._slots if not self._since <= one <= now + reach]:
            self._drop(label)

    def _drop(self, label: int) -> None:
        del self._slots[label]
        self.left_out += len(self._changed.pop(label, ()))


def _number(value: float | None) -> float:
    """Return a price or size as a float; NaN for none, or a value that neither can have."""
    try:
        number = float(value)  # type: ignore[arg-type]  # None, or what else a provider sends
    except _MALFORMED:
        return math.nan
    return number if 0 <= number < math.inf else math.nan
