"""Commissions: what an order costs, from all that has filled of it.

A fill pays what its order costs with it, less what the order has paid before. So a fee for each trade, or a
minimum, is paid once for an order, in however many bars it fills.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tapedeck.engine.broker.money import MoneyScale, part_of


class Commission(Protocol):
    """What an order costs. The cost never falls while the order fills."""

    def total(self, lots: int, value: int, scale: MoneyScale) -> int:
        """Return the cost in units of an order of which `lots`, at least 1, filled for `value` units."""
        ...


@dataclass(frozen=True, slots=True)
class PerShare:
    """`amount` of the currency for each share."""

    amount: float

    def total(self, lots: int, value: int, scale: MoneyScale) -> int:
        """Return the cost in units."""
        return scale.value(self.amount, lots)


@dataclass(frozen=True, slots=True)
class PerTrade:
    """`amount` of the currency for each order that fills at all."""

    amount: float

    def total(self, lots: int, value: int, scale: MoneyScale) -> int:
        """Return the cost in units."""
        return scale.units(self.amount)


@dataclass(frozen=True, slots=True)
class PercentOfValue:
    """`percent` of the value that filled."""

    percent: float

    def total(self, lots: int, value: int, scale: MoneyScale) -> int:
        """Return the cost in units."""
        return part_of(value, self.percent, 100)


@dataclass(frozen=True, slots=True)
class AtLeast:
    """Another commission, but at least `minimum` of the currency for an order that fills at all."""

    minimum: float
    commission: Commission

    def total(self, lots: int, value: int, scale: MoneyScale) -> int:
        """Return the cost in units."""
        return max(scale.units(self.minimum), self.commission.total(lots, value, scale))
