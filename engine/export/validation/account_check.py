"""Checks the account of an export: its four files with each other, with the bars, and with session.json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from tapedeck.engine.export.account_tables import EQUITY_HEADER, FILLS_HEADER, TRADES_HEADER
from tapedeck.engine.export.manifest import EQUITY_CSV, FILLS_CSV, ORDERS_CSV, TRADES_CSV
from tapedeck.engine.export.orders_table import ORDERS_HEADER
from tapedeck.engine.export.strategies_json import ManifestAccount
from tapedeck.engine.export.validation.account_fields import Amounts, FillRow
from tapedeck.engine.export.validation.equity_rows import EquityRows
from tapedeck.engine.export.validation.expectation import Expectation, ExpectedSession
from tapedeck.engine.export.validation.fill_rows import FillRows, SessionBars
from tapedeck.engine.export.validation.located_rows import Locate, SessionCursor
from tapedeck.engine.export.validation.order_rows import OrderRows
from tapedeck.engine.export.validation.report import FindingLog
from tapedeck.engine.export.validation.trade_rows import Held, TradeRows
from tapedeck.engine.export.validation.written_account import WrittenAccount

OpenTable = Callable[[str, tuple[str, ...], Locate], SessionCursor]
"""Opens a file by name, header and location of its rows."""


class AccountCheck:
    """Reads the files of an account session by session, and checks them."""

    def __init__(
        self,
        folder: Path,
        expectation: Expectation,
        terms: ManifestAccount,
        open_table: OpenTable,
        log: FindingLog,
    ) -> None:
        amounts = Amounts(terms)
        self._names = [strategy.name for strategy in expectation.manifest.strategies]
        self._orders = OrderRows(expectation, amounts, log)
        self._fills = FillRows(expectation, amounts, self._orders, log)
        self._trades = TradeRows(expectation, amounts, log)
        self._equity = EquityRows(expectation, amounts, log)
        self._written = WrittenAccount(folder, expectation.manifest, amounts, log)
        self._cursors = {
            ORDERS_CSV: open_table(ORDERS_CSV, ORDERS_HEADER, self._orders.locate),
            FILLS_CSV: open_table(FILLS_CSV, FILLS_HEADER, self._fills.locate),
            TRADES_CSV: open_table(TRADES_CSV, TRADES_HEADER, self._trades.locate),
            EQUITY_CSV: open_table(EQUITY_CSV, EQUITY_HEADER, self._equity.locate),
        }

    def check(self, index: int, base: pd.DataFrame, expected: ExpectedSession, *, is_last: bool) -> None:
        """Check the session at `index`; `base`: its rows of the base interval."""
        day = expected.session.trading_day.isoformat()
        bars = SessionBars.of(base, expected)
        rows = {name: cursor.take(index) for name, cursor in self._cursors.items()}
        if not index:
            for held, lots in self._written.positions(day, "opening").items():
                self._trades.hold(held, lots)
        before = self._trades.lots
        self._orders.begin(rows[ORDERS_CSV], expected)
        fills = self._fills.check(rows[FILLS_CSV], expected, bars)
        self._orders.end(int(expected.clock_times[-1]), is_last=is_last)
        self._trades.check(rows[TRADES_CSV], fills, expected)
        self._equity.check(rows[EQUITY_CSV], expected, before, fills, bars)
        self._check_written(day, before, fills)

    def finish(self) -> None:
        """Read the remaining rows, which belong to no session."""
        for cursor in self._cursors.values():
            cursor.finish()

    def _check_written(self, day: str, before: dict[Held, int], fills: list[FillRow]) -> None:
        first, last = self._equity.first, self._equity.last
        if first is None or last is None:
            return  # without valid rows, which is a finding
        moments = {"opening": (first.cash, first.equity), "closing": (last.cash, last.equity)}
        positions = {"opening": before, "closing": self._trades.lots}
        filled = Counter(fill.strategy for fill in fills)
        counts: dict[str, dict[str, int | None]] = {}
        for name in self._names:
            orders, refused = self._orders.counts.get(name, (0, 0))
            trades, profit = self._trades.counts.get(name, (0, 0))
            counts[name] = {
                "orders": orders,
                "refused": refused,
                "fills": filled[name],
                "trades": trades,
                "profit": profit,
            }
        self._written.check(day, moments, positions, counts, sum(fill.commission for fill in fills))
