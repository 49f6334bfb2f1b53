"""Quotes of one symbol, cut at a view's frontier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tapedeck.engine.tape.bar_grid import Floats, Ints


@dataclass(frozen=True, slots=True)
class QuoteView:
    """Quotes of one symbol at the end of each slot, oldest first: read-only views, shape (k,).

    `opened_at`: label of each slot, int64, seconds UTC. The others float64, NaN where missing: a side has no
    price before its first one, and no size where it is not known. `made`: whether no quote came in the
    session; bid and ask are then the close of the last bar, and sizes missing.
    """

    opened_at: Ints
    bid: Floats
    ask: Floats
    bid_size: Floats
    ask_size: Floats
    made: bool

    def __len__(self) -> int:
        return len(self.opened_at)

    @property
    def last_bid(self) -> float:
        """The last bid, NaN without one."""
        return _last(self.bid)

    @property
    def last_ask(self) -> float:
        """The last ask, NaN without one."""
        return _last(self.ask)

    @property
    def last_bid_size(self) -> float:
        """Size of the last bid, NaN where it is not known."""
        return _last(self.bid_size)

    @property
    def last_ask_size(self) -> float:
        """Size of the last ask, NaN where it is not known."""
        return _last(self.ask_size)


def _last(values: Floats) -> float:
    return float(values[-1]) if len(values) else np.nan
