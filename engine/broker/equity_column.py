"""Equity at each slot of a session, as a column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain

import numpy as np

from tapedeck.engine.broker.money import Floats, Ints, MoneyScale
from tapedeck.engine.broker.records import Fill


def equity_column(
    scale: MoneyScale,
    slots: int,
    cash: int,
    held: Mapping[tuple[str, str], int],
    fills: Iterable[Fill],
    closes: Callable[[Sequence[str]], Floats],
    start: int = 0,
) -> Ints:
    """Return the equity at the close of each of `slots` slots from `start` on in units, int64, (slots,).

    It is what `Account.equity` returns slot by slot. `cash`: before these slots. `held`: lots before them,
    by strategy and symbol. `fills`: in these slots, in order. `closes`: returns the last closes known of
    symbols at the close of each slot, float64, shape (symbols, slots); NaN only where no lots are held.
    """
    changes: dict[tuple[str, str], dict[int, int]] = {key: {0: lots} for key, lots in held.items() if lots}
    cash_after = {0: cash}
    for fill in fills:
        at = fill.slot - start
        cash_after[at] = fill.cash
        key = (fill.strategy, fill.symbol)
        if key not in changes:
            changes[key] = {0: 0}
        changes[key][at] = fill.held
    equity: Ints = _steps(slots, [cash_after])[0]
    if changes:
        prices = closes([symbol for _, symbol in changes])
        lots = _steps(slots, list(changes.values()))
        equity += scale.values(prices.ravel(), lots.ravel()).reshape(lots.shape).sum(axis=0)
    return equity


def _steps(slots: int, rows: Sequence[Mapping[int, int]]) -> Ints:
    """Return rows of values, int64 (rows, slots); each value from its slot on until the next one of its row.

    Slots are in order, from 0 on.
    """
    counts = [len(row) for row in rows]
    starts = np.fromiter(chain.from_iterable(rows), np.int64, sum(counts))
    starts += np.repeat(np.arange(len(rows)) * slots, counts)
    values = np.fromiter(chain.from_iterable(row.values() for row in rows), np.int64, len(starts))
    return np.repeat(values, np.diff(starts, append=len(rows) * slots)).reshape(len(rows), slots)
