"""Paper broker: takes orders, fills them in later bars, and keeps cash and positions of one account."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from math import inf, nan
from operator import attrgetter

from tapedeck.engine.broker.account import Account
from tapedeck.engine.broker.bar import Bar
from tapedeck.engine.broker.fill_rules import FillRules
from tapedeck.engine.broker.limits import Limits
from tapedeck.engine.broker.order_batch import OrderBatch, OrderColumns
from tapedeck.engine.broker.order_checks import MOST_LOTS, too_late, unmeasurable, wrong_quantity
from tapedeck.engine.broker.orders import (
    FILLED,
    MARKET_ON_CLOSE,
    WORKING,
    Order,
    OrderKind,
    OrderRecord,
    OrderState,
    Side,
    TimeInForce,
)
from tapedeck.engine.broker.position import Position
from tapedeck.engine.broker.records import Fill, Trade
from tapedeck.engine.broker.terms import AccountTerms
from tapedeck.engine.errors import EngineError, unknown_name_with_hint


class PaperBroker:
    """One account, shared by strategies. It knows the bars of one slot at a time.

    In each slot `try_orders` comes first, then decisions, as `submit` and `cancel`: so no order fills in the
    bar that decided it. `strategies`: their names, in the order of the session file. `last_close`: returns
    the last close known of a symbol, NaN without one.
    """

    def __init__(
        self, terms: AccountTerms, strategies: Sequence[str], last_close: Callable[[str], float]
    ) -> None:
        self.terms = terms
        self.scale = terms.scale
        self.account = Account(terms, strategies, last_close)
        self.rules = FillRules(terms)
        self._limits = Limits(terms)
        self._ranks = {name: rank for rank, name in enumerate(strategies)}
        self._last_close = last_close
        self._working: dict[int, Order] = {}
        self._in_turn: list[Order] | None = None
        self._numbers = 0
        self._day: date | None = None
        self._slots = 0
        self._tried = -1
        self._rows: dict[str, int] = {}
        self._unknown: dict[str, str] = {}
        self._orders: list[Order | OrderRecord] = []
        self._records: list[OrderRecord] = []  # of these orders, as they were read last
        self._unsettled: list[int] = []  # places of those that worked then
        self._fills: list[Fill] = []

    # The session

    def begin_session(self, day: date, slots: int, symbols: Sequence[str]) -> None:
        """Begin a later session of `slots` slots; `symbols`: in the order of their rows."""
        if self._day is not None and day <= self._day:
            raise EngineError(f"the session {day} does not come after {self._day}")
        self._day, self._slots, self._tried = day, slots, -1
        self._orders = [*self._working.values()]
        self._records, self._unsettled = [], []
        self._fills, self.account.trades = [], []
        self.set_symbols(symbols)

    def set_symbols(self, symbols: Sequence[str]) -> None:
        """Take the symbols of the session in the order of their rows, which changed."""
        self._rows = {symbol: row for row, symbol in enumerate(symbols)}
        self._unknown = {}
        self._in_turn = None
        for order in self._working.values():
            self._place(order)

    def end_session(self) -> list[OrderRecord]:
        """End the session: return the orders that expire with it, day orders and market on close."""
        expired = [
            order
            for order in self._working.values()
            if order.day == self._day
            and (order.time_in_force is TimeInForce.DAY or order.kind is MARKET_ON_CLOSE)
        ]
        for order in expired:
            reason = f"the session ended; {order.filled:,} of {order.lots:,} filled"
            self._end(order, OrderState.EXPIRED, self._slots - 1, reason)
        return [order.record for order in expired]

    # Orders

    def submit(
        self,
        strategy: str,
        symbol: str,
        side: Side,
        lots: int,
        slot: int,
        *,
        kind: OrderKind = OrderKind.MARKET,
        time_in_force: TimeInForce = TimeInForce.GTC,
        reason: str = "",
    ) -> Order:
        """Take an order, decided at the close of `slot` (BEFORE_FIRST_SLOT before the first bar).

        It works from the next slot on, unless it is refused: then its `state` says so, `state_reason` why.
        `reason`: why it is given.
        """
        if self._day is None:
            raise EngineError("an order was given before the first session began")
        if strategy not in self._ranks:
            raise EngineError(f"unknown strategy {strategy!r}")
        self._numbers += 1
        close = self._last_close(symbol) if symbol in self._rows else nan
        order = Order(
            self._numbers, strategy, symbol, side, lots, kind, time_in_force, self._day, slot, close, reason
        )
        self._orders.append(order)
        refusal = self._senseless(order) or self._accept(order)
        if refusal is not None:
            order.end(OrderState.REFUSED, self._day, slot, refusal)
        return order

    def cancel(self, number: int, slot: int, reason: str) -> OrderRecord | None:
        """Cancel what has not filled of a working order, decided at the close of `slot`.

        None if no such order works.
        """
        order = self._working.get(number)
        if order is None:
            return None
        self._end(order, OrderState.CANCELLED, slot, reason)
        return order.record

    def working(self, strategy: str | None = None, symbol: str | None = None) -> list[OrderRecord]:
        """Return the orders that work, by number: all, or those of a strategy, of a symbol."""
        return [
            order.record
            for order in self._working.values()
            if strategy in {None, order.strategy} and symbol in {None, order.symbol}
        ]

    def working_symbols(self) -> set[str]:
        """Return the symbols that have working orders."""
        return {order.symbol for order in self._working.values()}

    # Fills

    def try_orders(self, slot: int, bar_of: Callable[[str], Bar | None]) -> list[Fill]:
        """Fill working orders in the bars of a slot, and return the fills in their order.

        `bar_of`: returns the bar of a symbol in this slot, None without one. Orders come by strategy in the
        order of the session file, then by row, then by number. EngineError if a slot comes twice.
        """
        day = self._day
        if day is None or not self._tried < slot < self._slots:
            raise EngineError(f"orders were tried at slot {self._tried}: cannot try them at slot {slot}")
        self._tried = slot
        if not self._working:
            return []
        if self._in_turn is None:
            self._in_turn = self._sorted()
        is_last = slot == self._slots - 1
        left: dict[str, int] = {}
        fills: list[Fill] = []
        for order in self._in_turn:
            if order.slot >= slot and order.day == day:
                continue
            on_close = order.kind is MARKET_ON_CLOSE
            if on_close and not is_last:
                continue
            bar = bar_of(order.symbol)
            if bar is not None:
                lots = self._lots(order, bar, left)
                if lots:
                    fills.append(self._fill(day, order, lots, bar, slot))
            elif on_close:
                reason = f"{order.symbol} has no bar in the session's last slot"
                self._end(order, OrderState.EXPIRED, slot, reason)
        self._fills += fills
        return fills

    def take_at_once(self, orders: OrderColumns) -> tuple[list[Fill], list[Order]] | None:
        """Take the orders of a block of slots with their fills; return fills, and new orders that work.

        None, with nothing changed, if one of them would be refused, or not fill at once where a bar is: then
        they are to be given one by one. Positions are long, and only these orders work in their symbols.
        """
        assert self._day is not None  # a block is of a session
        try:
            batch = OrderBatch(
                orders,
                self.terms,
                self.rules,
                self._day,
                self._numbers,
                self.account.cash,
                self.account.positions,
            )
        except OverflowError:
            return None
        if not (batch.fills_at_once and self._allows(batch)):
            return None
        fills = batch.fills()
        self.account.take_batch(batch)
        for place, order in orders.working.items():
            if batch.is_filled[place]:
                del self._working[order.number]
        self._numbers += len(batch.decided)
        self._in_turn = None
        self._fills += fills
        new = batch.new_orders()
        self._orders += new
        working = [order for order in new if isinstance(order, Order)]
        for order in working:
            position = self.account.positions.of(order.strategy, order.symbol)
            opening = position.opening(order.sign, order.lots)
            self._enter(order, position, opening, self.scale.value(order.close, opening))
        return fills, working

    def _allows(self, batch: OrderBatch) -> bool:
        """Whether none of the orders is refused."""
        symbols, account = batch.orders.symbols, self.account
        most, held = int(batch.reserved.max()), account.positions.active_with(symbols)
        is_within = self._limits.refuses_none(most, held, share_symbols=len(batch.orders.strategies) > 1)
        return is_within and batch.least_at_hand(account.at_hand()) >= 0

    # What the session had

    @property
    def session_orders(self) -> list[OrderRecord]:
        """Orders of the session by number, with those that worked when it began, as they stand now."""
        records, working = self._records, []
        for place in self._unsettled:
            order = self._orders[place]
            records[place] = order.record
            if order.state is WORKING:
                working.append(place)
        for place, order in enumerate(self._orders[len(records) :], len(records)):
            records.append(order.record)
            if order.state is WORKING:
                working.append(place)
        self._unsettled = working
        return records.copy()

    @property
    def session_fills(self) -> tuple[Fill, ...]:
        """Fills of the session, in their order."""
        return tuple(self._fills)

    @property
    def session_trades(self) -> tuple[Trade, ...]:
        """Round trips that ended in the session, in their order."""
        return tuple(self.account.trades)

    # Inside

    def _senseless(self, order: Order) -> str | None:
        """Return why an order is refused, whatever the account has, or None."""
        lots, symbol = order.lots, order.symbol
        if (
            type(lots) is int
            and 0 < lots <= MOST_LOTS
            and 0 < order.close < inf
            and order.slot < self._slots - 1
        ):
            return None  # nearly always, and quickly: without a known symbol there is no close
        refusal = wrong_quantity(lots)
        if refusal is not None:
            order.lots = 0
            return refusal
        if symbol not in self._rows:
            if symbol not in self._unknown:
                self._unknown[symbol] = unknown_name_with_hint("symbol", symbol, self._rows)
            return self._unknown[symbol]
        return unmeasurable(order) or too_late(order, self._slots)

    def _accept(self, order: Order) -> str | None:
        """Enter an order that the limits allow; else return why not."""
        position = self.account.positions.of(order.strategy, order.symbol)
        opening = position.opening(order.sign, order.lots)
        value = 0
        if opening:
            value = self.scale.value(order.close, opening)
            refusal = self._limits.refusal(self.account, position, order, opening, value)
            if refusal is not None:
                return refusal
        self._enter(order, position, opening, value)
        return None

    def _enter(self, order: Order, position: Position, opening: int, value: int) -> None:
        """Enter an order, of which `opening` lots worth `value` open or enlarge a position."""
        self.account.accept(order, position, opening, value)
        self._place(order)
        self._working[order.number] = order
        self._in_turn = None

    def _place(self, order: Order) -> None:
        row = self._rows.get(order.symbol, len(self._rows))
        order.turn = (self._ranks[order.strategy], row, order.number)

    def _sorted(self) -> list[Order]:
        if len(self._working) == 1:
            return list(self._working.values())
        return sorted(self._working.values(), key=attrgetter("turn"))

    def _lots(self, order: Order, bar: Bar, left: dict[str, int]) -> int:
        """Return the lots that fill now; `left`: what is left of the bars of the slot, by symbol."""
        lots = order.lots - order.filled
        participation = self.rules.participation
        if participation is None:
            return lots
        available = left.get(order.symbol)
        if available is None:
            available = participation.lots(bar[4])
        lots = min(lots, available)
        left[order.symbol] = available - lots
        return lots

    def _fill(self, day: date, order: Order, lots: int, bar: Bar, slot: int) -> Fill:
        price = self.rules.price(order.kind, order.sign, bar)
        fill = self.account.fill(order, lots, price, day, slot)
        if order.state is FILLED:
            self._remove(order)
        return fill

    def _end(self, order: Order, state: OrderState, slot: int, reason: str) -> None:
        assert self._day is not None  # orders work in sessions only
        order.end(state, self._day, slot, reason)
        self._remove(order)
        self.account.ended(order)

    def _remove(self, order: Order) -> None:
        del self._working[order.number]
        self._in_turn = None
