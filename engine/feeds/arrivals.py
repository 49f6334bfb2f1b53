"""Arrivals: versions of bars in the order received, as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tapedeck.engine.feeds.feed_bar import BarKind, FeedBar
from tapedeck.engine.store.bar_store import BarColumns, Floats, Ints

Codes = NDArray[np.int8]
KINDS: Final = tuple(BarKind)
"""The kinds of versions; columns hold a kind as its position here."""
PRECEDENCE: Final[Codes] = np.array([kind.precedence for kind in KINDS], np.int8)
_CODES: Final = {kind: code for code, kind in enumerate(KINDS)}
_VALUES: Final = 5
MICROSECONDS: Final = 1_000_000
MALFORMED: Final = (TypeError, ValueError, KeyError, OverflowError)
"""Errors of values that are none of a bar or quote, as columns are made of them."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Versions of bars of any symbols, in the order received; columns of n entries.

    `received`: market time of receipt, microseconds since 1970 UTC. `opened_at`: seconds since 1970 UTC.
    `values`: float64, shape (5, n): open, high, low, close, volume, as received. `kinds`: positions in
    `KINDS`.
    """

    received: Ints
    symbols: tuple[str, ...]
    opened_at: Ints
    values: Floats
    kinds: Codes

    def __len__(self) -> int:
        return len(self.symbols)

    @classmethod
    def of(cls, bars: Sequence[FeedBar], received: int | Ints) -> Arrivals:
        """Return the columns of bars that a feed sent; `received` of all of them, or of each."""
        if not bars:
            return cls.none()
        symbols, opened_at, *values, kinds = zip(*bars, strict=True)
        return cls(
            np.full(len(bars), received, np.int64),
            symbols,
            np.array(opened_at, np.int64),
            np.array(values, np.float64),
            np.array([_CODES[kind] for kind in kinds], np.int8),
        )

    @classmethod
    def of_well_formed(cls, bars: Sequence[FeedBar], received: Ints) -> tuple[Arrivals, list[FeedBar]]:
        """Return the columns of the bars whose parts have the right types, and the other bars.

        A feed is code of another package: one wrong bar must not end a recording.
        """
        try:
            return cls.of(bars, received), []
        except MALFORMED:
            is_good = [_is_well_formed(bar) for bar in bars]
        good = [bar for bar, fits in zip(bars, is_good, strict=True) if fits]
        return cls.of(good, received[is_good]), [
            bar for bar, fits in zip(bars, is_good, strict=True) if not fits
        ]

    @classmethod
    def none(cls) -> Arrivals:
        """Return no arrivals."""
        times = np.empty(0, np.int64)
        return cls(times, (), times, np.empty((_VALUES, 0)), np.empty(0, np.int8))

    def take(self, positions: Ints) -> Arrivals:
        """Return the arrivals at `positions`, int64."""
        if len(positions) == len(self):
            return self
        return Arrivals(
            self.received[positions],
            tuple(self.symbols[at] for at in positions.tolist()),
            self.opened_at[positions],
            self.values[:, positions],
            self.kinds[positions],
        )

    @property
    def columns(self) -> BarColumns:
        """The bars' times and values, in the order received."""
        return BarColumns(self.opened_at, *self.values)


def _is_well_formed(bar: FeedBar) -> bool:
    try:
        Arrivals.of([bar], 0)
    except MALFORMED:
        return False
    return True
