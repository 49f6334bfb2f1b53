"""State of a strategy in one symbol: its position, its orders, and when it has to look again."""

from __future__ import annotations

from fractions import Fraction
from math import inf, nextafter

from tapedeck.engine.broker.money import MoneyScale, exact
from tapedeck.engine.broker.orders import Order, OrderState, Side


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
        self.entry: Order | None = None
        self.exit: Order | None = None
        self.on_close: Order | None = None
        self.entries = self.since_slot = self.bars_before = 0
        self.falls_to, self.rises_to = -inf, inf
        self.next_slot = -1

    def forget_ended_orders(self) -> None:
        """Forget the orders that work no more."""
        if self.entry is not None and self.entry.state is not OrderState.WORKING:
            self.entry = None
        if self.exit is not None and self.exit.state is not OrderState.WORKING:
            self.exit = None
        if self.on_close is not None and self.on_close.state is not OrderState.WORKING:
            self.on_close = None

    @property
    def is_free(self) -> bool:
        """Whether it has neither a position nor a working order."""
        return not self.lots and self.entry is None and self.exit is None and self.on_close is None


class CloseLevels:
    """The closes at which a position is left, by percentages from its average price.

    Nothing is rounded: a close of 93 has lost 7 % of 100. ValueError for a percentage that is not finite.
    """

    __slots__ = ("_falls", "_per_lot", "_rises")

    def __init__(
        self, scale: MoneyScale, side: Side, stop_loss: float | None, take_profit: float | None
    ) -> None:
        self._per_lot = exact(scale.lot) * 10**scale.digits
        falls, rises = (stop_loss, take_profit) if side is Side.BUY else (take_profit, stop_loss)
        self._falls = None if falls is None else 1 - exact(falls) / 100
        self._rises = None if rises is None else 1 + exact(rises) / 100

    def of(self, cost: int, lots: int) -> tuple[float, float]:
        """Return the close to which a position may fall, and that to which it may rise; else infinite.

        `cost`: of the lots in units, with their sign.
        """
        falls_to, rises_to = -inf, inf
        if self._falls is not None:
            falls_to, is_above = self._level(self._falls, cost, lots)
            if is_above > 0:
                falls_to = nextafter(falls_to, -inf)
        if self._rises is not None:
            rises_to, is_above = self._level(self._rises, cost, lots)
            if is_above < 0:
                rises_to = nextafter(rises_to, inf)
        return falls_to, rises_to

    def _level(self, part: Fraction, cost: int, lots: int) -> tuple[float, int]:
        """Return the float nearest to a part of the average price, and whether it is above that: 1, 0 or -1.

        A float counts as the decimal number that it is written as.
        """
        numerator = abs(cost) * part.numerator * self._per_lot.denominator
        denominator = abs(lots) * part.denominator * self._per_lot.numerator
        nearest = numerator / denominator
        written = exact(nearest)
        difference = written.numerator * denominator - numerator * written.denominator
        return nearest, (difference > 0) - (difference < 0)
