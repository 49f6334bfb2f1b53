"""Terms of a paper account: cash, limits, sizes of lots and ticks, participation, costs."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from tapedeck.engine.broker.commission import Commission
from tapedeck.engine.broker.money import DEFAULT_DIGITS, MoneyScale, exact
from tapedeck.engine.broker.slippage import Slippage, TickSlippage


@dataclass(frozen=True, slots=True)
class AccountTerms:
    """Terms of an account. Amounts are in the currency; None switches a rule off.

    `max_per_trade`: largest value that one order may open. `max_per_symbol`: largest value held in one
    symbol. `max_open_positions`: most symbols held at once. `lot`: shares of a lot. `tick_size`: slippage is
    rounded up to whole ticks. `digits`: decimal places of money. `participation_pct`: largest part of a bar's
    volume that fills, in percent. ValueError for terms that contradict each other.
    """

    initial_cash: float = 100_000.0
    max_per_trade: float | None = None
    max_per_symbol: float | None = None
    max_open_positions: int | None = None
    allow_short: bool = False
    lot: float = 1.0
    tick_size: float | None = None
    digits: int = DEFAULT_DIGITS
    participation_pct: float | None = 2.5
    commission: Commission | None = None
    slippage: Slippage | None = None

    def __post_init__(self) -> None:
        if self.tick_size is None:
            if isinstance(self.slippage, TickSlippage):
                raise ValueError("slippage in ticks needs a tick_size")
            return
        if not (isfinite(self.tick_size) and self.tick_size > 0):
            raise ValueError(f"tick_size must be a number above 0, not {self.tick_size}")
        if (exact(self.tick_size) * 10**self.digits).denominator != 1:
            raise ValueError(
                f"tick_size must have at most {self.digits} decimal places, not {self.tick_size}"
            )

    @property
    def scale(self) -> MoneyScale:
        """The units of money."""
        return MoneyScale(self.digits, self.lot)
