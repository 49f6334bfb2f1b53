"""Orders that make no sense: why they are refused, whatever the account has."""

from __future__ import annotations

from math import inf
from typing import Final

from tapedeck.engine.broker.orders import Order, OrderKind, TimeInForce
from tapedeck.engine.errors import shortened

MOST_LOTS: Final = 10**12
"""Largest quantity of an order."""


def wrong_quantity(lots: object) -> str | None:
    """Return why a quantity is refused, or None."""
    if type(lots) is int and 0 < lots <= MOST_LOTS:
        return None
    return f"quantity must be a whole number of lots from 1 to {MOST_LOTS:,}, not {_shown(lots)}"


def unmeasurable(order: Order) -> str | None:
    """Return why an order has no value by which limits could be measured, or None."""
    if 0 < order.close < inf:
        return None
    return f"no price of {order.symbol} is known yet, so that the order cannot be measured"


def too_late(order: Order, slots: int) -> str | None:
    """Return why an order has no slot left to fill in, or None; `slots`: of the session."""
    if order.slot < slots - 1:
        return None
    if order.kind is OrderKind.MARKET_ON_CLOSE:
        return "market on close is accepted until one slot before the close"
    if order.time_in_force is TimeInForce.DAY:
        return "a day order of the session's last slot cannot fill: give one that is good till cancelled"
    return None


def _shown(lots: object) -> str:
    # Python refuses to write whole numbers of thousands of digits.
    if isinstance(lots, int) and abs(lots) > MOST_LOTS:
        return "more" if lots > 0 else "less"
    return shortened(repr(lots))
