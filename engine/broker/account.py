"""The account: cash, positions, what working orders hold back, profit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from tapedeck.engine.broker.commission import Commission
from tapedeck.engine.broker.figures import AccountFigures, Holding
from tapedeck.engine.broker.order_batch import OrderBatch
from tapedeck.engine.broker.orders import BUY, FILLED, SELL, WORKING, Order
from tapedeck.engine.broker.position import Position
from tapedeck.engine.broker.positions import Positions
from tapedeck.engine.broker.records import FILL_OF, Fill, Trade
from tapedeck.engine.broker.terms import AccountTerms


class Account:
    """One account, shared by strategies; the broker alone writes it. Money in units of `scale`.

    `strategies`: their names, in the order of the session file. `last_close`: returns the last close known of
    a symbol. `trades`: round trips that ended in the session.
    """

    __slots__ = (
        "_commission",
        "_fees",
        "_last_close",
        "_ranks",
        "_realised",
        "_reserved",
        "_trade_numbers",
        "cash",
        "positions",
        "scale",
        "trades",
    )

    def __init__(
        self, terms: AccountTerms, strategies: Sequence[str], last_close: Callable[[str], float]
    ) -> None:
        self.scale = terms.scale
        self.cash = self.scale.units(terms.initial_cash)
        self.positions = Positions()
        self.trades: list[Trade] = []
        self._commission = terms.commission
        self._last_close = last_close
        self._ranks = {name: rank for rank, name in enumerate(strategies)}
        self._realised = self._fees = self._reserved = self._trade_numbers = 0

    # What it has

    def at_hand(self) -> int:
        """Return what new positions may be worth: cash without what working orders will take.

        A short position binds what it brought, and as much again, by the last closes: so all positions
        together are worth no more than the equity when they are opened.
        """
        free = self.cash - self._reserved
        short = self.positions.short
        return free + 2 * sum(map(self._value, short)) if short else free

    def equity(self) -> int:
        """Return cash and positions by the last closes."""
        return self.cash + sum(map(self._value, self.positions.held))

    def figures(self) -> AccountFigures:
        """Return its figures by the last closes."""
        value = cost = 0
        for position in self.positions.held:
            value += self._value(position)
            cost += position.cost
        equity = self.cash + value
        return AccountFigures(self.cash, value, equity, self._realised, value - cost, self._fees)

    def lots(self, strategy: str, symbol: str) -> int:
        """Return the lots of a strategy in a symbol, below 0 if short."""
        position = self.positions.find(strategy, symbol)
        return 0 if position is None else position.lots

    def holding(self, strategy: str, symbol: str) -> Holding | None:
        """Return a position by the last close; None without lots."""
        position = self.positions.find(strategy, symbol)
        return None if position is None or not position.lots else self._holding(position)

    def holdings(self) -> list[Holding]:
        """Return all positions that have lots: by strategy, as in the session file, then by symbol."""
        held = sorted(self.positions.held, key=lambda one: (self._ranks[one.strategy], one.symbol))
        return [self._holding(position) for position in held]

    # What the broker tells it

    def accept(self, order: Order, position: Position, opening: int, value: int) -> None:
        """Take a new order into account; `opening`: lots that open or enlarge the position, of that value."""
        order.opening, order.reserved = opening, value
        self._reserved += value
        if order.sign > 0:
            position.buying += order.lots
        else:
            position.selling += order.lots
        self.positions.changed(position)

    def fill(self, order: Order, lots: int, price: float, day: date, slot: int) -> Fill:
        """Fill lots of an order at a price, and mark the order if it is then complete."""
        sign = order.sign
        value = self.scale.value(price, lots)
        order.filled += lots
        order.value += value
        fee = 0 if self._commission is None else self._charge(order, self._commission)
        self.cash -= sign * value + fee
        position = self.positions.of(order.strategy, order.symbol)
        before = position.realised
        trade = position.fill(order.number, sign, lots, value, fee, day, slot, self._trade_numbers + 1)
        if trade is not None:
            self._trade_numbers += 1
            self.trades.append(trade)
        realised = position.realised - before
        self._realised += realised
        if order.filled == order.lots:
            order.end(FILLED, day, slot)
        self._release(order, position, lots)
        return FILL_OF(
            (
                order.number,
                order.strategy,
                order.symbol,
                BUY if sign > 0 else SELL,
                lots,
                price,
                value,
                fee,
                day,
                slot,
                order.reason,
                realised,
                position.lots,
                position.cost,
                self.cash,
            )
        )

    def take_batch(self, batch: OrderBatch) -> None:
        """Take all that filled of a batch at once."""
        trades = batch.fill_positions(self.positions, self._trade_numbers + 1)
        self._trade_numbers += len(trades)
        self.trades += trades
        self.cash += int(batch.change.sum())
        self._realised += int(batch.realised.sum())
        self._fees += int(batch.fee.sum())
        for place, order in batch.orders.working.items():
            if batch.is_filled[place]:
                order.filled, order.value = order.lots, int(batch.value[place])
                order.commission = int(batch.fee[place])
                order.end(FILLED, batch.day, int(batch.orders.fill_slot[place]))
                self._release(order, self.positions.of(order.strategy, order.symbol), order.lots)

    def ended(self, order: Order) -> None:
        """Take into account that the rest of an order, which has ended, will not fill."""
        position = self.positions.of(order.strategy, order.symbol)
        self._release(order, position, order.lots - order.filled)

    def _charge(self, order: Order, commission: Commission) -> int:
        """Return what the last fill of the order pays."""
        fee = commission.total(order.filled, order.value, self.scale) - order.commission
        order.commission += fee
        self._fees += fee
        return fee

    def _release(self, order: Order, position: Position, lots: int) -> None:
        """Take lots that filled, or will not fill, from what the order holds back."""
        if order.sign > 0:
            position.buying -= lots
        else:
            position.selling -= lots
        if order.opening:
            # What closes fills first, so that the lots that open are the last ones.
            works = order.state is WORKING
            opening = min(order.opening, order.lots - order.filled) if works else 0
            reserved = self.scale.value(order.close, opening) if opening else 0
            self._reserved += reserved - order.reserved
            order.opening, order.reserved = opening, reserved
        self.positions.changed(position)

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
