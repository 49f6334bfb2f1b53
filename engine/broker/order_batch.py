"""Batch of market orders: what a block of slots decided for long positions, worked out as columns.

What comes of it is what the broker gives order by order. It is worked out without changing anything, and not
used where an order would be refused or would not fill at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import repeat
from operator import ge
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tapedeck.engine.broker.fill_rules import FillRules
from tapedeck.engine.broker.money import Floats, Ints
from tapedeck.engine.broker.orders import (
    BUY,
    FILLED,
    MARKET,
    RECORD_OF,
    SELL,
    Order,
    OrderRecord,
    Side,
    TimeInForce,
)
from tapedeck.engine.broker.position import Position
from tapedeck.engine.broker.positions import Positions
from tapedeck.engine.broker.records import FILL_OF, TRADE_OF, Fill, Trade
from tapedeck.engine.broker.terms import AccountTerms

Mask = NDArray[np.bool_]
NOT_FILLED: Final = -1


@dataclass(frozen=True, eq=False)
class OrderColumns:
    """Orders of a block, int64 (n,) where nothing else is said. An entry is a buy, an exit sells all of it.

    Those of one strategy and symbol follow each other, in turns entries and exits. `rank`: of the strategy;
    `row`: of the symbol. `is_entry`: bool. `slot`: that decided; `fill_slot`: in which it fills, NOT_FILLED
    if not in the block. `lots`: above 0. `close`: the last one known when it was decided, float64. `bars`:
    those that fill, any without one, float64 (5, n). `reasons`: why they are given. `working`: those that
    worked when the block began, by their place here.
    """

    strategies: tuple[str, ...]
    symbols: tuple[str, ...]
    rank: Ints
    row: Ints
    is_entry: Mask
    slot: Ints
    fill_slot: Ints
    lots: Ints
    close: Floats
    bars: Floats
    reasons: Sequence[str]
    working: Mapping[int, Order]

    def places(self, slots: Ints) -> Ints:
        """Return whole numbers that order by slot, then strategy, then row."""
        found: Ints = (slots * len(self.strategies) + self.rank) * len(self.symbols) + self.row
        return found


class OrderBatch:
    """What comes of the orders of a block. Amounts in units, int64 (n,), in the order of the columns.

    `value`, `fee`: of what filled, else 0. `reserved`: by the close that decided, of entries. `number`: of
    the order; `last_number`: before the block, as are `cash` and `positions`. OverflowError for
    amounts beyond int64.
    """

    def __init__(
        self,
        orders: OrderColumns,
        terms: AccountTerms,
        rules: FillRules,
        day: date,
        last_number: int,
        cash: int,
        positions: Positions,
    ) -> None:
        self.orders, self.day, self._rules = orders, day, rules
        self._cash, self._last_number = cash, last_number
        scale, commission = terms.scale, terms.commission
        self.is_filled: Mask = orders.fill_slot != NOT_FILLED
        self.price = self._prices()
        self.value = scale.values(self.price, np.where(self.is_filled, orders.lots, 0))
        self.fee = np.zeros_like(self.value)
        if commission is not None:
            for place in np.flatnonzero(self.is_filled).tolist():
                lots, value = int(orders.lots[place]), int(self.value[place])
                self.fee[place] = commission.total(lots, value, scale)
        self.reserved = scale.values(orders.close, np.where(orders.is_entry, orders.lots, 0))
        sums = (float(np.abs(one).sum(dtype=np.float64)) for one in (self.value, self.fee, self.reserved))
        if abs(cash) + sum(sums) > 2.0**62:
            raise OverflowError("amounts beyond int64")
        self._held_cost = np.zeros_like(self.value)
        for place in np.flatnonzero(~self.follows & ~orders.is_entry).tolist():
            self._held_cost[place] = self._position(positions, place).cost

    def _prices(self) -> Floats:
        """Return the price of each fill; 0 of what does not fill."""
        orders = self.orders
        opens = np.where(self.is_filled, orders.bars[0], 0.0)
        if self._rules.has_slippage:
            for place in np.flatnonzero(self.is_filled).tolist():
                first, high, low, last, volume = orders.bars[:, place].tolist()
                sign = 1 if orders.is_entry[place] else -1
                opens[place] = self._rules.price(MARKET, sign, (first, high, low, last, volume))
        return opens

    @property
    def fills_at_once(self) -> bool:
        """Whether each order that fills does so in one bar."""
        participation = self._rules.participation
        if participation is None:
            return True
        if len(self.orders.strategies) > 1:
            return False  # they share bars
        filled = np.flatnonzero(self.is_filled)
        volumes, lots = self.orders.bars[4, filled].tolist(), self.orders.lots[filled].tolist()
        return all(map(ge, map(participation.lots, volumes), lots))

    @cached_property
    def change(self) -> Ints:
        """What each fill adds to the cash."""
        sign = np.where(self.orders.is_entry, -1, 1)
        changes: Ints = sign * self.value - self.fee
        return changes

    @cached_property
    def decided(self) -> Ints:
        """Places of the new orders, in the order in which they are decided."""
        is_new = np.ones(len(self.orders.row), dtype=bool)
        is_new[list(self.orders.working)] = False
        new = np.flatnonzero(is_new)
        in_order: Ints = new[np.argsort(self.orders.places(self.orders.slot)[new])]
        return in_order

    @cached_property
    def filled(self) -> Ints:
        """Places of the orders that fill, in the order of the fills."""
        filled = np.flatnonzero(self.is_filled)
        in_order: Ints = filled[np.argsort(self.orders.places(self.orders.fill_slot)[filled])]
        return in_order

    @cached_property
    def number(self) -> Ints:
        """Numbers of the orders."""
        numbers = np.zeros(len(self.orders.row), dtype=np.int64)
        numbers[self.decided] = np.arange(1, len(self.decided) + 1) + self._last_number
        for place, order in self.orders.working.items():
            numbers[place] = order.number
        return numbers

    def least_at_hand(self, at_hand: int) -> int:
        """Return the least cash at hand after an order of the block, by `at_hand` before it."""
        orders, new, filled = self.orders, self.decided, self.filled
        # In a slot fills come first: so a fill has an even place, an order an odd one.
        span = len(orders.strategies) * len(orders.symbols)
        at_fills = orders.places(orders.fill_slot)[filled] + orders.fill_slot[filled] * span
        at_orders = orders.places(orders.slot)[new] + (orders.slot[new] + 1) * span
        changes = np.concatenate([(self.change + self.reserved)[filled], -self.reserved[new]])
        turns = np.argsort(np.concatenate([at_fills, at_orders]))
        left = at_hand + np.cumsum(changes[turns])
        after_orders = left[turns >= len(filled)]
        return int(after_orders.min()) if len(after_orders) else at_hand

    @cached_property
    def follows(self) -> Mask:
        """Where an order follows one of the same strategy and symbol."""
        rank, row = self.orders.rank, self.orders.row
        follows = np.zeros(len(row), dtype=bool)
        follows[1:] = (row[1:] == row[:-1]) & (rank[1:] == rank[:-1])
        return follows

    @cached_property
    def is_closed(self) -> Mask:
        """Where an entry and the exit that follows it both fill in the block: of both."""
        exits = np.flatnonzero(self.follows & ~self.orders.is_entry & self.is_filled)
        closed = np.zeros(len(self.follows), dtype=bool)
        closed[exits] = closed[exits - 1] = True
        return closed

    @cached_property
    def realised(self) -> Ints:
        """Profit of the fills before commission."""
        profit = np.where(~self.orders.is_entry & self.is_filled, self.value, 0)
        own = np.flatnonzero(self.is_closed & ~self.orders.is_entry)
        profit[own] -= self.value[own - 1]
        others = np.flatnonzero(~self.orders.is_entry & self.is_filled & ~self.is_closed)
        profit[others] -= self._held_cost[others]
        return profit

    def fill_positions(self, positions: Positions, trade: int) -> list[Trade]:
        """Fill positions, and return the round trips that end, with numbers from `trade` on."""
        filled = self.filled
        exits = filled[~self.orders.is_entry[filled]]
        numbers = np.zeros(len(self.follows), dtype=np.int64)
        numbers[exits] = np.arange(trade, trade + len(exits))
        closed = exits[self.is_closed[exits]]
        trades = self.trades(closed, numbers[closed].tolist())
        starts = np.flatnonzero(~self.follows)
        profits = np.add.reduceat(np.where(self.is_closed, self.realised, 0), starts).tolist()
        fees = np.add.reduceat(np.where(self.is_closed, self.fee, 0), starts).tolist()
        singles = np.flatnonzero(self.is_filled & ~self.is_closed).tolist()
        for place, profit, fee in zip(starts.tolist(), profits, fees, strict=True):
            self._position(positions, place).take_round_trips(profit, fee)
        for place in singles:
            position = self._position(positions, place)
            ended = self._fill_one(position, place, int(numbers[place]))
            if ended is not None:
                trades.append(ended)
            positions.changed(position)
        trades.sort()
        return trades

    def _position(self, positions: Positions, place: int) -> Position:
        orders = self.orders
        return positions.of(orders.strategies[orders.rank[place]], orders.symbols[orders.row[place]])

    def _fill_one(self, position: Position, place: int, trade: int) -> Trade | None:
        """Fill an order that ends what was held before the block, or begins what is held after it."""
        orders = self.orders
        return position.fill(
            int(self.number[place]),
            1 if orders.is_entry[place] else -1,
            int(orders.lots[place]),
            int(self.value[place]),
            int(self.fee[place]),
            self.day,
            int(orders.fill_slot[place]),
            trade,
        )

    # Records

    def fills(self) -> list[Fill]:
        """Return the fills, in their order."""
        orders, at = self.orders, self.filled
        entry = orders.is_entry[at]
        lots, value = orders.lots[at], self.value[at]
        is_entry = entry.tolist()
        columns = zip(
            self.number[at].tolist(),
            self._strategies(at),
            self._symbols(at),
            _sides(is_entry),
            lots.tolist(),
            self.price[at].tolist(),
            value.tolist(),
            self.fee[at].tolist(),
            repeat(self.day),
            orders.fill_slot[at].tolist(),
            self._reasons(at),
            self.realised[at].tolist(),
            np.where(entry, lots, 0).tolist(),
            np.where(entry, value, 0).tolist(),
            (self._cash + np.cumsum(self.change[at])).tolist(),
            strict=False,
        )
        return list(map(FILL_OF, columns))

    def new_orders(self) -> list[Order | OrderRecord]:
        """Return the new orders by number: records of those that filled, else orders that do not work yet."""
        at, is_filled = self.decided, self.is_filled[self.decided]
        if is_filled.all():
            return [*self._records(at)]
        records = iter(self._records(at[is_filled]))
        places = zip(at.tolist(), is_filled.tolist(), strict=True)
        return [next(records) if filled else self._order(place) for place, filled in places]

    def _order(self, place: int) -> Order:
        orders = self.orders
        return Order(
            int(self.number[place]),
            orders.strategies[orders.rank[place]],
            orders.symbols[orders.row[place]],
            BUY if orders.is_entry[place] else SELL,
            int(orders.lots[place]),
            MARKET,
            TimeInForce.GTC,
            self.day,
            int(orders.slot[place]),
            float(orders.close[place]),
            orders.reasons[place],
        )

    def _records(self, at: Ints) -> list[OrderRecord]:
        """Return the orders at some places, new ones that filled."""
        orders = self.orders
        lots, days = orders.lots[at].tolist(), repeat(self.day)
        columns = zip(
            self.number[at].tolist(),
            self._strategies(at),
            self._symbols(at),
            _sides(orders.is_entry[at].tolist()),
            lots,
            repeat(MARKET),
            repeat(TimeInForce.GTC),
            days,
            orders.slot[at].tolist(),
            orders.close[at].tolist(),
            self._reasons(at),
            repeat(FILLED),
            repeat(""),
            lots,
            self.value[at].tolist(),
            self.fee[at].tolist(),
            days,
            orders.fill_slot[at].tolist(),
            strict=False,
        )
        return list(map(RECORD_OF, columns))

    def trades(self, at: Ints, numbers: list[int]) -> list[Trade]:
        """Return the round trips of exits at some places, each with its entry just before it."""
        orders, first = self.orders, at - 1
        fees = self.fee[at] + self.fee[first]
        columns = zip(
            numbers,
            self._strategies(at),
            self._symbols(at),
            repeat(BUY),
            orders.lots[at].tolist(),
            repeat(self.day),
            orders.fill_slot[first].tolist(),
            self.number[first].tolist(),
            self.value[first].tolist(),
            repeat(self.day),
            orders.fill_slot[at].tolist(),
            self.number[at].tolist(),
            self.value[at].tolist(),
            fees.tolist(),
            (self.realised[at] - fees).tolist(),
            strict=False,
        )
        return list(map(TRADE_OF, columns))

    def _strategies(self, at: Ints) -> list[str]:
        names = self.orders.strategies
        return [names[rank] for rank in self.orders.rank[at].tolist()]

    def _symbols(self, at: Ints) -> list[str]:
        names = self.orders.symbols
        return [names[row] for row in self.orders.row[at].tolist()]

    def _reasons(self, at: Ints) -> list[str]:
        reasons = self.orders.reasons
        return [reasons[place] for place in at.tolist()]


def _sides(is_entry: list[bool]) -> list[Side]:
    return [BUY if entry else SELL for entry in is_entry]
