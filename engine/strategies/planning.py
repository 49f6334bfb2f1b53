"""Planning of slots for all strategies of a walk, where their orders follow from the market alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeGuard

import numpy as np

from tapedeck.engine.broker.orders import Order
from tapedeck.engine.broker.paper_broker import PaperBroker
from tapedeck.engine.broker.records import Fill
from tapedeck.engine.strategies.market import Market
from tapedeck.engine.strategies.planned_orders import OrderPlan, SlotLists
from tapedeck.engine.strategies.rule_strategy import RuleStrategy

_PIECE_BARS: Final = 100_000
"""Most bars that are planned at once, times strategies: so that a pause takes effect soon."""


class PlannedPiece(NamedTuple):
    """What was planned up to the slot `stop`: fills in their order, and new orders that work."""

    stop: int
    fills: list[Fill]
    working: list[Order]


def are_planned(strategies: Sequence[object]) -> TypeGuard[Sequence[RuleStrategy]]:
    """Whether all strategies are rules whose orders of a block can be worked out at once."""
    return all(isinstance(strategy, RuleStrategy) and strategy.can_be_planned for strategy in strategies)


def plan_orders(
    strategies: Sequence[object], market: Market, broker: PaperBroker, start: int, stop: int
) -> PlannedPiece | None:
    """Work out the orders of the first slots of [start, stop), and have the broker take them.

    The rules of the strategies are evaluated for these slots. None, with nothing changed, if an order would
    not be taken or not fill at once.
    """
    if not are_planned(strategies):
        return None
    base = market.tape.base
    stop = min(stop, start + max(1, _PIECE_BARS // (len(base.present) * len(strategies))))
    present = base.present[:, start:stop]
    bars = SlotLists(present, start)
    is_full: list[bool] = np.logical_and.reduce(present, axis=1).tolist()
    plan = OrderPlan(start, stop)
    for rank, strategy in enumerate(strategies):
        if not strategy.plan(rank, plan, bars, is_full):
            return None
    if not plan.rows:
        return PlannedPiece(stop, [], [])
    columns = plan.columns(tuple(strategy.definition for strategy in strategies), market, broker.scale)
    taken = None if columns is None else broker.take_at_once(columns)
    if columns is None or taken is None:
        return None
    fills, working = taken
    of_symbols = {(order.strategy, order.symbol): order for order in working}
    for outcome in plan.outcomes:
        strategies[outcome.rank].take_outcome(outcome, columns, of_symbols)
    return PlannedPiece(stop, fills, working)
