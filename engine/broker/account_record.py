"""Account of a session: what it began with, and what strategies did in it, to be read at any frontier."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from itertools import islice
from operator import attrgetter
from typing import Final, NamedTuple

from tapedeck.engine.broker.money import Ints, MoneyScale
from tapedeck.engine.broker.orders import OrderRecord, OrderState
from tapedeck.engine.broker.records import Fill, Trade

_SLOT: Final = attrgetter("slot")
_EXIT_SLOT: Final = attrgetter("exit_slot")

PositionKey = tuple[str, str]
"""A strategy and a symbol."""


class HeldPosition(NamedTuple):
    """Lots of a strategy in a symbol, below 0 if short, and what they cost in units, with the same sign."""

    strategy: str
    symbol: str
    lots: int
    cost: int


class StrategyNote(NamedTuple):
    """What a strategy noted at the close of a slot. `value`: None without one."""

    strategy: str
    slot: int
    text: str
    value: float | None


@dataclass(frozen=True, eq=False)
class AccountRecord:
    """An account in one session, as far as strategies walked: `walked` slots. Money in units of `scale`.

    `strategies`: their names, in the order of the session file. `opening_cash`, `opening_equity`,
    `opening_positions`, `opening_realised`, `opening_commission`: before the session. `orders`: of the
    session by number, with those that worked at its beginning, as they stood after the last slot walked.
    `fills`, `trades`, `notes`: in their order. `equity`: at the close of each slot walked, int64 (walked,).
    `opening_closes`: the last close known before the session of each symbol with an opening position.
    `opening_bars_held`: bars of the symbol, in earlier sessions, since an opening position was opened.
    """

    day: date
    scale: MoneyScale
    strategies: tuple[str, ...]
    walked: int
    opening_cash: int
    opening_equity: int
    opening_realised: int
    opening_commission: int
    opening_positions: tuple[HeldPosition, ...]
    orders: tuple[OrderRecord, ...]
    fills: tuple[Fill, ...]
    trades: tuple[Trade, ...]
    notes: tuple[StrategyNote, ...]
    equity: Ints
    opening_closes: Mapping[str, float] = field(default_factory=dict)
    opening_bars_held: Mapping[PositionKey, int] = field(default_factory=dict)

    @cached_property
    def fills_of_positions(self) -> Mapping[PositionKey, tuple[Fill, ...]]:
        """The fills of each strategy and symbol that has any."""
        found: dict[PositionKey, list[Fill]] = {}
        for fill in self.fills:
            found.setdefault((fill.strategy, fill.symbol), []).append(fill)
        return {key: tuple(fills) for key, fills in found.items()}

    def opening_position(self, strategy: str, symbol: str) -> HeldPosition:
        """Return the position of a strategy in a symbol before the session; it may have no lots."""
        return self._opening.get((strategy, symbol)) or HeldPosition(strategy, symbol, 0, 0)

    @cached_property
    def _opening(self) -> Mapping[PositionKey, HeldPosition]:
        return {(one.strategy, one.symbol): one for one in self.opening_positions}

    @cached_property
    def fills_of_orders(self) -> Mapping[int, tuple[Fill, ...]]:
        """The fills of each order that has any, by its number."""
        found: dict[int, list[Fill]] = {}
        for fill in self.fills:
            found.setdefault(fill.order, []).append(fill)
        return {number: tuple(fills) for number, fills in found.items()}

    def at(self, frontier: int) -> AccountAt:
        """Return the account as it stood when `frontier` slots were over."""
        return AccountAt(self, max(0, min(frontier, self.walked)))


class AccountAt:
    """An account at a frontier: what happened in the slots before it, and nothing later."""

    __slots__ = ("frontier", "record")

    def __init__(self, record: AccountRecord, frontier: int) -> None:
        self.record, self.frontier = record, frontier

    @property
    def fills(self) -> tuple[Fill, ...]:
        """Fills of the session, in their order."""
        fills = self.record.fills
        return fills[: bisect_left(fills, self.frontier, key=_SLOT)]

    @property
    def trades(self) -> tuple[Trade, ...]:
        """Round trips that ended in the session, in their order."""
        trades = self.record.trades
        return trades[: bisect_left(trades, self.frontier, key=_EXIT_SLOT)]

    @property
    def notes(self) -> tuple[StrategyNote, ...]:
        """What strategies noted, in order."""
        notes = self.record.notes
        return notes[: bisect_left(notes, self.frontier, key=_SLOT)]

    @property
    def orders(self) -> tuple[OrderRecord, ...]:
        """Orders of the session as they stood, by number, with those that worked at its beginning."""
        if self._is_whole:
            return self.record.orders
        return tuple(self.as_it_stood(order) for order in self.record.orders if self.knows(order))

    def latest_orders(self, count: int) -> tuple[OrderRecord, ...]:
        """Return the last of `orders`, at most `count`."""
        known = (order for order in reversed(self.record.orders) if self.knows(order))
        return tuple(map(self.as_it_stood, islice(known, count)))[::-1]

    @property
    def positions(self) -> tuple[HeldPosition, ...]:
        """Positions that have lots: by strategy as in the session file, then by symbol."""
        held = {(one.strategy, one.symbol): one for one in self.record.opening_positions}
        last = {(fill.strategy, fill.symbol): fill for fill in self.fills}
        for key, fill in last.items():
            held[key] = HeldPosition(*key, fill.held, fill.cost)
        ranks = {name: rank for rank, name in enumerate(self.record.strategies)}
        present = (one for one in held.values() if one.lots)
        return tuple(sorted(present, key=lambda one: (ranks[one.strategy], one.symbol)))

    @property
    def cash(self) -> int:
        """Cash in units."""
        fills = self.fills
        return fills[-1].cash if fills else self.record.opening_cash

    @property
    def equity(self) -> int:
        """Cash and positions by the last closes, in units."""
        return int(self.record.equity[self.frontier - 1]) if self.frontier else self.record.opening_equity

    @property
    def equity_so_far(self) -> Ints:
        """Equity at the close of each slot that is over, in units, int64 (frontier,)."""
        return self.record.equity[: self.frontier]

    @property
    def realised(self) -> int:
        """Profit of all that was closed since the run began, before commission, in units."""
        return self.record.opening_realised + sum(fill.realised for fill in self.fills)

    @property
    def commission(self) -> int:
        """Commission paid since the run began, in units."""
        return self.record.opening_commission + sum(fill.commission for fill in self.fills)

    @property
    def _is_whole(self) -> bool:
        """Whether all that the record has is known."""
        return self.frontier >= self.record.walked

    def knows(self, order: OrderRecord) -> bool:
        """Whether an order of the record was given before the frontier."""
        return order.day < self.record.day or order.slot < self.frontier

    def as_it_stood(self, order: OrderRecord) -> OrderRecord:
        """Return an order of the record as it stood at the frontier."""
        later = [
            fill for fill in self.record.fills_of_orders.get(order.number, ()) if fill.slot >= self.frontier
        ]
        has_ended = order.ended_day is not None and (
            order.ended_day < self.record.day
            or (order.ended_slot is not None and order.ended_slot < self.frontier)
        )
        if not later and (has_ended or order.ended_day is None):
            return order
        return order._replace(
            state=order.state if has_ended else OrderState.WORKING,
            state_reason=order.state_reason if has_ended else "",
            ended_day=order.ended_day if has_ended else None,
            ended_slot=order.ended_slot if has_ended else None,
            filled=order.filled - sum(fill.lots for fill in later),
            value=order.value - sum(fill.value for fill in later),
            commission=order.commission - sum(fill.commission for fill in later),
        )


class SessionAccount:
    """The account of a session that plays. `record`: the newest, replaced by the thread of the strategies."""

    __slots__ = ("record",)

    def __init__(self, record: AccountRecord) -> None:
        self.record = record
