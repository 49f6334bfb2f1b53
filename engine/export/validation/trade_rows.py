"""Checks trades.csv against the round trips that the fills make; has the positions that are open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from tapedeck.engine.broker.money import divided
from tapedeck.engine.export.account_tables import TRADES_HEADER
from tapedeck.engine.export.manifest import TRADES_CSV
from tapedeck.engine.export.text_columns import number_text
from tapedeck.engine.export.validation.account_fields import Amounts, FillRow, first_differing, whole
from tapedeck.engine.export.validation.dated_rows import Record, locate_by_date, records
from tapedeck.engine.export.validation.expectation import Expectation, ExpectedSession
from tapedeck.engine.export.validation.report import FindingLog
from tapedeck.engine.export.validation.table_reader import Piece

Held = tuple[str, str]
"""A strategy and a symbol."""


class _Trade(NamedTuple):
    """A round trip by the fills: fields of the file, "" where unknown; `profit` in units, None if unknown."""

    fields: Mapping[str, str]
    strategy: str
    profit: int | None


@dataclass(slots=True)
class _Trip:
    """A position that is open. `lots`: below 0 if short; `entered`: all that entered it. Money in units.

    `is_older`: it began before the first session of the export, so that its entry is unknown.
    """

    lots: int = 0
    entered: int = 0
    entry_value: int = 0
    exit_value: int = 0
    fees: int = 0
    timestamp: str = ""
    order: int = 0
    is_older: bool = False


class TradeRows:
    """Locates and checks the rows of trades.csv.

    `lots`: what each strategy holds of a symbol by the fills so far, below 0 if short. `counts`: number of
    trades of the session last checked, and their profit in units, None if unknown; by strategy.
    """

    def __init__(self, expectation: Expectation, amounts: Amounts, log: FindingLog) -> None:
        self._days = expectation.days
        self._amounts, self._log = amounts, log
        self._trips: dict[Held, _Trip] = {}
        self._last = 0
        self.counts: dict[str, tuple[int, int | None]] = {}

    @property
    def lots(self) -> dict[Held, int]:
        """Lots held, by strategy and symbol; none that are 0."""
        return {held: trip.lots for held, trip in self._trips.items() if trip.lots}

    def hold(self, held: Held, lots: int) -> None:
        """Take a position with which the export begins."""
        self._trips[held] = _Trip(lots=lots, is_older=True)

    def locate(self, piece: Piece) -> pd.DataFrame:
        """Return rows by session, that of their exit."""
        return locate_by_date(piece, TRADES_CSV, self._days, self._log)

    def check(self, rows: pd.DataFrame | None, fills: Iterable[FillRow], expected: ExpectedSession) -> None:
        """Check one session's rows against its fills."""
        ended = [trade for fill in fills if (trade := self._take(fill)) is not None]
        self._count(ended)
        written = [] if rows is None else records(rows)
        day = expected.session.trading_day
        if len(written) != len(ended):
            self._log.add(TRADES_CSV, None, f"{day} has {len(written)} trades, but {len(ended)} by fills.csv")
            return
        for row, trade in zip(written, ended, strict=True):
            self._compare(row, trade)

    def _compare(self, row: Record, trade: _Trade) -> None:
        number = whole(row["trade"])
        if number is None or (self._last and number != self._last + 1):
            self._log.add(TRADES_CSV, row["line"], f"trade is {row['trade']!r}, after {self._last}")
        self._last = number or self._last + 1
        names = [name for name in TRADES_HEADER if trade.fields.get(name)]
        right = (trade.fields[name] for name in names)
        if fault := first_differing(names, (row[name] for name in names), right):
            self._log.add(TRADES_CSV, row["line"], f"{fault} by fills.csv")

    def _count(self, ended: Iterable[_Trade]) -> None:
        self.counts = {}
        for trade in ended:
            number, profit = self.counts.get(trade.strategy, (0, 0))
            added = None if profit is None or trade.profit is None else profit + trade.profit
            self.counts[trade.strategy] = (number + 1, added)

    def _take(self, fill: FillRow) -> _Trade | None:
        """Take a fill; return the round trip that it ends."""
        trip = self._trips.setdefault((fill.strategy, fill.symbol), _Trip())
        if trip.lots * fill.lots >= 0:
            self._enter(trip, fill, fill.lots, fill.value, fill.commission)
            return None
        leaving = min(abs(fill.lots), abs(trip.lots))
        # The part of a fill that closes a position has its share of value and commission.
        value = divided(fill.value * leaving, abs(fill.lots))
        fee = divided(fill.commission * leaving, abs(fill.lots))
        trip.exit_value += value
        trip.fees += fee
        trip.lots += leaving if fill.lots > 0 else -leaving
        if trip.lots:
            return None
        trade = self._trade(trip, fill)
        self._trips[fill.strategy, fill.symbol] = after = _Trip()
        rest = fill.lots + (-leaving if fill.lots > 0 else leaving)
        if rest:
            self._enter(after, fill, rest, fill.value - value, fill.commission - fee)
        return trade

    def _enter(self, trip: _Trip, fill: FillRow, lots: int, value: int, commission: int) -> None:
        if not trip.lots:
            trip.timestamp, trip.order = fill.timestamp, fill.order
        trip.lots += lots
        trip.entered += abs(lots)
        trip.entry_value += value
        trip.fees += commission

    def _trade(self, trip: _Trip, fill: FillRow) -> _Trade:
        """Return the round trip that ends with a fill."""
        is_long = fill.lots < 0
        fields = {
            "strategy": fill.strategy,
            "symbol": fill.symbol,
            "side": "long" if is_long else "short",
            "exit_timestamp": fill.timestamp,
            "exit_order": str(fill.order),
        }
        if trip.is_older:
            return _Trade(fields, fill.strategy, None)
        scale = self._amounts.scale
        gross = trip.exit_value - trip.entry_value
        profit = (gross if is_long else -gross) - trip.fees
        fields |= {
            "quantity": number_text(scale.shares(trip.entered)),
            "entry_timestamp": trip.timestamp,
            "entry_price": number_text(scale.price(trip.entry_value, trip.entered)),
            "entry_order": str(trip.order),
            "exit_price": number_text(scale.price(trip.exit_value, trip.entered)),
            "commission": number_text(scale.amount(trip.fees)),
            "profit": number_text(scale.amount(profit)),
        }
        return _Trade(fields, fill.strategy, profit)
