"""Strategy at a slot: its position and orders in a symbol at the close that it decided on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tapedeck.engine.broker.account_record import AccountAt, AccountRecord, HeldPosition
from tapedeck.engine.broker.bar import Bar
from tapedeck.engine.broker.fill_rules import FillRules
from tapedeck.engine.broker.orders import OrderKind, OrderRecord, OrderState
from tapedeck.engine.broker.why_unfilled import why_unfilled
from tapedeck.engine.read.explain.decision_explanation import ExplainedOrder
from tapedeck.engine.strategies.reasons import ENTER
from tapedeck.engine.strategies.values_then import ValuesThen
from tapedeck.engine.tape.bar_grid import CLOSE
from tapedeck.engine.tape.tape import Tape


@dataclass(frozen=True)
class StrategyAt:
    """A strategy in a symbol of a tape at the close of slot `frontier` - 1, which has been walked."""

    record: AccountRecord
    tape: Tape
    strategy: str
    symbol: str
    frontier: int

    @property
    def slot(self) -> int:
        """The slot; -1 before the first."""
        return self.frontier - 1

    @property
    def row(self) -> int:
        """The row of the symbol."""
        return self.tape.rows[self.symbol]

    @property
    def is_there(self) -> bool:
        """Whether the symbol was in the session when strategies decided: it may have joined later."""
        absent = ValuesThen(self.tape, self.frontier, self.frontier).gone()
        return absent is None or not absent[self.row, 0]

    @cached_property
    def account(self) -> AccountAt:
        """The account after the slot."""
        return self.record.at(self.frontier)

    @cached_property
    def position(self) -> HeldPosition:
        """The position after the fills of the slot; it may have no lots."""
        held = self.record.opening_position(self.strategy, self.symbol)
        fills = self.record.fills_of_positions.get((self.strategy, self.symbol), ())
        last = next((fill for fill in reversed(fills) if fill.slot < self.frontier), None)
        return held if last is None else held._replace(lots=last.held, cost=last.cost)

    @cached_property
    def bar(self) -> Bar | None:
        """The bar of the symbol in the slot."""
        base = self.tape.base
        if self.slot < 0 or not base.present[self.row, self.slot]:
            return None
        first, high, low, last, volume = base.values[:, self.row, self.slot].tolist()
        return first, high, low, last, volume

    @cached_property
    def close(self) -> float | None:
        """The last close known; before the symbol's first bar that of an earlier session."""
        closes = self.tape.base.values[CLOSE, self.row, : self.frontier]
        known = closes[~np.isnan(closes)]
        if len(known):
            return float(known[-1])
        measured = [order.close for order in self._own_orders if self._is_decided(order)]
        opening = self.record.opening_closes.get(self.symbol, float(self.tape.prior_close.values[self.row]))
        close = measured[0] if measured else opening
        return None if np.isnan(close) else close

    @cached_property
    def working(self) -> tuple[OrderRecord, ...]:
        """The orders that worked when it decided, with what they had filled by then."""
        return tuple(self.account.as_it_stood(order) for order in self._own_orders if self._works(order))

    @property
    def entry(self) -> OrderRecord | None:
        """The order to enter that worked when it decided."""
        return next((order for order in self.working if order.reason == ENTER), None)

    @property
    def exit(self) -> OrderRecord | None:
        """The order to leave at the next bar that worked when it decided."""
        kind = OrderKind.MARKET
        return next((one for one in self.working if one.reason != ENTER and one.kind is kind), None)

    @property
    def on_close(self) -> OrderRecord | None:
        """The order on the session's close that worked when it decided."""
        return next((order for order in self.working if order.kind is OrderKind.MARKET_ON_CLOSE), None)

    @property
    def entries(self) -> int:
        """Number of entries decided in the session before the slot, without those that were refused."""
        day, refused = self.record.day, OrderState.REFUSED
        decided = (one for one in self._own_orders if one.day == day and one.slot < self.slot)
        return sum(one.reason == ENTER and one.state is not refused for one in decided)

    def orders(self, rules: FillRules) -> tuple[ExplainedOrder, ...]:
        """Return the orders that were decided at the slot, or worked in it."""
        return tuple(
            self._explained(order, rules)
            for order in self._own_orders
            if self.account.knows(order) and (self._is_decided(order) or not self._had_ended(order))
        )

    def _explained(self, order: OrderRecord, rules: FillRules) -> ExplainedOrder:
        fills = self.record.fills_of_orders.get(order.number, ())
        is_last = self.slot == len(self.tape) - 1
        day = self.record.day
        why = why_unfilled(rules, order, self.record.fills, day, self.slot, self.bar, is_last=is_last)
        return ExplainedOrder(
            self.account.as_it_stood(order),
            is_decided=self._is_decided(order),
            is_cancelled=order.state is OrderState.CANCELLED and self._ended_here(order),
            fills=tuple(fill for fill in fills if fill.slot == self.slot),
            why=why or "",
        )

    @cached_property
    def _own_orders(self) -> tuple[OrderRecord, ...]:
        own = (self.strategy, self.symbol)
        return tuple(order for order in self.record.orders if (order.strategy, order.symbol) == own)

    def _is_decided(self, order: OrderRecord) -> bool:
        return (order.day, order.slot) == (self.record.day, self.slot)

    def _ended_here(self, order: OrderRecord) -> bool:
        return (order.ended_day, order.ended_slot) == (self.record.day, self.slot)

    def _had_ended(self, order: OrderRecord) -> bool:
        """Whether an order had ended before the slot."""
        if order.ended_day is None or order.ended_slot is None:
            return False
        return (order.ended_day, order.ended_slot) < (self.record.day, self.slot)

    def _works(self, order: OrderRecord) -> bool:
        if (order.day, order.slot) >= (self.record.day, self.slot) or self._had_ended(order):
            return False
        if not self._ended_here(order):
            return True
        if order.state is OrderState.EXPIRED:
            # Without a bar to close at it ends before strategies decide, else with the session.
            return order.kind is not OrderKind.MARKET_ON_CLOSE or self.bar is not None
        return order.state is OrderState.CANCELLED
