"""Equity at each slot of a session, as a column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from tapedeck.engine.broker.money import Floats, Ints, MoneyScale
from tapedeck.engine.broker.records import Fill


def equity_column(
    scale: MoneyScale,
    slots: int,
    cash: int,
    held: Mapping[tuple[str, str], int],
    fills: Iterable[Fill],
    closes: Callable[[str], Floats],
) -> Ints:
    """Return the equity at the close of each slot of a session in units, int64, shape (slots,).

    It is what `Account.equity` returns slot by slot. `cash`: before the session. `held`: lots before it,
    by strategy and symbol. `fills`: of the session, in order. `closes`: returns the last close known of a
    symbol at the close of each slot, float64, shape (slots,); NaN only where no lots are held.
    """
    equity = np.full(slots, cash, dtype=np.int64)
    lots = {key: np.full(slots, count, dtype=np.int64) for key, count in held.items() if count}
    for fill in fills:
        equity[fill.slot :] = fill.cash
        key = (fill.strategy, fill.symbol)
        if key not in lots:
            lots[key] = np.zeros(slots, dtype=np.int64)
        lots[key][fill.slot :] = fill.held
    for (_, symbol), column in lots.items():
        equity += scale.values(closes(symbol), column)
    return equity
