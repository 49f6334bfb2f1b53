"""Slippage: how much worse than its bar's price a market order fills."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tapedeck.engine.broker.bar import Bar
from tapedeck.engine.broker.money import MoneyScale, part_of


class Slippage(Protocol):
    """How much more a buy pays for a share, and how much less a sell gets."""

    def of(self, price: int, bar: Bar, tick: int, scale: MoneyScale) -> int:
        """Return the slippage of one share in units, from 0.

        `price`: before slippage, in units. `bar`: the one that fills. `tick`: in units, 0 without one.
        """
        ...


@dataclass(frozen=True, slots=True)
class TickSlippage:
    """A number of ticks."""

    ticks: int

    def of(self, price: int, bar: Bar, tick: int, scale: MoneyScale) -> int:
        """Return the slippage in units."""
        return self.ticks * tick


@dataclass(frozen=True, slots=True)
class PercentSlippage:
    """`percent` of the price."""

    percent: float

    def of(self, price: int, bar: Bar, tick: int, scale: MoneyScale) -> int:
        """Return the slippage in units."""
        return part_of(price, self.percent, 100)


@dataclass(frozen=True, slots=True)
class RangeSlippage:
    """A share of the bar's range: 0.1 is a tenth of high less low."""

    share: float

    def of(self, price: int, bar: Bar, tick: int, scale: MoneyScale) -> int:
        """Return the slippage in units."""
        return part_of(scale.units(bar[1]) - scale.units(bar[2]), self.share)
