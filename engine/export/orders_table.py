"""Rows of orders.csv: each order of a run once, as it ended."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from tapedeck.engine.broker.account_record import AccountAt
from tapedeck.engine.broker.money import MoneyScale
from tapedeck.engine.broker.orders import OrderRecord, OrderState
from tapedeck.engine.export.slot_times import SlotTimes
from tapedeck.engine.export.text_columns import number_text, text_field

ORDERS_HEADER: Final = (
    "order",
    "session_date",
    "time",
    "strategy",
    "symbol",
    "side",
    "quantity",
    "kind",
    "time_in_force",
    "close",
    "reason",
    "state",
    "state_reason",
    "filled",
    "price",
    "commission",
    "ended",
)


class OrderRows:
    """Makes the rows of orders, by number, from the accounts of one session after another.

    An order that still works when its session is over has no row yet, nor has any order after it.
    """

    def __init__(self, times: SlotTimes) -> None:
        self._times = times
        # Orders without a row, by number.
        self._waiting: dict[int, OrderRecord] = {}
        self._scale = MoneyScale()

    def take(self, account: AccountAt) -> bytes:
        """Take the orders of a session, and return the rows that are final, each with its line break."""
        self._scale = account.record.scale
        self._waiting.update({order.number: order for order in account.orders})
        final: list[int] = []
        for number in sorted(self._waiting):
            if self._waiting[number].state is OrderState.WORKING:
                break
            final.append(number)
        return self._rows(final)

    def rest(self) -> bytes:
        """Return the rows of all orders that have none yet, as they stand."""
        return self._rows(sorted(self._waiting))

    def _rows(self, numbers: Iterable[int]) -> bytes:
        return "".join(
            _row(self._waiting.pop(number), self._scale, self._times) for number in numbers
        ).encode()


def _row(order: OrderRecord, scale: MoneyScale, times: SlotTimes) -> str:
    ended = ""
    if order.ended_day is not None and order.ended_slot is not None:
        ended = times.over(order.ended_day, order.ended_slot)
    fields = (
        str(order.number),
        order.day.isoformat(),
        times.over(order.day, order.slot),
        order.strategy,
        text_field(order.symbol),
        order.side.value,
        number_text(scale.shares(order.lots)),
        order.kind.value,
        order.time_in_force.value,
        "" if math.isnan(order.close) else number_text(float(order.close)),
        text_field(order.reason),
        order.state.value,
        text_field(order.state_reason),
        number_text(scale.shares(order.filled)),
        number_text(scale.price(order.value, order.filled)) if order.filled else "",
        number_text(scale.amount(order.commission)),
        ended,
    )
    return "\n" + ",".join(fields)
