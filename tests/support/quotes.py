"""Quotes for tests: random ones, and a plain second way to hold them."""

from __future__ import annotations

import math

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.intervals import MINUTE, Interval
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.quote_store import QuoteColumns
from tapedeck.engine.tape.bar_grid import Floats, Ints
from tests.support.tapes import sessions_of

Quote = tuple[float, float, float, float]
"""Bid, ask, bid size, ask size; NaN where missing."""


def some_quotes(count: int, *, seed: int) -> Floats:
    """Return quotes near the bars of `random_values`, (4, count); some lack a side, some a size."""
    random = np.random.default_rng(seed)
    bid = 50 + random.integers(-100, 100, count) / 100
    ask = bid + random.integers(0, 5, count) / 100
    bid_size, ask_size = random.integers(1, 900, (2, count)).astype(np.float64)
    lacking = random.integers(0, 8, count)
    bid[lacking == 0] = bid_size[lacking == 0] = np.nan
    ask[lacking == 1] = ask_size[lacking == 1] = np.nan
    bid_size[lacking == 2] = np.nan
    return np.stack([bid, ask, bid_size, ask_size])


def random_quote(seed: int) -> Quote:
    """Return one of them."""
    bid, ask, bid_size, ask_size = some_quotes(1, seed=seed)[:, 0].tolist()
    return bid, ask, bid_size, ask_size


def random_quotes(symbols: int, slots: int, *, seed: int, missing: float) -> Floats:
    """Return the quotes that came of several symbols, float64 (4, S, n); every third symbol has none."""
    random = np.random.default_rng(seed)
    came = np.full((4, symbols, slots), np.nan)
    rows, columns = np.nonzero(random.random((symbols, slots)) >= missing)
    rows, columns = (at[(rows + seed) % 3 != 0] for at in (rows, columns))
    came[:, rows, columns] = some_quotes(len(rows), seed=seed)
    return came


def held_by_walking(came: Floats, closes: Floats, *, made: bool) -> Floats:
    """Return one symbol's quotes at the end of each slot, (4, n), one slot after the other.

    `came`: (4, n); `closes`: (n,), NaN without a bar.
    """
    held, last = np.full(came.shape, np.nan), [math.nan] * 4
    for slot in range(came.shape[1]):
        if made and not math.isnan(closes[slot]):
            last[0] = last[1] = closes[slot]
        for price in (0, 1):
            if not made and not math.isnan(came[price, slot]):
                last[price], last[price + 2] = came[price, slot], came[price + 2, slot]
        held[:, slot] = last
    return held


def random_columns(opened_at: Ints, *, seed: int, missing: float) -> QuoteColumns:
    """Return stored quotes at some of the given labels, each with a price at least."""
    random = np.random.default_rng(seed)
    there = random.random(len(opened_at)) >= missing
    bid, ask, bid_size, ask_size = some_quotes(int(there.sum()), seed=seed)
    return QuoteColumns(opened_at[there].astype(np.int64), bid, ask, bid_size, ask_size)


def fill_quotes(
    store: BarStore,
    symbol: str,
    start: str,
    end: str,
    *,
    interval: Interval = MINUTE,
    missing: float = 0.5,
    seed: int = 0,
) -> None:
    """Write a symbol's quotes of a span's sessions, some missing at random."""
    labels = np.concatenate([SessionSlots(day, interval).stored_labels for day in sessions_of(start, end)])
    store.quotes.write(symbol, interval, random_columns(labels, seed=seed, missing=missing))
