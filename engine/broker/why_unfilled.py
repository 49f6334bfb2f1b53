"""Why an order did not fill, or not all of it, in a slot."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from tapedeck.engine.broker.bar import Bar
from tapedeck.engine.broker.fill_rules import FillRules
from tapedeck.engine.broker.orders import OrderKind, OrderRecord, OrderState
from tapedeck.engine.broker.records import Fill


def why_unfilled(
    rules: FillRules,
    order: OrderRecord,
    fills: Sequence[Fill],
    day: date,
    slot: int,
    bar: Bar | None,
    *,
    is_last: bool,
) -> str | None:
    """Return why an order has not filled to the end in a slot; None if it has, in this slot.

    `order`: as it stood at the end of the session of `day`, or now if that one plays. `fills`: of that
    session up to then, in their order. `bar`: of the order's symbol in the slot. `is_last`: whether the slot
    is the session's last.
    """
    if order.state is OrderState.REFUSED:
        return f"refused: {order.state_reason}"
    if (day, slot) <= (order.day, order.slot):
        return "an order works from the slot after the one that decided it"
    if _has_ended(order, day, slot):
        return f"{order.state.value}: {order.state_reason}" if order.state_reason else "filled before"
    if order.kind is OrderKind.MARKET_ON_CLOSE and not is_last:
        return "market on close fills in the session's last slot"
    if bar is None:
        return f"{order.symbol} has no bar in this slot"
    later = sum(fill.lots for fill in fills if fill.order == order.number and fill.slot >= slot)
    return rules.shortfall(bar[4], order.lots - order.filled + later, _taken_before(order, fills, slot))


def _has_ended(order: OrderRecord, day: date, slot: int) -> bool:
    ended_day, ended_slot = order.ended_day, order.ended_slot
    return ended_day is not None and ended_slot is not None and (ended_day, ended_slot) < (day, slot)


def _taken_before(order: OrderRecord, fills: Sequence[Fill], slot: int) -> int:
    taken = 0
    for fill in fills:
        if fill.order == order.number and fill.slot == slot:
            break
        if fill.slot == slot and fill.symbol == order.symbol:
            taken += fill.lots
    return taken
