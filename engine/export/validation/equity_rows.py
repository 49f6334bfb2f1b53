"""Checks equity.csv: cash by the fills, value by the bars, and equity as the sum of both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

from tapedeck.engine.export.manifest import EQUITY_CSV
from tapedeck.engine.export.validation.account_fields import Amounts, FillRow, agree
from tapedeck.engine.export.validation.dated_rows import locate_by_date, records
from tapedeck.engine.export.validation.expectation import Expectation, ExpectedSession
from tapedeck.engine.export.validation.fill_rows import SessionBars
from tapedeck.engine.export.validation.report import FindingLog
from tapedeck.engine.export.validation.table_reader import Piece
from tapedeck.engine.tape.bar_grid import CLOSE, Floats, Ints


class EquityRow(NamedTuple):
    """A row of the file, in units."""

    line: int
    cash: int
    value: int
    equity: int


class EquityRows:
    """Locates and checks the rows of equity.csv. `first`, `last`: rows of the session last checked."""

    def __init__(self, expectation: Expectation, amounts: Amounts, log: FindingLog) -> None:
        self._days = expectation.days
        self._is_live = expectation.manifest.mode == "live"
        self._played = expectation.played
        self._amounts, self._log = amounts, log
        self._closes: dict[str, float] = {}
        self.first: EquityRow | None = None
        self.last: EquityRow | None = None

    def locate(self, piece: Piece) -> pd.DataFrame:
        """Return rows by session."""
        return locate_by_date(piece, EQUITY_CSV, self._days, self._log)

    def check(
        self,
        rows: pd.DataFrame | None,
        expected: ExpectedSession,
        held: Mapping[tuple[str, str], int],
        fills: Sequence[FillRow],
        bars: SessionBars,
    ) -> None:
        """Check one session's rows. `held`: lots before it, by strategy and symbol."""
        before = self.last
        found = list(self._read(rows, expected))
        self.first, self.last = (found[0], found[-1]) if found else (None, before)
        closes = {symbol: self._known_closes(symbol, bars) for symbol in _symbols(held, fills)}
        if len(found) == expected.frontier + 1:
            if before is not None and not agree(found[0].cash, before.cash):
                self._add(found[0].line, "cash is not that of the end of the session before")
            self._check_cash(found, fills)
            if not self._is_live and not self._changed(expected) & closes.keys():
                self._check_value(found, held, fills, closes)
        elif not self._is_live:
            day = expected.session.trading_day
            self._add(None, f"{day} has {len(found)} rows, not {expected.frontier + 1}")
        self._closes |= {symbol: float(self._known_closes(symbol, bars)[-1]) for symbol in bars.rows}

    def _read(self, rows: pd.DataFrame | None, expected: ExpectedSession) -> Iterator[EquityRow]:
        """Yield the rows of a session, up to the first one that is invalid."""
        for k, record in enumerate([] if rows is None else records(rows)):
            line = record["line"]
            right = expected.time_text(int(expected.clock_times[min(k, expected.frontier)]))
            if record["time"] != right or k > expected.frontier:
                self._add(line, f"time is {record['time']!r}, but should be {right!r}")
                return
            cash, value, equity = (self._amounts.units(record[name]) for name in ("cash", "value", "equity"))
            if cash is None or value is None or equity is None:
                self._add(line, "cash, value and equity must be amounts of the account's money")
                return
            if not agree(cash + value, equity):
                self._add(line, f"equity is {record['equity']}, but cash and value are not that together")
            yield EquityRow(line, cash, value, equity)

    def _check_cash(self, found: Sequence[EquityRow], fills: Sequence[FillRow]) -> None:
        paid: dict[int, int] = {}
        for fill in fills:
            spent = fill.value if fill.lots > 0 else -fill.value
            paid[fill.slot] = paid.get(fill.slot, 0) + spent + fill.commission
        for slot, (before, after) in enumerate(pairwise(found)):
            if not agree(after.cash, before.cash - paid.get(slot, 0)):
                self._add(after.line, "cash is not that of the row before with the fills between them")

    def _check_value(
        self,
        found: Sequence[EquityRow],
        held: Mapping[tuple[str, str], int],
        fills: Sequence[FillRow],
        closes: Mapping[str, Floats],
    ) -> None:
        """Compare the values with positions by the last closes, where all of these are known."""
        lots: dict[tuple[str, str], Ints] = {
            key: np.full(len(found), count, dtype=np.int64) for key, count in held.items()
        }
        for fill in fills:
            own = lots.setdefault((fill.strategy, fill.symbol), np.zeros(len(found), dtype=np.int64))
            own[fill.slot + 1 :] += fill.lots
        right = np.zeros(len(found), dtype=np.int64)
        is_known = np.ones(len(found), dtype=np.bool_)
        for (_, symbol), own in lots.items():
            last = closes[symbol][: len(found)]
            missing = np.isnan(last) & (own != 0)
            is_known &= ~missing
            right += self._amounts.scale.values(np.where(missing, 0.0, last), own)
        for row, value, known in zip(found, right.tolist(), is_known.tolist(), strict=True):
            if known and not agree(row.value, value):
                amount = self._amounts.scale.amount(value)
                self._add(row.line, f"value is not that of the positions by bars.csv, {amount:.15g}")

    def _known_closes(self, symbol: str, bars: SessionBars) -> Floats:
        """Return the last close of a symbol known at k = 0 … n, float64 (n + 1,); NaN without any."""
        before = self._closes.get(symbol, np.nan)
        row = bars.rows.get(symbol)
        own = np.full(bars.values.shape[2], np.nan) if row is None else bars.values[CLOSE, row]
        closes = np.concatenate([[before], own])
        at = np.maximum.accumulate(np.where(np.isnan(closes), 0, np.arange(len(closes))))
        found: Floats = closes[at]
        return found

    def _changed(self, expected: ExpectedSession) -> set[str]:
        """Return the symbols that joined or left: the account may have known other closes than the file."""
        day = expected.session.trading_day
        return {change.symbol for one in self._played if one.trading_day == day for change in one.changes}

    def _add(self, line: int | None, message: str) -> None:
        self._log.add(EQUITY_CSV, line, message)


def _symbols(held: Mapping[tuple[str, str], int], fills: Sequence[FillRow]) -> set[str]:
    return {symbol for _, symbol in held} | {fill.symbol for fill in fills}
