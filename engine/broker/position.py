"""Position of a strategy in a symbol: lots, cost basis, realised profit, and the round trip that is open."""

from __future__ import annotations

from datetime import date

from tapedeck.engine.broker.money import divided
from tapedeck.engine.broker.orders import BUY, SELL
from tapedeck.engine.broker.records import Trade


class Position:
    """Lots of one strategy in one symbol, below 0 if short. Money in units.

    `cost`: what the lots cost, below 0 for short ones (what they brought). `realised`: profit of all that was
    closed, before commission. `commission`: of all fills. `buying`, `selling`: lots of working orders.
    `counted_sign`, `is_active`: what `Positions` counts it as: the sign of its lots, held or ordered.
    """

    __slots__ = (
        "_entered",
        "_entry_day",
        "_entry_order",
        "_entry_slot",
        "_entry_value",
        "_exit_value",
        "_fees",
        "buying",
        "commission",
        "cost",
        "counted_sign",
        "is_active",
        "lots",
        "realised",
        "selling",
        "strategy",
        "symbol",
    )

    def __init__(self, strategy: str, symbol: str) -> None:
        self.strategy = strategy
        self.symbol = symbol
        self.lots = self.cost = self.realised = self.commission = 0
        self.buying = self.selling = 0
        self.counted_sign = 0
        self.is_active = False
        self._entered = self._entry_value = self._exit_value = self._fees = 0
        self._entry_order = 0
        self._entry_slot = 0
        self._entry_day = date.min

    @property
    def reach(self) -> int:
        """Most lots, long or short, that it can come to if its working orders fill in any order."""
        return max(self.lots + self.buying, self.selling - self.lots)

    def opening(self, sign: int, lots: int) -> int:
        """Return how many lots of a further order open or enlarge a position, at most.

        Working orders of the same side count as filled, those of the other side as cancelled.
        """
        held = self.lots + self.buying if sign > 0 else self.selling - self.lots
        return lots if held >= 0 else max(0, lots + held)

    def fill(
        self, order: int, sign: int, lots: int, value: int, commission: int, day: date, slot: int, trade: int
    ) -> Trade | None:
        """Take a fill; return the round trip that it ends, with the number `trade`, or None.

        `sign`: 1 for a buy, -1 for a sell.
        """
        self.commission += commission
        held = self.lots * -sign
        if held <= 0:
            self._enter(order, sign, lots, value, commission, day, slot)
            return None
        if lots <= held:
            return self._leave(order, sign, lots, value, commission, day, slot, trade)
        # Through zero: the part that closes gets its share of value and commission, the rest opens.
        closing_value = divided(value * held, lots)
        closing_fee = divided(commission * held, lots)
        ended = self._leave(order, sign, held, closing_value, closing_fee, day, slot, trade)
        self._enter(order, sign, lots - held, value - closing_value, commission - closing_fee, day, slot)
        return ended

    def take_round_trips(self, realised: int, commission: int) -> None:
        """Take round trips that began and ended without any lots: their profit, and their commission."""
        self.realised += realised
        self.commission += commission

    def _enter(
        self, order: int, sign: int, lots: int, value: int, commission: int, day: date, slot: int
    ) -> None:
        if self.lots == 0:
            self._entry_order, self._entry_day, self._entry_slot = order, day, slot
            self._entered = self._entry_value = self._exit_value = self._fees = 0
        self.lots += sign * lots
        self.cost += sign * value
        self._entered += lots
        self._entry_value += value
        self._fees += commission

    def _leave(
        self, order: int, sign: int, lots: int, value: int, commission: int, day: date, slot: int, trade: int
    ) -> Trade | None:
        held = self.lots * -sign
        released = self.cost if lots == held else divided(self.cost * lots, held)
        self.cost -= released
        self.lots += sign * lots
        self.realised -= sign * value + released
        self._exit_value += value
        self._fees += commission
        if self.lots:
            return None
        gross = -sign * (self._exit_value - self._entry_value)
        return Trade(
            trade,
            self.strategy,
            self.symbol,
            SELL if sign > 0 else BUY,
            self._entered,
            self._entry_day,
            self._entry_slot,
            self._entry_order,
            self._entry_value,
            day,
            slot,
            order,
            self._exit_value,
            self._fees,
            gross - self._fees,
        )
