"""Table of the orders panel: the account, positions, and orders of the session, at the time shown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final, NamedTuple

import numpy as np

from tapedeck.console.panel_data.panel_tables import local_time
from tapedeck.console.panel_data.tables import Row, Table
from tapedeck.engine.broker.account_record import AccountAt, HeldPosition
from tapedeck.engine.broker.orders import OrderRecord
from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.read.snapshot import Snapshot
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.session_view import SessionView

ORDERS: Final = (
    "kind", "number", "strategy", "symbol", "time", "side", "shares", "filled", "price", "value", "profit",
    "state", "text",
)  # fmt: skip


class ShownPosition(NamedTuple):
    """A position in the currency. `shares`: below 0 if short. `average`: what a share cost.

    `last`: the last close, or that of the session before; `value` of the shares at it; `profit` that is not
    realised. None if no close is known.
    """

    strategy: str
    symbol: str
    shares: float
    average: float
    last: float | None
    value: float | None
    profit: float | None


class ShownOrder(NamedTuple):
    """An order in shares.

    `decided`: the clock of its decision, None on an earlier day. `price`: of what has filled, on average,
    None without a fill. `text`: why it was given, and why it ended.
    """

    order: OrderRecord
    decided: datetime | None
    shares: float
    filled: float
    price: float | None
    text: str


def shown_positions(account: AccountAt, view: SessionView) -> Iterator[ShownPosition]:
    """Yield the positions of an account by the last closes of a view."""
    lasts = view.last_prices()
    known = np.where(np.isnan(lasts), view.prior_close.values, lasts)
    last_of = dict(zip(view.symbols, known.tolist(), strict=True))
    for held in account.positions:
        last = last_of.get(held.symbol, np.nan)
        yield _shown_position(account, held, None if np.isnan(last) else last)


def _shown_position(account: AccountAt, held: HeldPosition, last: float | None) -> ShownPosition:
    scale = account.record.scale
    shares, average = scale.shares(held.lots), scale.price(held.cost, held.lots)
    if last is None:
        return ShownPosition(held.strategy, held.symbol, shares, average, None, None, None)
    value = scale.value(last, held.lots)
    amounts = scale.amount(value), scale.amount(value - held.cost)
    return ShownPosition(held.strategy, held.symbol, shares, average, last, *amounts)


def shown_order(order: OrderRecord, account: AccountAt, view: SessionView) -> ShownOrder:
    """Return an order of an account as it is shown."""
    scale, is_todays = account.record.scale, order.day == view.trading_day
    price = abs(scale.price(order.value, order.filled)) if order.filled else None
    return ShownOrder(
        order,
        utc_from_epoch(view.slot_times.clock(order.slot + 1)) if is_todays else None,
        scale.shares(order.lots),
        scale.shares(order.filled),
        price,
        "; ".join(filter(None, (order.reason, order.state_reason))),
    )


def has_strategies(system: SystemManager) -> bool:
    """Whether the session file of a run has strategies."""
    return bool(system.config.strategies)


def orders(system: SystemManager, now: Snapshot) -> Table:
    """Return account, positions and orders; a session without strategies has one row that says so."""
    if now.view is not None and now.view.account is not None:
        return account_table(now.view.account, now.view)
    if has_strategies(system):
        return Table.of(ORDERS, [])
    return Table.of(ORDERS, [("note", *(None for _ in ORDERS[2:]), "this session has no strategies")])


def account_table(account: AccountAt, view: SessionView) -> Table:
    """Return amounts of the account, then its positions, then the orders of the session, oldest first."""
    scale, blank = account.record.scale, (None,) * 8
    amounts = ("equity", "cash", "realised", "commission")
    rows: list[Row] = [
        (name, *blank, scale.amount(getattr(account, name)), None, None, None) for name in amounts
    ]
    rows += [_position_row(position) for position in shown_positions(account, view)]
    rows += [_order_row(shown_order(order, account, view), view) for order in account.orders]
    return Table.of(ORDERS, rows)


def _position_row(one: ShownPosition) -> Row:
    side = "long" if one.shares > 0 else "short"
    amounts = (abs(one.shares), None, one.average, one.value, one.profit)
    return ("position", None, one.strategy, one.symbol, None, side, *amounts, None, None)


def _order_row(one: ShownOrder, view: SessionView) -> Row:
    order, zone = one.order, view.session.zone
    named = ("order", order.number, order.strategy, order.symbol, local_time(one.decided, zone))
    amounts = (one.shares, one.filled, one.price, None, None)
    return (*named, order.side.value, *amounts, order.state.value, one.text)
