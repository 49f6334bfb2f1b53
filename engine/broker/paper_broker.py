"""Paper broker: takes orders, fills them in later bars, and keeps cash and positions of one account."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from math import isfinite
from typing import Final

from tapedeck.engine.broker.account import Account, Holding
from tapedeck.engine.broker.bar import Bar
from tapedeck.engine.broker.fill_rules import FillRules
from tapedeck.engine.broker.limits import Limits
from tapedeck.engine.broker.orders import Order, OrderKind, OrderRecord, OrderState, Side, TimeInForce
from tapedeck.engine.broker.position import Position
from tapedeck.engine.broker.positions import Positions
from tapedeck.engine.broker.records import Fill, Trade
from tapedeck.engine.broker.terms import AccountTerms
from tapedeck.engine.errors import EngineError, shortened, unknown_name_with_hint

MOST_LOTS: Final = 10**12
"""Largest quantity of an order."""


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
        self.rules = FillRules(terms)
        self._limits = Limits(terms)
        self._commission = terms.commission
        self._ranks = {name: rank for rank, name in enumerate(strategies)}
        self._last_close = last_close
        self._cash = self._initial = self.scale.units(terms.initial_cash)
        self._realised = self._fees = self._reserved = 0
        self._positions = Positions()
        self._working: dict[int, Order] = {}
        self._in_turn: list[Order] | None = None
        self._numbers = self._trade_numbers = 0
        self._day: date | None = None
        self._slots = 0
        self._tried = -1
        self._rows: dict[str, int] = {}
        self._unknown: dict[str, str] = {}
        self._orders: list[Order] = []
        self._fills: list[Fill] = []
        self._trades: list[Trade] = []

    # The session

    def begin_session(self, day: date, slots: int, symbols: Sequence[str]) -> None:
        """Begin a later session of `slots` slots; `symbols`: in the order of their rows."""
        if self._day is not None and day <= self._day:
            raise EngineError(f"the session {day} does not come after {self._day}")
        self._day, self._slots, self._tried = day, slots, -1
        self._orders = list(self._working.values())
        self._fills, self._trades = [], []
        self.set_symbols(symbols)

    def set_symbols(self, symbols: Sequence[str]) -> None:
        """Take the symbols of the session in the order of their rows, which changed."""
        self._rows = {symbol: row for row, symbol in enumerate(symbols)}
        self._unknown = {}
        self._in_turn = None

    def end_session(self) -> list[OrderRecord]:
        """End the session: return the orders that expire with it, day orders and market on close."""
        expired = [
            order
            for order in self._working.values()
            if order.day == self._day
            and (order.time_in_force is TimeInForce.DAY or order.kind is OrderKind.MARKET_ON_CLOSE)
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
    ) -> OrderRecord:
        """Take an order, decided at the close of `slot` (BEFORE_FIRST_SLOT before the first bar).

        It works from the next slot on, unless it is refused: then `state` of the record says so, and
        `state_reason` why. `reason`: why it is given.
        """
        if self._day is None:
            raise EngineError("an order was given before the first session began")
        if strategy not in self._ranks:
            raise EngineError(f"unknown strategy {strategy!r}")
        self._numbers += 1
        close = self._last_close(symbol) if symbol in self._rows else float("nan")
        order = Order(
            self._numbers, strategy, symbol, side, lots, kind, time_in_force, self._day, slot, close, reason
        )
        self._orders.append(order)
        refusal = self._unmeasurable(order) or self._too_late(order) or self._accept(order)
        if refusal is not None:
            order.end(OrderState.REFUSED, self._day, slot, refusal)
        return order.record

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
            on_close = order.kind is OrderKind.MARKET_ON_CLOSE
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

    # The account

    @property
    def cash(self) -> int:
        """Cash in units."""
        return self._cash

    def cash_at_hand(self) -> int:
        """Return what new positions may be worth, in units: cash without what working orders will take.

        A short position binds what it brought, and as much again, by the last closes: so all positions
        together are worth no more than the equity when they are opened.
        """
        short = sum(map(self._value, self._positions.short))
        return self._cash - self._reserved + 2 * short

    def equity(self) -> int:
        """Return cash and positions by the last closes, in units."""
        return self._cash + sum(map(self._value, self._positions.held))

    def account(self) -> Account:
        """Return the account by the last closes."""
        value = cost = 0
        for position in self._positions.held:
            value += self._value(position)
            cost += position.cost
        return Account(self._cash, value, self._cash + value, self._realised, value - cost, self._fees)

    def held(self, strategy: str, symbol: str) -> int:
        """Return the lots of a strategy in a symbol, below 0 if short."""
        position = self._positions.find(strategy, symbol)
        return 0 if position is None else position.lots

    def holding(self, strategy: str, symbol: str) -> Holding | None:
        """Return a position by the last close; None without lots."""
        position = self._positions.find(strategy, symbol)
        return None if position is None or not position.lots else self._holding(position)

    def holdings(self) -> list[Holding]:
        """Return all positions that have lots: by strategy, as in the session file, then by symbol."""
        held = sorted(self._positions.held, key=lambda one: (self._ranks[one.strategy], one.symbol))
        return [self._holding(position) for position in held]

    # What the session had

    @property
    def session_orders(self) -> list[OrderRecord]:
        """Orders of the session by number, with those that worked when it began, as they stand now."""
        return [order.record for order in self._orders]

    @property
    def session_fills(self) -> tuple[Fill, ...]:
        """Fills of the session, in their order."""
        return tuple(self._fills)

    @property
    def session_trades(self) -> tuple[Trade, ...]:
        """Round trips that ended in the session, in their order."""
        return tuple(self._trades)

    # Inside

    def _unmeasurable(self, order: Order) -> str | None:
        """Return why an order has no value to measure, or None."""
        lots, symbol = order.lots, order.symbol
        if type(lots) is not int or not 0 < lots <= MOST_LOTS:
            order.lots = 0
            return f"quantity must be a whole number of lots from 1 to {MOST_LOTS:,}, not {_shown(lots)}"
        if symbol not in self._rows:
            if symbol not in self._unknown:
                self._unknown[symbol] = unknown_name_with_hint("symbol", symbol, self._rows)
            return self._unknown[symbol]
        if not (isfinite(order.close) and order.close > 0):
            return f"no price of {symbol} is known yet, so that the order cannot be measured"
        return None

    def _too_late(self, order: Order) -> str | None:
        """Return why an order has no slot left to fill in, or None."""
        if order.slot < self._slots - 1:
            return None
        if order.kind is OrderKind.MARKET_ON_CLOSE:
            return "market on close is accepted until one slot before the close"
        if order.time_in_force is TimeInForce.DAY:
            return "a day order of the session's last slot cannot fill: give one that is good till cancelled"
        return None

    def _accept(self, order: Order) -> str | None:
        """Enter an order that the limits allow; else return why not."""
        position = self._positions.of(order.strategy, order.symbol)
        opening = position.opening(order.sign, order.lots)
        if opening:
            value = self.scale.value(order.close, opening)
            refusal = self._limits.refusal(
                self._positions, position, order.sign, opening, value, order.close
            ) or self._uncovered(order, opening, value)
            if refusal is not None:
                return refusal
            order.opening, order.reserved = opening, value
            self._reserved += value
        if order.sign > 0:
            position.buying += order.lots
        else:
            position.selling += order.lots
        self._positions.changed(position)
        self._working[order.number] = order
        self._in_turn = None
        return None

    def _uncovered(self, order: Order, opening: int, value: int) -> str | None:
        at_hand = self.cash_at_hand()
        if opening < order.lots:
            # An order through zero: what it closes is free for what it opens.
            at_hand += self.scale.value(order.close, order.lots - opening)
        if value <= at_hand:
            return None
        return f"value {self._limits.text(value)} is above the cash at hand, {self._limits.text(at_hand)}"

    def _sorted(self) -> list[Order]:
        if len(self._working) == 1:
            return list(self._working.values())
        ranks, rows, last = self._ranks, self._rows, len(self._rows)
        return sorted(
            self._working.values(),
            key=lambda order: (ranks[order.strategy], rows.get(order.symbol, last), order.number),
        )

    def _lots(self, order: Order, bar: Bar, left: dict[str, int]) -> int:
        """Return the lots that fill now; `left`: what is left of the bars of the slot, by symbol."""
        wanted: int = order.lots - order.filled
        if not self.rules.has_participation:
            return wanted
        symbol = order.symbol
        available = left.get(symbol)
        if available is None:
            available = self.rules.lots(bar[4]) or 0
        lots = min(wanted, available)
        left[symbol] = available - lots
        return lots

    def _fill(self, day: date, order: Order, lots: int, bar: Bar, slot: int) -> Fill:
        sign = order.sign
        price = self.rules.price(order.kind, sign, bar)
        value = self.scale.value(price, lots)
        order.filled += lots
        order.value += value
        fee = 0
        if self._commission is not None:
            fee = self._commission.total(order.filled, order.value, self.scale) - order.commission
            order.commission += fee
            self._fees += fee
        self._cash -= sign * value + fee
        position = self._positions.of(order.strategy, order.symbol)
        before = position.realised
        trade = position.fill(order.number, sign, lots, value, fee, day, slot, self._trade_numbers + 1)
        if trade is not None:
            self._trade_numbers += 1
            self._trades.append(trade)
        realised = position.realised - before
        self._realised += realised
        if order.filled == order.lots:
            order.end(OrderState.FILLED, day, slot)
            self._remove(order)
        self._settle(order, position, lots)
        return Fill(
            order.number,
            order.strategy,
            order.symbol,
            Side.BUY if sign > 0 else Side.SELL,
            lots,
            price,
            value,
            fee,
            day,
            slot,
            order.reason,
            realised,
            position.lots,
            self._cash,
        )

    def _settle(self, order: Order, position: Position, lots: int) -> None:
        """Take filled lots, or those that will not fill, from what the order holds back."""
        if order.sign > 0:
            position.buying -= lots
        else:
            position.selling -= lots
        if order.opening:
            # What closes fills first, so that the lots that open are the last ones.
            works = order.state is OrderState.WORKING
            opening = min(order.opening, order.lots - order.filled) if works else 0
            reserved = self.scale.value(order.close, opening) if opening else 0
            self._reserved += reserved - order.reserved
            order.opening, order.reserved = opening, reserved
        self._positions.changed(position)

    def _end(self, order: Order, state: OrderState, slot: int, reason: str) -> None:
        assert self._day is not None  # orders work in sessions only
        order.end(state, self._day, slot, reason)
        self._remove(order)
        self._settle(order, self._positions.of(order.strategy, order.symbol), order.lots - order.filled)

    def _remove(self, order: Order) -> None:
        del self._working[order.number]
        self._in_turn = None

    def _value(self, position: Position) -> int:
        return self.scale.value(self._last_close(position.symbol), position.lots)

    def _holding(self, position: Position) -> Holding:
        value = self._value(position)
        return Holding(
            position.strategy,
            position.symbol,
            position.lots,
            position.cost,
            self.scale.price(position.cost, position.lots),
            value,
            value - position.cost,
            position.realised,
            position.commission,
        )


def _shown(lots: object) -> str:
    # Python refuses to write whole numbers of thousands of digits.
    if isinstance(lots, int) and abs(lots) > MOST_LOTS:
        return "more" if lots > 0 else "less"
    return shortened(repr(lots))
