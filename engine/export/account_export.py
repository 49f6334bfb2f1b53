"""Rows of the files of an account, session by session."""

from __future__ import annotations

from collections.abc import Mapping

from tapedeck.engine.broker.account_record import AccountAt
from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.export.account_tables import equity_rows, fill_rows, trade_rows
from tapedeck.engine.export.manifest import EQUITY_CSV, FILLS_CSV, ORDERS_CSV, TRADES_CSV
from tapedeck.engine.export.orders_table import OrderRows
from tapedeck.engine.export.slot_times import SlotTimes


class AccountExport:
    """Makes the rows of orders.csv, fills.csv, trades.csv and equity.csv of a run."""

    def __init__(self, config: SessionConfig) -> None:
        self._times = SlotTimes(config)
        self._orders = OrderRows(self._times)

    def rows(self, account: AccountAt, slots: SessionSlots) -> Mapping[str, bytes]:
        """Return the rows of a session that are final, by file; `slots`: of the session."""
        self._times.add(slots)
        return {
            ORDERS_CSV: self._orders.take(account),
            FILLS_CSV: fill_rows(account, self._times),
            TRADES_CSV: trade_rows(account, self._times),
            EQUITY_CSV: equity_rows(account, slots),
        }

    def rest(self) -> Mapping[str, bytes]:
        """Return the rows that waited for the end of the run, by file."""
        return {ORDERS_CSV: self._orders.rest()}
