"""Checks orders.csv: known words, numbers in order, states, and what has filled by fills.csv."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import pandas as pd

from tapedeck.engine.broker.orders import OrderKind, OrderState, Side, TimeInForce
from tapedeck.engine.export.manifest import ORDERS_CSV
from tapedeck.engine.export.text_columns import number_text
from tapedeck.engine.export.validation.account_fields import (
    Amounts,
    FillRow,
    OrderRow,
    decimal,
    faults_of,
    moment,
    unknown,
    whole,
)
from tapedeck.engine.export.validation.dated_rows import Record, locate_by_date, records
from tapedeck.engine.export.validation.expectation import Expectation, ExpectedSession
from tapedeck.engine.export.validation.report import FindingLog
from tapedeck.engine.export.validation.table_reader import Piece

_SIDES: Final = [one.value for one in Side]
_KINDS: Final = [one.value for one in OrderKind]
_TIMES_IN_FORCE: Final = [one.value for one in TimeInForce]
_STATES: Final = [one.value for one in OrderState]
_FILLED: Final = OrderState.FILLED.value
_REFUSED: Final = OrderState.REFUSED.value


@dataclass(slots=True)
class FilledOrder:
    """An order with what fills.csv says of it so far. `over`: when its last fill's slot was over, seconds.

    `is_older`: it was decided before the first session of the export, which may lack some of its fills.
    """

    row: OrderRow
    is_older: bool
    lots: int = 0
    value: int = 0
    commission: int = 0
    over: int | None = None

    def take(self, fill: FillRow, over: int) -> None:
        """Add a fill, whose slot was over at this time."""
        self.lots += abs(fill.lots)
        self.value += fill.value
        self.commission += fill.commission
        self.over = over


class OrderRows:
    """Locates and checks the rows of orders.csv, and has the orders that may still fill, by number.

    `counts`: orders that a session decided, and those of them that were refused, by strategy.
    """

    def __init__(self, expectation: Expectation, amounts: Amounts, log: FindingLog) -> None:
        self._manifest = expectation.manifest
        self._days = expectation.days
        self._strategies = [strategy.name for strategy in expectation.manifest.strategies]
        self._amounts = amounts
        self._log = log
        self._last = 0
        self.working: dict[int, FilledOrder] = {}
        self.counts: dict[str, tuple[int, int]] = {}

    def locate(self, piece: Piece) -> pd.DataFrame:
        """Return rows by session; those of earlier days, which orders of a day's export may have, first."""
        return locate_by_date(piece, ORDERS_CSV, self._days, self._log, or_earlier=True)

    def begin(self, rows: pd.DataFrame | None, expected: ExpectedSession) -> None:
        """Take the orders that a session decided."""
        self.counts = {}
        if rows is None:
            return
        seconds = expected.clock_times[: expected.frontier + 1].tolist()
        clocks = {expected.time_text(second): second for second in seconds}
        for record in records(rows):
            is_older = str(record["session_date"]) < self._days[0]
            order = self._read(record, None if is_older else clocks)
            if order is None:
                continue
            if not is_older:
                orders, refused = self.counts.get(order.strategy, (0, 0))
                self.counts[order.strategy] = (orders + 1, refused + (order.state == _REFUSED))
            if order.state != _REFUSED:
                self.working[order.number] = FilledOrder(order, is_older)

    def end(self, close: int, *, is_last: bool) -> None:
        """Compare the orders that ended by the close of a session with their fills."""
        for number, order in list(self.working.items()):
            if is_last or (order.row.ended is not None and order.row.ended <= close):
                del self.working[number]
                for fault in self._fill_faults(order):
                    self._add(order.row.line, f"order {number}: {fault}")

    def _read(self, record: Record, clocks: Mapping[str, int] | None) -> OrderRow | None:
        """Return an order; None with findings if a field is invalid. `clocks`: times of its session."""
        number, lots = whole(record["order"]), self._amounts.lots(record["quantity"])
        filled, commission = self._amounts.lots(record["filled"]), self._amounts.units(record["commission"])
        time = moment(record["time"]) if clocks is None else clocks.get(record["time"])
        ended = moment(record["ended"]) if record["ended"] else None
        faults = faults_of(
            None if number is not None else f"invalid order {record['order']!r}: use a whole number from 1",
            None if time is not None else f"time {record['time']!r} is not a clock time that was played",
            unknown("strategy", record["strategy"], self._strategies),
            unknown("side", record["side"], _SIDES),
            unknown("kind", record["kind"], _KINDS),
            unknown("time_in_force", record["time_in_force"], _TIMES_IN_FORCE),
            unknown("state", record["state"], _STATES),
            self._quantity_fault("quantity", record["quantity"], lots),
            self._quantity_fault("filled", record["filled"], filled),
            None if decimal(record["close"] or "0") is not None else f"invalid close {record['close']!r}",
            None if commission is not None else f"invalid commission {record['commission']!r}",
            None
            if ended is not None or not record["ended"]
            else f"invalid time {record['ended']!r} of ended",
        )
        for fault in faults:
            self._add(record["line"], fault)
        if number is None or time is None or lots is None or filled is None or commission is None or faults:
            return None
        texts = {name: record[name] for name in ("strategy", "symbol", "side", "kind", "reason", "state")}
        order = OrderRow(
            line=record["line"],
            number=number,
            time=time,
            lots=lots,
            filled=filled,
            price=record["price"],
            commission=commission,
            ended=ended,
            **texts,
        )
        for fault in self._state_faults(order, record["state_reason"]):
            self._add(order.line, f"order {number}: {fault}")
        self._last = max(self._last, number)
        return order

    def _quantity_fault(self, name: str, text: str, lots: int | None) -> str | None:
        if lots is not None and lots >= 0:
            return None
        return (
            f"invalid {name} {text!r}: it must be a multiple of {number_text(self._amounts.scale.lot)} from 0"
        )

    def _state_faults(self, order: OrderRow, state_reason: str) -> Iterator[str]:
        """Yield what of an order contradicts its state, or the order before."""
        state = order.state
        if order.number <= self._last:
            yield f"is out of order: it comes after order {self._last}"
        if order.symbol not in self._manifest.symbols and state != _REFUSED:
            yield f"{order.symbol} was in no session of the export"
        if order.filled > order.lots:
            yield "more has filled than was ordered"
        if (state == _FILLED) != (order.filled == order.lots and order.lots > 0):
            yield f"the state is {state}, but {order.filled:,} of {order.lots:,} lots filled"
        if state == _REFUSED and (order.filled or not state_reason or order.ended != order.time):
            yield "a refused order must end when it is given, with a reason, and fills nothing"
        if (state == OrderState.WORKING.value) != (order.ended is None):
            yield f"the state is {state}, but it {'has not' if order.ended is None else 'has'} ended"
        if order.ended is not None and order.ended < order.time:
            yield "it ended before it was given"
        if bool(order.price) != bool(order.filled):
            yield "it must have a price if, and only if, some of it has filled"

    def _fill_faults(self, order: FilledOrder) -> Iterator[str]:
        """Yield what of an order contradicts its fills."""
        row, scale = order.row, self._amounts.scale
        if order.is_older:
            if order.lots > row.filled:
                yield "filled is less than by fills.csv"
            return
        if order.lots != row.filled:
            yield f"{row.filled:,} lots filled, but {order.lots:,} by fills.csv"
        elif row.filled and row.price != (right := number_text(scale.price(order.value, order.lots))):
            yield f"price is {row.price}, but {right} by fills.csv"
        if order.commission != row.commission:
            right = number_text(scale.amount(order.commission))
            yield f"commission is {number_text(scale.amount(row.commission))}, but {right} by fills.csv"
        if row.state == _FILLED and order.over is not None and order.over != row.ended:
            yield "it did not end with its last fill"

    def _add(self, line: int, message: str) -> None:
        self._log.add(ORDERS_CSV, line, message)
