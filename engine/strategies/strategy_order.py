"""Order as a strategy gets it: how it stood at a moment."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import nan
from typing import Final, NamedTuple

from tapedeck.engine.broker.money import MoneyScale
from tapedeck.engine.broker.orders import MARKET_ON_CLOSE, WORKING, Order

_WORKING: Final = WORKING.value


class StrategyOrder(NamedTuple):
    """An order as it stood when it was asked for; it does not change. Quantities in shares.

    `number`: over the run, from 1. `side`: `buy` or `sell`. `state`: `working`, `filled`, `refused`,
    `cancelled` or `expired`; `state_reason`: why it was refused, cancelled or expired; else empty.
    `average_price`: of what has filled, NaN before. `reason`: why it was given.
    """

    number: int
    symbol: str
    side: str
    quantity: float
    filled: float
    average_price: float
    on_close: bool
    state: str
    state_reason: str
    reason: str

    @property
    def is_working(self) -> bool:
        """Whether more of it may fill."""
        return self.state == _WORKING

    @staticmethod
    def of(order: Order, scale: MoneyScale) -> StrategyOrder:
        """Return an order of the broker as it stands."""
        return _ORDER_OF(
            (
                order.number,
                order.symbol,
                "buy" if order.sign > 0 else "sell",
                scale.shares(order.lots),
                scale.shares(order.filled),
                scale.price(order.value, order.filled) if order.filled else nan,
                order.kind is MARKET_ON_CLOSE,
                _WORKING if order.state is WORKING else order.state.value,
                order.state_reason,
                order.reason,
            )
        )


# From one tuple, which takes half the time of `StrategyOrder(...)`.
_ORDER_OF: Final[Callable[[tuple[object, ...]], StrategyOrder]] = partial(tuple.__new__, StrategyOrder)
