"""State of a strategy in one symbol: its position, its orders, and when it has to look again."""

from __future__ import annotations

from fractions import Fraction
from math import inf, nextafter

from tapedeck.engine.broker.money import MoneyScale, exact
from tapedeck.engine.broker.orders import Side
from tapedeck.engine.strategies.working_orders import WorkingOrder


class SymbolState:
    """State in a symbol. `row`: on the tape, -1 if it is not there.

    `lots`: held, below 0 if short. `entry`, `exit`, `on_close`: orders that work. `entries`: number decided
    in the session. `since_slot`: of the fill that opened the position, 0 if in an earlier session;
    `bars_before`: bars held in earlier sessions. `falls_to`, `rises_to`: a close at or below the one, at or
    above the other is a reason to leave. `next_slot`: when it is to be looked at.
    """

    __slots__ = (
        "bars_before",
        "entries",
        "entry",
        "exit",
        "falls_to",
        "lots",
        "next_slot",
        "on_close",
        "rises_to",
        "row",
        "since_slot",
        "symbol",
    )

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.row = -1
        self.lots = 0
        self.entry: WorkingOrder | None = None
        self.exit: WorkingOrder | None = None
        self.on_close: WorkingOrder | None = None
        self.entries = self.since_slot = self.bars_before = 0
        self.falls_to, self.rises_to = -inf, inf
        self.next_slot = -1

    def forget_ended_orders(self) -> None:
        """Forget the orders that work no more."""
        if self.entry is not None and not self.entry.left:
            self.entry = None
        if self.exit is not None and not self.exit.left:
            self.exit = None
        if self.on_close is not None and not self.on_close.left:
            self.on_close = None

    @property
    def is_free(self) -> bool:
        """Whether it has neither a position nor a working order."""
        return not self.lots and self.entry is None and self.exit is None and self.on_close is None


def close_levels(
    scale: MoneyScale, side: Side, cost: int, lots: int, stop_loss: float | None, take_profit: float | None
) -> tuple[float, float]:
    """Return the close to which a position may fall, and that to which it may rise, before it is left.

    They are percentages from the average price, which is not rounded: a close of 93 has lost 7 % of 100.
    Where one is None, the level is infinite.
    """
    average = Fraction(cost, lots) / (exact(scale.lot) * 10**scale.digits)
    falls, rises = (stop_loss, take_profit) if side is Side.BUY else (take_profit, stop_loss)
    falls_to, rises_to = -inf, inf
    if falls is not None:
        level = average * (100 - exact(falls)) / 100
        falls_to = float(level)
        if exact(falls_to) > level:
            falls_to = nextafter(falls_to, -inf)
    if rises is not None:
        level = average * (100 + exact(rises)) / 100
        rises_to = float(level)
        if exact(rises_to) < level:
            rises_to = nextafter(rises_to, inf)
    return falls_to, rises_to
