"""Desk of a strategy by a class: its orders, its notes, and what it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite, isnan
from numbers import Real
from random import Random
from typing import Final, cast

from tapedeck.engine.broker.account_record import StrategyNote
from tapedeck.engine.broker.figures import Holding
from tapedeck.engine.broker.money import MoneyScale
from tapedeck.engine.broker.orders import BUY, MARKET, MARKET_ON_CLOSE, SELL, WORKING, Order, Side
from tapedeck.engine.broker.paper_broker import PaperBroker
from tapedeck.engine.errors import EngineError, shortened, unknown_name_with_hint
from tapedeck.engine.printable import printable_line
from tapedeck.engine.strategies.calls import Calls
from tapedeck.engine.strategies.market import Market
from tapedeck.engine.strategies.sizes import lots_for_cash, lots_for_percent
from tapedeck.engine.strategies.slot_values import SlotValues
from tapedeck.engine.strategies.strategy_data import StrategyData
from tapedeck.engine.strategies.strategy_order import StrategyOrder
from tapedeck.engine.strategies.working_orders import WorkingOrders

TEXT_WIDTH: Final = 200
"""Characters of a reason or a note; longer ones are cut."""


class Desk:
    """Gives the orders of one strategy, and reads the account for it.

    `scale`: the units of money. `working`: its working orders, by symbol and number. `changed`: those that
    changed since the strategy was told, by number, if it is to be told of them (`tells_orders`). `symbols`:
    whose bars it gets, in the order of rows. `values`: returns the values at the market's slot. `note`: takes
    its notes.
    """

    def __init__(
        self,
        strategy: str,
        broker: PaperBroker,
        market: Market,
        orders: WorkingOrders,
        calls: Calls,
        note: Callable[[StrategyNote], None],
    ) -> None:
        self.strategy = strategy
        self.market = market
        self.data = StrategyData(market)
        self.random = Random(f"tapedeck {strategy}")
        self.working: dict[str, dict[int, Order]] = {}
        self.changed: dict[int, Order] = {}
        self.tells_orders = True
        self._by_number: dict[int, Order] = {}
        self.symbols: tuple[str, ...] = ()
        self.values: Callable[[], SlotValues] = _no_values
        self.scale: MoneyScale = broker.scale
        self._broker, self._orders, self._calls, self._note = broker, orders, calls, note

    # Orders

    def order(
        self,
        side: Side,
        symbol: str,
        quantity: object,
        cash: object,
        percent: object,
        *,
        on_close: bool,
        reason: str,
    ) -> StrategyOrder:
        """Give an order; exactly one of `quantity`, `cash`, `percent` is not None."""
        self._calls.check(self.strategy)
        _check_text("symbol", symbol)
        lots = self._lots(symbol, quantity, cash, percent)
        return self._give(symbol, side, lots, on_close=on_close, reason=_line("reason", reason))

    def flatten(self, symbol: str, *, on_close: bool, reason: str) -> StrategyOrder | None:
        """Close what is held of a symbol, and cancel its other orders; None if nothing is held."""
        self._calls.check(self.strategy)
        lots, text = self.lots(symbol), _line("reason", reason)
        side = SELL if lots > 0 else BUY
        kind = MARKET_ON_CLOSE if on_close else MARKET
        closing = None
        for order in list(self.working.get(symbol, {}).values()):
            closes = order.sign * lots < 0 and order.lots - order.filled == abs(lots) and order.kind is kind
            if closes and closing is None:
                closing = order  # it is on its way already
            else:
                self._cancel(order, text)
        if closing is not None:
            return StrategyOrder.of(closing, self.scale)
        return self._give(symbol, side, abs(lots), on_close=on_close, reason=text) if lots else None

    def cancel(self, order: StrategyOrder | int, reason: str) -> bool:
        """Cancel what is left of one of its orders; return whether it worked."""
        self._calls.check(self.strategy)
        number = order.number if isinstance(order, StrategyOrder) else order
        found = self._by_number.get(number)
        if found is None:
            return False
        self._cancel(found, _line("reason", reason))
        return True

    def _give(self, symbol: str, side: Side, lots: int, *, on_close: bool, reason: str) -> StrategyOrder:
        kind = MARKET_ON_CLOSE if on_close else MARKET
        order = self._orders.give(self.strategy, symbol, side, lots, kind, reason)
        if order.state is WORKING:
            number = order.number
            self._by_number[number] = order
            if symbol in self.working:
                self.working[symbol][number] = order
            else:
                self.working[symbol] = {number: order}
        return StrategyOrder.of(order, self.scale)

    def _cancel(self, order: Order, reason: str) -> None:
        self._orders.cancel(order, reason or "by the strategy")
        self._forget(order)

    def _lots(self, symbol: str, quantity: object, cash: object, percent: object) -> int:
        """Return whole lots; for a number that makes no sense the number, which the broker refuses."""
        given = [value for value in (quantity, cash, percent) if value is not None]
        if len(given) != 1:
            raise TypeError("give one of quantity (shares), cash and percent (of the equity)")
        number = _number(
            "quantity" if quantity is not None else "cash" if cash is not None else "percent", given[0]
        )
        if not (isfinite(number) and number > 0):
            return cast("int", number)
        if quantity is not None:
            return self.scale.whole_lots(number)
        close = self.market.last_close(symbol)
        if not (isfinite(close) and close > 0):
            return 1  # refused, as its value is unknown
        if cash is not None:
            return lots_for_cash(number, self.scale, close)
        return lots_for_percent(number, self.scale, close, self._broker.account.equity())

    # What became of orders

    def take(self, number: int) -> None:
        """Take note that an order filled, or ended otherwise."""
        order = self._by_number.get(number)
        if order is None:
            return
        if self.tells_orders:
            self.changed[number] = order
        if order.state is not WORKING:
            self._forget(order)

    def _forget(self, order: Order) -> None:
        orders = self.working[order.symbol]
        del orders[order.number], self._by_number[order.number]
        if not orders:
            del self.working[order.symbol]

    def take_changed(self) -> list[StrategyOrder]:
        """Return the orders that changed since the last call, by number."""
        changed, self.changed = self.changed, {}
        return [StrategyOrder.of(changed[number], self.scale) for number in sorted(changed)]

    # Notes

    def note(self, text: str, value: object) -> None:
        """Note a text and a number at the slot of the market."""
        self._calls.check(self.strategy)
        number = None if value is None else _number("value of a note", value)
        known = None if number is None or isnan(number) else number
        self._note(StrategyNote(self.strategy, self.market.slot, _line("text of a note", text), known))

    # What it has

    def orders(self, symbol: str | None) -> tuple[StrategyOrder, ...]:
        """Return its working orders by number: all, or those of a symbol."""
        if symbol is None:
            found = list(self._by_number.values())
        else:
            found = list(self.working.get(symbol, {}).values())
            if not found:
                self._check_symbol(symbol)
        return tuple(StrategyOrder.of(order, self.scale) for order in found)

    def lots(self, symbol: str) -> int:
        """Return the lots held of a symbol; EngineError for one that is unknown."""
        lots = self._broker.account.lots(self.strategy, symbol)
        if not lots:
            self._check_symbol(symbol)
        return lots

    def holding(self, symbol: str) -> Holding | None:
        """Return the position in a symbol; None without one, EngineError for an unknown symbol."""
        return self._broker.account.holding(self.strategy, symbol) if self.lots(symbol) else None

    def positions(self) -> Mapping[str, float]:
        """Return the shares held of each symbol, below 0 if short, by symbol; only where there are any."""
        held = self._broker.account.positions.held
        own = {one.symbol: one.lots for one in held if one.strategy == self.strategy}
        return {symbol: self.scale.shares(own[symbol]) for symbol in sorted(own)}

    def cash(self) -> float:
        """Return the cash of the account."""
        return self.scale.amount(self._broker.account.cash)

    def equity(self) -> float:
        """Return cash and positions of the account by the last closes."""
        return self.scale.amount(self._broker.account.equity())

    def value(self, symbol: str, name: str) -> float:
        """Return a value of a symbol at the market's slot; EngineError for an unknown symbol or name."""
        self._check_symbol(symbol)
        return self.values().of_row(name, self.market.tape.rows[symbol])

    def _check_symbol(self, symbol: str) -> None:
        rows = self.market.tape.rows
        if symbol not in rows:
            _check_text("symbol", symbol)
            raise EngineError(unknown_name_with_hint("symbol", symbol, rows))


def _no_values() -> SlotValues:
    raise EngineError("no session has begun")


def _number(name: str, value: object) -> float:
    if type(value) is float or type(value) is int:
        return float(value)  # nearly always, and quickly: the class of all real numbers is slow to ask
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, not {value!r:.60}")
    return float(value)


def _check_text(name: str, text: object) -> None:
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a text, not {text!r:.60}")


def _line(name: str, text: str) -> str:
    _check_text(name, text)
    if len(text) <= TEXT_WIDTH and text.isprintable():
        return text
    return shortened(printable_line(text), TEXT_WIDTH)
