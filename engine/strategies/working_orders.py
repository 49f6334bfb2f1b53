"""Working orders of a walk, and the next slot in which each can fill."""

from __future__ import annotations

from collections.abc import Container, Iterable
from heapq import heappop, heappush
from typing import Final

from tapedeck.engine.broker.orders import FILLED, MARKET_ON_CLOSE, WORKING, Order, OrderKind, OrderState, Side
from tapedeck.engine.broker.paper_broker import PaperBroker
from tapedeck.engine.broker.records import Fill
from tapedeck.engine.strategies.market import Market

LEFT: Final = "left the session"
"""Why orders of a symbol are cancelled that is on the tape no more."""


class WorkingOrders:
    """Gives orders to the broker, and has them tried only in slots in which one of them can fill.

    `ended`: orders that expired, or left with their symbol; whoever takes them removes them.
    """

    def __init__(self, broker: PaperBroker, market: Market) -> None:
        self._broker, self._market = broker, market
        self._working: dict[int, Order] = {}
        self._due: list[tuple[int, int]] = []
        self._stop = 0
        self.ended: list[Order] = []

    @property
    def next_slot(self) -> int:
        """The next slot of the block in which an order can fill; the block's end if there is none."""
        return self._due[0][0] if self._due else self._stop

    def begin_block(self, start: int, stop: int) -> None:
        """Begin a block, the slots [start, stop)."""
        self._due, self._stop = [], stop
        for order in self._working.values():
            self._await(order, start)

    def submit(
        self, strategy: str, symbol: str, side: Side, lots: int, kind: OrderKind, reason: str
    ) -> Order | None:
        """Give an order, decided at the market's slot; None if it is refused."""
        order = self.give(strategy, symbol, side, lots, kind, reason)
        return None if order.state is OrderState.REFUSED else order

    def give(self, strategy: str, symbol: str, side: Side, lots: int, kind: OrderKind, reason: str) -> Order:
        """Give an order, decided at the market's slot; its state says whether it is refused."""
        slot = self._market.slot
        order = self._broker.submit(strategy, symbol, side, lots, slot, kind=kind, reason=reason)
        if order.state is WORKING:
            self._working[order.number] = order
            self._await(order, slot + 1)
        return order

    def take(self, orders: Iterable[Order]) -> None:
        """Take new orders that the broker has, and forget those that work no more; a block begins next."""
        self._working |= {order.number: order for order in orders}
        self._working = {number: order for number, order in self._working.items() if order.state is WORKING}

    def cancel(self, order: Order, reason: str) -> None:
        """Cancel what is left of an order, decided at the market's slot."""
        self._broker.cancel(order.number, self._market.slot, reason)
        del self._working[order.number]

    def cancel_except(self, symbols: Container[str]) -> None:
        """Cancel the orders of symbols that are not among these, as they left the session."""
        for order in [one for one in self._working.values() if one.symbol not in symbols]:
            self.cancel(order, LEFT)
            self.ended.append(order)

    def try_now(self) -> list[Fill]:
        """Return the fills in the bars of the market's slot, in their order."""
        slot, due = self._market.slot, []
        while self._due and self._due[0][0] <= slot:
            due.append(heappop(self._due)[1])
        fills = self._broker.try_orders(slot, self._market.bar_of)
        for number in due:
            order = self._working.get(number)
            if order is None:
                continue  # cancelled
            if order.state is WORKING:
                self._await(order, slot + 1)
            else:
                del self._working[number]
                if order.state is not FILLED:
                    self.ended.append(order)
        return fills

    def end_session(self) -> None:
        """End the session, with the orders that expire with it."""
        for record in self._broker.end_session():
            order = self._working.pop(record.number, None)
            if order is not None:
                self.ended.append(order)

    def _await(self, order: Order, start: int) -> None:
        if order.kind is MARKET_ON_CLOSE:
            slot = max(start, len(self._market.tape) - 1)
        else:
            slot = self._market.next_bar(order.symbol, start, self._stop)
        if slot < self._stop:
            heappush(self._due, (slot, order.number))
