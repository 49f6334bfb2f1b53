"""Sizes of entries: how many lots, by the close that decides; rounded down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from typing import NamedTuple, Protocol

import numpy as np

from tapedeck.engine.broker.money import Floats, Ints, MoneyScale, divided, exact, part_of


class SizeInputs(NamedTuple):
    """What a size is worked out from.

    `close`: that decides, above 0. `equity`: returns that of the account in units. `value`: returns a value
    of the row at the deciding slot by its text, NaN where missing.
    """

    scale: MoneyScale
    close: float
    equity: Callable[[], int]
    value: Callable[[str], float]


class Size(Protocol):
    """How many lots an entry orders."""

    @property
    def row_values(self) -> tuple[str, ...]:
        """Texts of the values of the row that it reads."""
        ...

    def lots(self, inputs: SizeInputs) -> int:
        """Return the lots, rounded down; 0 for no order."""
        ...

    def lots_by_close(self, scale: MoneyScale, closes: Floats) -> Ints | None:
        """Return the lots at each deciding close, int64 (n,); None if they depend on more than the close."""
        ...


@dataclass(frozen=True, slots=True)
class ShareSize:
    """A number of shares."""

    shares: float

    def __post_init__(self) -> None:
        _check("shares", self.shares)

    @property
    def row_values(self) -> tuple[str, ...]:
        """None."""
        return ()

    def lots(self, inputs: SizeInputs) -> int:
        """Return the lots."""
        return inputs.scale.whole_lots(self.shares)

    def lots_by_close(self, scale: MoneyScale, closes: Floats) -> Ints | None:
        """Return the lots."""
        return np.full(len(closes), scale.whole_lots(self.shares), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class CashSize:
    """As much as an amount of the currency buys."""

    cash: float

    def __post_init__(self) -> None:
        _check("cash", self.cash)

    @property
    def row_values(self) -> tuple[str, ...]:
        """None."""
        return ()

    def lots(self, inputs: SizeInputs) -> int:
        """Return the lots."""
        return lots_for_cash(self.cash, inputs.scale, inputs.close)

    def lots_by_close(self, scale: MoneyScale, closes: Floats) -> Ints | None:
        """Return the lots."""
        return scale.lots_within_each(scale.units(self.cash), closes)


@dataclass(frozen=True, slots=True)
class PercentSize:
    """As much as a part of the equity buys, in percent."""

    percent: float

    def __post_init__(self) -> None:
        _check("percent", self.percent)

    @property
    def row_values(self) -> tuple[str, ...]:
        """None."""
        return ()

    def lots(self, inputs: SizeInputs) -> int:
        """Return the lots."""
        return lots_for_percent(self.percent, inputs.scale, inputs.close, inputs.equity())

    def lots_by_close(self, scale: MoneyScale, closes: Floats) -> Ints | None:
        """None: they depend on the equity."""
        return None


@dataclass(frozen=True, slots=True)
class RiskSize:
    """As much as loses a part of the equity, `risk` percent, if the price moves against it by `stop`.

    `stop`: percent of the close, or a value of the row, in the currency (such as `2 * atr`). A value that is
    missing, or not above 0, makes no order.
    """

    risk: float
    stop: float | str

    def __post_init__(self) -> None:
        _check("risk", self.risk)
        if not isinstance(self.stop, str):
            _check("stop", self.stop)

    @property
    def row_values(self) -> tuple[str, ...]:
        """The stop, where it is a value."""
        return (self.stop,) if isinstance(self.stop, str) else ()

    def lots(self, inputs: SizeInputs) -> int:
        """Return the lots."""
        risked = part_of(inputs.equity(), self.risk, 100)
        if isinstance(self.stop, str):
            distance = inputs.value(self.stop)
            return inputs.scale.lots_within(risked, distance) if isfinite(distance) and distance > 0 else 0
        numerator, denominator = (Fraction(100) / exact(self.stop)).as_integer_ratio()
        return inputs.scale.lots_within(divided(risked * numerator, denominator), inputs.close)

    def lots_by_close(self, scale: MoneyScale, closes: Floats) -> Ints | None:
        """None: they depend on the equity."""
        return None


def lots_for_cash(cash: float, scale: MoneyScale, close: float) -> int:
    """Return the lots that an amount of the currency buys at a close."""
    return scale.lots_within(scale.units(cash), close)


def lots_for_percent(percent: float, scale: MoneyScale, close: float, equity: int) -> int:
    """Return the lots that a part of the equity, which is in units, buys at a close."""
    return scale.lots_within(part_of(equity, percent, 100), close)


def _check(name: str, number: float) -> None:
    if not (isfinite(number) and number > 0):
        raise ValueError(f"{name} of a size must be a number above 0, not {number}")
