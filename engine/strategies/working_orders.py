"""Working orders of a walk, and the next slot in which each can fill."""

from __future__ import annotations

from heapq import heappop, heappush

from tapedeck.engine.broker.orders import OrderKind, OrderState, Side
from tapedeck.engine.broker.paper_broker import PaperBroker
from tapedeck.engine.broker.records import Fill
from tapedeck.engine.strategies.market import Market


class WorkingOrder:
    """An order of a strategy. `left`: lots that still work, 0 once it has ended."""

    __slots__ = ("is_on_close", "left", "number", "symbol")

    def __init__(self, number: int, symbol: str, lots: int, *, is_on_close: bool) -> None:
        self.number = number
        self.symbol = symbol
        self.left = lots
        self.is_on_close = is_on_close


class WorkingOrders:
    """Gives orders to the broker, and has them tried only in slots in which one of them can fill."""

    def __init__(self, broker: PaperBroker, market: Market) -> None:
        self._broker, self._market = broker, market
        self._working: dict[int, WorkingOrder] = {}
        self._due: list[tuple[int, int]] = []
        self._stop = 0

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
    ) -> WorkingOrder | None:
        """Give an order, decided at the market's slot; None if it is refused."""
        slot = self._market.slot
        record = self._broker.submit(strategy, symbol, side, lots, slot, kind=kind, reason=reason)
        if record.state is OrderState.REFUSED:
            return None
        on_close = kind is OrderKind.MARKET_ON_CLOSE
        order = self._working[record.number] = WorkingOrder(record.number, symbol, lots, is_on_close=on_close)
        self._await(order, slot + 1)
        return order

    def cancel(self, order: WorkingOrder, reason: str) -> None:
        """Cancel what is left of an order, decided at the market's slot."""
        self._broker.cancel(order.number, self._market.slot, reason)
        self._end(order)

    def try_now(self) -> list[Fill]:
        """Return the fills in the bars of the market's slot, in their order."""
        slot, due = self._market.slot, set()
        while self._due and self._due[0][0] <= slot:
            due.add(heappop(self._due)[1])
        fills = self._broker.try_orders(slot, self._market.bar_of)
        for fill in fills:
            order = self._working[fill.order]
            order.left -= fill.lots
            if not order.left:
                del self._working[fill.order]
        for number in due:
            order_left = self._working.get(number)
            if order_left is None:
                continue
            if order_left.is_on_close and self._market.bar_of(order_left.symbol) is None:
                self._end(order_left)  # the broker has ended it
            else:
                self._await(order_left, slot + 1)
        return fills

    def end_session(self) -> None:
        """End the session: forget the orders that expire with it."""
        for record in self._broker.end_session():
            order = self._working.get(record.number)
            if order is not None:
                self._end(order)

    def _end(self, order: WorkingOrder) -> None:
        self._working.pop(order.number, None)
        order.left = 0

    def _await(self, order: WorkingOrder, start: int) -> None:
        if order.is_on_close:
            slot = max(start, len(self._market.tape) - 1)
        else:
            slot = self._market.next_bar(order.symbol, start, self._stop)
        if slot < self._stop:
            heappush(self._due, (slot, order.number))
