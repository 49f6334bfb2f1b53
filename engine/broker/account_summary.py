"""Summary of an account in a session: what it began with, how it ended, what each strategy did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

from tapedeck.engine.broker.account_record import AccountAt, HeldPosition
from tapedeck.engine.broker.money import MoneyScale
from tapedeck.engine.broker.orders import OrderState


@dataclass(frozen=True, slots=True)
class HeldShares:
    """Shares of a strategy in a symbol, below 0 if short, and what they cost, with the same sign."""

    strategy: str
    symbol: str
    quantity: float
    cost: float


@dataclass(frozen=True, slots=True)
class AccountMoment:
    """An account at a moment, in the currency.

    `equity`: cash and positions by the last closes. `realised`: profit of all that was closed since the run
    began, before commission; `commission`: paid since then. `positions`: by strategy, then by symbol.
    """

    cash: float
    equity: float
    realised: float
    commission: float
    positions: tuple[HeldShares, ...]


@dataclass(frozen=True, slots=True)
class StrategyResult:
    """What a strategy did in a session: numbers of its orders, of those that were refused, and of its fills.

    `trades`: round trips that ended in the session; `profit`: of these, after commission, in the currency.
    `last_refusal`: why the last one was refused; empty if none was.
    """

    strategy: str
    orders: int
    refused: int
    fills: int
    trades: int
    profit: float
    last_refusal: str = ""


@dataclass(frozen=True, slots=True)
class AccountSummary:
    """An account in a session: before its first slot, after the last one walked, and by strategy."""

    opening: AccountMoment
    closing: AccountMoment
    strategies: tuple[StrategyResult, ...]

    @classmethod
    def of(cls, account: AccountAt) -> Self:
        """Return the summary of an account up to its frontier."""
        record, opening = account.record, account.record.at(0)
        scale = record.scale
        before = _moment(opening, record.opening_positions, scale)
        return cls(before, _moment(account, account.positions, scale), tuple(_results(account)))


def _moment(account: AccountAt, positions: Iterable[HeldPosition], scale: MoneyScale) -> AccountMoment:
    held = (
        HeldShares(one.strategy, one.symbol, scale.shares(one.lots), scale.amount(one.cost))
        for one in positions
    )
    return AccountMoment(
        scale.amount(account.cash),
        scale.amount(account.equity),
        scale.amount(account.realised),
        scale.amount(account.commission),
        tuple(held),
    )


def _results(account: AccountAt) -> Iterator[StrategyResult]:
    record = account.record
    orders = [order for order in account.orders if order.day == record.day]
    refusals = [order for order in orders if order.state is OrderState.REFUSED]
    refused = Counter(order.strategy for order in refusals)
    reasons = {order.strategy: order.state_reason for order in refusals}
    given = Counter(order.strategy for order in orders)
    fills = Counter(fill.strategy for fill in account.fills)
    trades, profits = Counter[str](), Counter[str]()
    for trade in account.trades:
        trades[trade.strategy] += 1
        profits[trade.strategy] += trade.profit
    for name in record.strategies:
        profit = record.scale.amount(profits[name])
        yield StrategyResult(
            name, given[name], refused[name], fills[name], trades[name], profit, reasons.get(name, "")
        )
