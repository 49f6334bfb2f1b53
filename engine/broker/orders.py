"""Orders: kinds, how long they work, states."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from enum import Enum
from functools import partial
from typing import Final, NamedTuple

BEFORE_FIRST_SLOT: Final = -1
"""Slot of a decision before the first bar of a session."""


class Side(Enum):
    """Buy or sell."""

    BUY = "buy"
    SELL = "sell"


class OrderKind(Enum):
    """When and at what price an order fills."""

    MARKET = "market"
    MARKET_ON_CLOSE = "market_on_close"


class TimeInForce(Enum):
    """How long an order works: until it is cancelled, or until the close of the session that decided it."""

    GTC = "gtc"
    DAY = "day"


class OrderState(Enum):
    """Where an order stands. An order that is cancelled or expired may have filled in part."""

    WORKING = "working"
    FILLED = "filled"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


# Python 3.11 takes longer to look up a member of an enum than to add two numbers.
BUY: Final = Side.BUY
SELL: Final = Side.SELL
MARKET: Final = OrderKind.MARKET
MARKET_ON_CLOSE: Final = OrderKind.MARKET_ON_CLOSE
WORKING: Final = OrderState.WORKING
FILLED: Final = OrderState.FILLED


class OrderRecord(NamedTuple):
    """An order as it stood when it was asked for; it does not change.

    `number`: from 1, over the run, refused ones included. `lots`: above 0; 0 if it was refused for its
    quantity. `day`, `slot`: session and slot that decided, BEFORE_FIRST_SLOT before the first. `close`: the
    last close known then, by which limits were measured; NaN without one. `reason`: why it was given.
    `state_reason`: why it was refused, cancelled or expired; else empty. `value`, `commission`: of what has
    filled, in units. `ended_day`, `ended_slot`: of the bar that filled the last of it, or of the decision
    that ended it; of expired orders the last slot; None while it works.
    """

    number: int
    strategy: str
    symbol: str
    side: Side
    lots: int
    kind: OrderKind
    time_in_force: TimeInForce
    day: date
    slot: int
    close: float
    reason: str
    state: OrderState
    state_reason: str
    filled: int
    value: int
    commission: int
    ended_day: date | None
    ended_slot: int | None

    @property
    def record(self) -> OrderRecord:
        """Itself."""
        return self


# From one tuple, which takes half the time of `OrderRecord(...)`.
RECORD_OF: Final[Callable[[tuple[object, ...]], OrderRecord]] = partial(tuple.__new__, OrderRecord)


class Order:
    """An order in the book. The broker alone writes it; strategies get its record.

    Its fields are those of `OrderRecord`; `sign` is 1 for a buy, -1 for a sell. `opening`: lots that are to
    open or enlarge a position; `reserved`: their value by the close that decided. `turn`: its place among the
    orders of a slot: strategy, row, number.
    """

    __slots__ = (
        "close",
        "commission",
        "day",
        "ended_day",
        "ended_slot",
        "filled",
        "kind",
        "lots",
        "number",
        "opening",
        "reason",
        "reserved",
        "sign",
        "slot",
        "state",
        "state_reason",
        "strategy",
        "symbol",
        "time_in_force",
        "turn",
        "value",
    )

    def __init__(
        self,
        number: int,
        strategy: str,
        symbol: str,
        side: Side,
        lots: int,
        kind: OrderKind,
        time_in_force: TimeInForce,
        day: date,
        slot: int,
        close: float,
        reason: str,
    ) -> None:
        self.number = number
        self.strategy = strategy
        self.symbol = symbol
        self.sign = 1 if side is BUY else -1
        self.lots = lots
        self.kind = kind
        self.time_in_force = time_in_force
        self.day = day
        self.slot = slot
        self.close = close
        self.reason = reason
        self.state: OrderState = WORKING
        self.state_reason = ""
        self.filled = self.value = self.commission = 0
        self.ended_day: date | None = None
        self.ended_slot: int | None = None
        self.opening = self.reserved = 0
        self.turn = (0, 0, number)

    @property
    def side(self) -> Side:
        """Buy or sell."""
        return BUY if self.sign > 0 else SELL

    @property
    def record(self) -> OrderRecord:
        """The order as it stands."""
        return RECORD_OF(
            (
                self.number,
                self.strategy,
                self.symbol,
                BUY if self.sign > 0 else SELL,
                self.lots,
                self.kind,
                self.time_in_force,
                self.day,
                self.slot,
                self.close,
                self.reason,
                self.state,
                self.state_reason,
                self.filled,
                self.value,
                self.commission,
                self.ended_day,
                self.ended_slot,
            )
        )

    def end(self, state: OrderState, day: date, slot: int, reason: str = "") -> None:
        """Enter the state in which the order ends, when, and why."""
        self.state, self.state_reason = state, reason
        self.ended_day, self.ended_slot = day, slot
