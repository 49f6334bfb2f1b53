"""Opening values of the days on the screen, kept for the last few days shown."""

from __future__ import annotations

from collections import OrderedDict
from datetime import date
from typing import Final

from tapedeck.engine.read.opening_values import OpeningValues

_KEPT: Final = 16


class Openings:
    """Opening values by trading day, of the last days shown; None where they cannot be read.

    `revision` increases with each change. The app's thread reads and writes it.
    """

    def __init__(self) -> None:
        self._days: OrderedDict[date, OpeningValues | None] = OrderedDict()
        self._arranged: tuple[OpeningValues, OpeningValues] | None = None
        self.revision = 0

    def __contains__(self, day: date) -> bool:
        return day in self._days

    def lacking(self, day: date, symbols: tuple[str, ...]) -> tuple[str, ...]:
        """Return which of some symbols a day that was read has no values of; none if it cannot be read."""
        known = self._days.get(day)
        if known is None or known.symbols == symbols:
            return ()
        there = frozenset(known.symbols)
        return tuple(symbol for symbol in symbols if symbol not in there)

    def get(self, day: date, symbols: tuple[str, ...]) -> OpeningValues | None:
        """Return a day's values in the rows of these symbols, None until they are read."""
        known, before = self._days.get(day), self._arranged
        if known is None or known.symbols == symbols:
            return known
        if before is None or before[0] is not known or before[1].symbols != symbols:
            before = self._arranged = (known, known.for_symbols(symbols))
        return before[1]

    def add(self, day: date, values: OpeningValues | None, symbols: tuple[str, ...]) -> None:
        """Add the values of more symbols to those of a day; None where they cannot be read."""
        known = self._days.get(day)
        if known is not None:
            every = known if values is None else known.with_others(values)
            self.put(day, every.for_symbols(tuple(dict.fromkeys((*every.symbols, *symbols)))))

    def put(self, day: date, values: OpeningValues | None) -> None:
        """Keep a day's values; the days put first are dropped."""
        self._days[day] = values
        while len(self._days) > _KEPT:
            self._days.popitem(last=False)
        self.revision += 1
