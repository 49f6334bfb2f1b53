"""Money in whole units. Amounts are rounded here and nowhere else: half to even, by their decimal digits.

A float stands for the decimal number that it is written as: 10.025 is a tie between 10.02 and 10.03, although
the binary number is a little more. So a reader of an export gets the same amounts with pencil and paper.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import floor, isfinite
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DEFAULT_DIGITS: Final = 6
MOST_DIGITS: Final = 12
_SAFE: Final = 2.0**49
"""Products below it have an error of less than a half, so that most of them are rounded as floats."""
_ERROR: Final = 2.0**-50
"""Largest relative error of a product of three floats, two of which stand for decimal numbers; doubled."""


def exact(number: float) -> Fraction:
    """Return the decimal number that a finite float is written as."""
    return Fraction(repr(float(number)))


@lru_cache(maxsize=64)
def _ratio(number: float, per: int) -> tuple[int, int]:
    return (exact(number) / per).as_integer_ratio()


def divided(numerator: int, denominator: int) -> int:
    """Return a quotient of whole numbers, rounded half to even; `denominator` above 0."""
    quotient, rest = divmod(numerator, denominator)
    if 2 * rest > denominator or (2 * rest == denominator and quotient & 1):
        quotient += 1
    return quotient


def part_of(units: int, number: float, per: int = 1) -> int:
    """Return `units` times `number` / `per` in whole units; `per` is 100 for percent."""
    numerator, denominator = _ratio(number, per)
    return divided(units * numerator, denominator)


class MoneyScale:
    """The units of a run: 10 ** `digits` of them are 1 of the currency; a lot is `lot` shares.

    Quantities are whole numbers of lots. ValueError for other digits than 0 to 12, or a lot that is not
    a finite number above 0.
    """

    __slots__ = ("_exact_lot", "_exact_per_lot", "_per_lot", "_per_one", "_shares_of_lots", "digits", "lot")

    def __init__(self, digits: int = DEFAULT_DIGITS, lot: float = 1.0) -> None:
        if not 0 <= digits <= MOST_DIGITS:
            raise ValueError(f"digits must be a whole number from 0 to {MOST_DIGITS}, not {digits}")
        if not (isfinite(lot) and lot > 0):
            raise ValueError(f"lot must be a number above 0, not {lot}")
        self.digits = digits
        self.lot = lot
        self._per_one = int(10**digits)
        self._exact_lot: Fraction = exact(lot)
        self._shares_of_lots: tuple[int, int] = self._exact_lot.as_integer_ratio()
        self._exact_per_lot: Fraction = self._exact_lot * self._per_one
        self._per_lot = float(self._exact_per_lot)

    def units(self, amount: float) -> int:
        """Return a finite amount, or a price of one share, in whole units."""
        product = amount * self._per_one
        if -_SAFE < product < _SAFE:
            nearest = round(product)
            if abs(product - nearest) + abs(product) * _ERROR < 0.5:
                return nearest
        return round(exact(amount) * self._per_one)

    def value(self, price: float, lots: int) -> int:
        """Return the value of lots at a finite price, in whole units, with the sign of `lots`."""
        product = price * self._per_lot * lots
        if -_SAFE < product < _SAFE:
            nearest = round(product)
            if abs(product - nearest) + abs(product) * _ERROR < 0.5:
                return nearest
        return round(exact(price) * self._exact_per_lot * lots)

    def values(self, prices: Floats, lots: Ints) -> Ints:
        """Return `value` of each price with its lots, int64, shape (n,) as both; 0 where `lots` is 0.

        OverflowError beyond int64.
        """
        products = np.where(lots == 0, 0.0, prices) * (lots * self._per_lot)
        nearest = np.rint(products)
        is_unsure = ~(np.abs(products - nearest) + np.abs(products) * _ERROR < 0.5)
        is_unsure |= ~(np.abs(products) < _SAFE)
        result: Ints = np.where(is_unsure, 0.0, nearest).astype(np.int64)
        for at in np.flatnonzero(is_unsure):
            result[at] = self.value(float(prices[at]), int(lots[at]))
        return result

    def amount(self, units: int) -> float:
        """Return units in the currency: the nearest float, which is written with at most `digits` places."""
        return units / self._per_one

    def price(self, value: int, lots: int) -> float:
        """Return the price of one share where `lots` are worth `value`; both of one sign, `lots` not 0."""
        numerator, denominator = self._exact_per_lot.as_integer_ratio()
        return (value * denominator) / (lots * numerator)

    def shares(self, lots: int) -> float:
        """Return a number of lots in shares."""
        numerator, denominator = self._shares_of_lots
        return (lots * numerator) / denominator

    def whole_lots(self, shares: float) -> int:
        """Return how many lots are in a number of shares, rounded down; ValueError unless finite, from 0."""
        if not (isfinite(shares) and shares >= 0):
            raise ValueError(f"quantity must be a number from 0, not {shares}")
        if self.lot == 1 and shares < _SAFE:
            return int(shares)
        return floor(exact(shares) / self._exact_lot)

    def lots_within(self, units: int, price: float) -> int:
        """Return the most lots whose value before rounding is at most `units`; 0 for units below 0.

        `price`: finite, above 0.
        """
        if units <= 0:
            return 0
        if units < _SAFE:
            quotient = units / (price * self._per_lot)
            lots = int(quotient)
            if quotient * _ERROR < quotient - lots < 1 - quotient * _ERROR:
                return lots
        return floor(units / (exact(price) * self._exact_per_lot))

    def lots_within_each(self, units: int, prices: Floats) -> Ints:
        """Return `lots_within` of each price, int64 (n,); ValueError beyond int64."""
        if not 0 < units < _SAFE:
            return np.array([self.lots_within(units, price) for price in prices.tolist()], dtype=np.int64)
        quotients = units / (prices * self._per_lot)
        lots: Ints = quotients.astype(np.int64)
        rest = quotients - lots
        is_sure = (quotients * _ERROR < rest) & (rest < 1 - quotients * _ERROR)
        for at in np.flatnonzero(~is_sure).tolist():
            lots[at] = self.lots_within(units, float(prices[at]))
        return lots


class Participation:
    """The part of a bar's volume that fills, `percent` above 0; a lot is `lot` shares."""

    __slots__ = ("_denominator", "_numerator", "_ratio", "percent")

    def __init__(self, percent: float, lot: float = 1.0) -> None:
        if not (isfinite(percent) and percent > 0):
            raise ValueError(f"participation must be a percentage above 0, not {percent}")
        self.percent = percent
        self._ratio = exact(percent) / 100 / exact(lot)
        self._numerator, self._denominator = self._ratio.as_integer_ratio()

    def lots(self, volume: float) -> int:
        """Return the whole lots that fill in a bar of this volume, rounded down."""
        whole = int(volume)
        if whole == volume:
            return whole * self._numerator // self._denominator
        return floor(exact(volume) * self._ratio)
