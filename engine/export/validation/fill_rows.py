"""Checks fills.csv: orders, times after the decision, prices within bars, parts of the volume."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import floor

import numpy as np
import pandas as pd

from tapedeck.engine.broker.orders import MARKET_ON_CLOSE
from tapedeck.engine.export.manifest import FILLS_CSV
from tapedeck.engine.export.validation.account_fields import Amounts, FillRow, decimal, faults_of, whole
from tapedeck.engine.export.validation.dated_rows import Record, locate_by_date, records
from tapedeck.engine.export.validation.expectation import Expectation, ExpectedSession
from tapedeck.engine.export.validation.order_rows import FilledOrder, OrderRows
from tapedeck.engine.export.validation.report import FindingLog
from tapedeck.engine.export.validation.table_reader import Piece
from tapedeck.engine.tape.bar_grid import FIELDS, HIGH, LOW, VOLUME, Floats


@dataclass(frozen=True, slots=True)
class SessionBars:
    """Base bars of a session. `values`: float64 (5, S, n), NaN without a bar; `rows`: row by symbol."""

    values: Floats
    rows: Mapping[str, int]

    @classmethod
    def of(cls, base: pd.DataFrame, expected: ExpectedSession) -> SessionBars:
        """Return the bars of a session from its rows of the base interval."""
        names = expected.symbols.names
        values = np.full((len(FIELDS), len(names), len(expected.base.labels)), np.nan)
        at = (base["symbol"].to_numpy(dtype=np.int64), base["column"].to_numpy(dtype=np.int64))
        for field, name in enumerate(FIELDS):
            values[field][at] = base[name].to_numpy(dtype=np.float64)
        return cls(values, {name: row for row, name in enumerate(names)})


class FillRows:
    """Locates and checks the rows of fills.csv."""

    def __init__(
        self, expectation: Expectation, amounts: Amounts, orders: OrderRows, log: FindingLog
    ) -> None:
        manifest = expectation.manifest
        assert manifest.account is not None  # exports of runs with strategies have one
        self._days = expectation.days
        self._amounts, self._orders, self._log = amounts, orders, log
        # Live, a correction changes no fill that was made: bars may say otherwise afterwards.
        self._bars_are_final = manifest.mode == "backtest"
        self._slips = bool(manifest.account.slippage and any(manifest.account.slippage.values()))
        percent = manifest.account.participation
        self._part = None if percent is None else _exact(percent) / 100 / _exact(manifest.account.lot)

    def locate(self, piece: Piece) -> pd.DataFrame:
        """Return rows by session."""
        return locate_by_date(piece, FILLS_CSV, self._days, self._log)

    def check(self, rows: pd.DataFrame | None, expected: ExpectedSession, bars: SessionBars) -> list[FillRow]:
        """Check one session's rows, give them to their orders, and return them."""
        found: list[FillRow] = []
        if rows is None:
            return found
        labels = expected.base.labels[: expected.frontier].tolist()
        slots = {expected.time_text(second): slot for slot, second in enumerate(labels)}
        filled: dict[tuple[str, int], int] = {}
        before = 0
        for record in records(rows):
            fill = self._read(record, slots, bars)
            if fill is None:
                continue
            order = self._orders.working[fill.order]
            order.take(fill, int(expected.clock_times[fill.slot + 1]))
            key = (fill.symbol, fill.slot)
            filled[key] = filled.get(key, 0) + abs(fill.lots)
            if fill.slot < before:
                self._add(fill.line, f"is out of order: {fill.timestamp} comes after a later fill")
            before = max(before, fill.slot)
            bar = bars.values[:, bars.rows[fill.symbol], fill.slot]
            for fault in self._bar_faults(record, order, expected, fill, bar, filled[key]):
                self._add(fill.line, f"order {fill.order}: {fault}")
            found.append(fill)
        return found

    def _read(self, record: Record, slots: Mapping[str, int], bars: SessionBars) -> FillRow | None:
        """Return a fill; None with findings if a field is invalid, or its order does not work."""
        slot, row = slots.get(record["timestamp"]), bars.rows.get(record["symbol"])
        lots, number = self._amounts.lots(record["quantity"]), whole(record["order"])
        commission, price = self._amounts.units(record["commission"]), decimal(record["price"])
        order = None if number is None else self._orders.working.get(number)
        has_bar = slot is not None and row is not None and not np.isnan(bars.values[0, row, slot])
        faults = faults_of(
            None if slot is not None else f"no bar that was played opens at {record['timestamp']!r}",
            None if row is not None else f"{record['symbol']} was not in the session",
            None if has_bar or slot is None or row is None else f"{record['symbol']} has no bar then",
            None if lots is not None and lots > 0 else f"invalid quantity {record['quantity']!r}",
            None if price is not None and price >= 0 else f"invalid price {record['price']!r}",
            None if commission is not None else f"invalid commission {record['commission']!r}",
            None if order is not None else f"order {record['order']!r} is not one that works then",
        )
        for fault in faults:
            self._add(record["line"], fault)
        if slot is None or lots is None or commission is None or number is None or faults:
            return None
        return FillRow(
            record["line"],
            slot,
            record["timestamp"],
            record["strategy"],
            record["symbol"],
            lots if record["side"] == "buy" else -lots,
            self._amounts.scale.value(float(record["price"]), lots),
            commission,
            number,
        )

    def _bar_faults(
        self,
        record: Record,
        order: FilledOrder,
        expected: ExpectedSession,
        fill: FillRow,
        bar: Floats,
        filled: int,
    ) -> Iterator[str]:
        """Yield what of a fill contradicts its order or its bar; `filled`: lots of all fills in the bar."""
        for name in ("strategy", "symbol", "side", "reason"):
            if record[name] != (right := getattr(order.row, name)):
                yield f"{name} is {record[name]!r}, but {right!r} of the order"
        if order.row.time > int(expected.base.labels[fill.slot]):
            yield "it fills in a bar that opened before it was given"
        if order.row.ended is not None and order.row.ended < int(expected.clock_times[fill.slot + 1]):
            yield "it fills after it ended"
        if order.row.kind == MARKET_ON_CLOSE.value and fill.slot != len(expected.base.labels) - 1:
            yield "market on close fills in the session's last slot only"
        if not self._bars_are_final:
            return
        price, low, high = float(record["price"]), float(bar[LOW]), float(bar[HIGH])
        if not self._slips and not low <= price <= high:
            yield f"price {record['price']} is outside low {low:.15g} to high {high:.15g}"
        if self._part is not None and filled > (most := floor(_exact(float(bar[VOLUME])) * self._part)):
            yield f"{filled:,} lots fill in a bar of which {most:,} may"

    def _add(self, line: int, message: str) -> None:
        self._log.add(FILLS_CSV, line, message)


def _exact(number: float) -> Fraction:
    return Fraction(repr(float(number)))
