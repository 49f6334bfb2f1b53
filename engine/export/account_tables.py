"""Rows of fills.csv, trades.csv and equity.csv: what an account did in a session."""

from __future__ import annotations

from typing import Final

import numpy as np

from tapedeck.engine.broker.account_record import AccountAt
from tapedeck.engine.broker.money import MoneyScale
from tapedeck.engine.broker.orders import BUY
from tapedeck.engine.broker.records import Fill, Trade
from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.export.slot_times import SlotTimes
from tapedeck.engine.export.text_columns import (
    csv_lines,
    number_text,
    number_texts,
    text_bytes,
    text_field,
    time_texts,
)
from tapedeck.engine.tape.bar_grid import Ints

FILLS_HEADER: Final = (
    "timestamp",
    "session_date",
    "strategy",
    "symbol",
    "side",
    "quantity",
    "price",
    "commission",
    "order",
    "reason",
)
TRADES_HEADER: Final = (
    "trade",
    "session_date",
    "strategy",
    "symbol",
    "side",
    "quantity",
    "entry_timestamp",
    "entry_price",
    "entry_order",
    "exit_timestamp",
    "exit_price",
    "exit_order",
    "commission",
    "profit",
)
EQUITY_HEADER: Final = ("session_date", "time", "cash", "value", "equity")


def fill_rows(account: AccountAt, times: SlotTimes) -> bytes:
    """Return the rows of the fills of a session, in their order, each preceded by its line break."""
    scale = account.record.scale
    return "".join(_fill_row(fill, scale, times) for fill in account.fills).encode()


def trade_rows(account: AccountAt, times: SlotTimes) -> bytes:
    """Return the rows of the trades that ended in a session, in their order."""
    scale = account.record.scale
    return "".join(_trade_row(trade, scale, times) for trade in account.trades).encode()


def equity_rows(account: AccountAt, slots: SessionSlots) -> bytes:
    """Return the rows of cash and equity at the open, and at the close of each slot walked."""
    record, frontier = account.record, account.frontier
    cash: Ints = np.full(frontier + 1, record.opening_cash, dtype=np.int64)
    for fill in account.fills:
        cash[fill.slot + 1 :] = fill.cash
    equity = np.concatenate([[record.opening_equity], account.equity_so_far])
    times = time_texts(slots.clock_times()[: frontier + 1], slots.session.zone)
    amounts = (number_texts(_amounts(units, record.scale)) for units in (cash, equity - cash, equity))
    lines = csv_lines([f"\n{slots.session.trading_day}", times, *amounts])
    return b"".join(text_bytes(lines, [0, frontier + 1]))


def _amounts(units: Ints, scale: MoneyScale) -> np.ndarray:
    return np.array([scale.amount(value) for value in units.tolist()], dtype=np.float64)


def _fill_row(fill: Fill, scale: MoneyScale, times: SlotTimes) -> str:
    fields = (
        times.opened(fill.day, fill.slot),
        fill.day.isoformat(),
        fill.strategy,
        text_field(fill.symbol),
        fill.side.value,
        number_text(scale.shares(fill.lots)),
        number_text(float(fill.price)),
        number_text(scale.amount(fill.commission)),
        str(fill.order),
        text_field(fill.reason),
    )
    return "\n" + ",".join(fields)


def _trade_row(trade: Trade, scale: MoneyScale, times: SlotTimes) -> str:
    fields = (
        str(trade.number),
        trade.exit_day.isoformat(),
        trade.strategy,
        text_field(trade.symbol),
        "long" if trade.side is BUY else "short",
        number_text(scale.shares(trade.lots)),
        times.opened(trade.entry_day, trade.entry_slot),
        number_text(scale.price(trade.entry_value, trade.lots)),
        str(trade.entry_order),
        times.opened(trade.exit_day, trade.exit_slot),
        number_text(scale.price(trade.exit_value, trade.lots)),
        str(trade.exit_order),
        number_text(scale.amount(trade.commission)),
        number_text(scale.amount(trade.profit)),
    )
    return "\n" + ",".join(fields)
