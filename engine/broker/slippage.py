"""Slippage: how much worse than its bar's price a market order fills."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tapedeck.engine.broker.money import part_of


class Slippage(Protocol):
    """How much more a buy pays for a share, and how much less a sell gets."""

    def of(self, price: int, bar_range: int, tick: int) -> int:
        """Return the slippage of one share, from 0, in units as the arguments.

        `price`: before slippage. `bar_range`: high less low of the bar that fills. `tick`: 0 without one.
        """
        ...


@dataclass(frozen=True, slots=True)
class TickSlippage:
    """A number of ticks."""

    ticks: int

    def of(self, price: int, bar_range: int, tick: int) -> int:
        """Return the slippage in units."""
        return self.ticks * tick


@dataclass(frozen=True, slots=True)
class PercentSlippage:
    """`percent` of the price."""

    percent: float

    def of(self, price: int, bar_range: int, tick: int) -> int:
        """Return the slippage in units."""
        return part_of(price, self.percent, 100)


@dataclass(frozen=True, slots=True)
class RangeSlippage:
    """A share of the bar's range: 0.1 is a tenth of high less low."""

    share: float

    def of(self, price: int, bar_range: int, tick: int) -> int:
        """Return the slippage in units."""
        return part_of(bar_range, self.share)
