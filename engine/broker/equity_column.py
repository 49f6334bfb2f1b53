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
    of_keys = {key: [(0, count)] for key, count in held.items() if count}
    cash_after = {0: cash}
    for fill in fills:
        cash_after[fill.slot] = fill.cash
        of_keys.setdefault((fill.strategy, fill.symbol), [(0, 0)]).append((fill.slot, fill.held))
    equity = _steps(slots, cash_after)
    for (_, symbol), counts in of_keys.items():
        equity += scale.values(closes(symbol), _steps(slots, dict(counts)))
    return equity


def _steps(slots: int, values: Mapping[int, int]) -> Ints:
    """Return a column of values, each from its slot on until the next; by slot in order, from slot 0 on."""
    starts = np.fromiter(values, np.int64, len(values))
    lengths = np.diff(starts, append=slots)
    return np.repeat(np.fromiter(values.values(), np.int64, len(values)), lengths)
