"""Fields of the files of an account, read exactly: amounts as whole units, quantities as lots."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Final, NamedTuple

from tapedeck.engine.broker.money import MoneyScale
from tapedeck.engine.errors import did_you_mean, nearest
from tapedeck.engine.export.strategies_json import ManifestAccount

_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?(e[+-][0-9]+)?")
_WHOLE: Final = re.compile(r"[1-9][0-9]{0,17}")
# Amounts are floats in the file: beyond 2 ** 53 units they are rounded.
_ROUNDED_BITS: Final = 50


class OrderRow(NamedTuple):
    """An order of the file. `time`, `ended`: seconds UTC; `ended` None while it works."""

    line: int
    number: int
    time: int
    strategy: str
    symbol: str
    side: str
    lots: int
    kind: str
    reason: str
    state: str
    filled: int
    price: str
    commission: int
    ended: int | None


class FillRow(NamedTuple):
    """A fill of the file. `lots`: below 0 for a sell; `value`, `commission`: in units, `value` above 0."""

    line: int
    slot: int
    timestamp: str
    strategy: str
    symbol: str
    lots: int
    value: int
    commission: int
    order: int


class Amounts:
    """Reads amounts and quantities of an account with these terms."""

    def __init__(self, terms: ManifestAccount) -> None:
        self.scale = MoneyScale(terms.digits, terms.lot)

    def units(self, text: str) -> int | None:
        """Return an amount in units; None unless it is a number with no more places than the money."""
        number = decimal(text)
        if number is None:
            return None
        units = number * 10**self.scale.digits
        return round(units) if units.denominator == 1 or abs(units) >= 2**_ROUNDED_BITS else None

    def lots(self, text: str) -> int | None:
        """Return a quantity in lots; None unless it is a number, and a multiple of the lot."""
        number = decimal(text)
        if number is None:
            return None
        lots = number / Fraction(repr(float(self.scale.lot)))
        return int(lots) if lots.denominator == 1 else None


def decimal(text: str) -> Fraction | None:
    """Return the number that a field is; None if it is none."""
    return Fraction(text) if _NUMBER.fullmatch(text) else None


def whole(text: str) -> int | None:
    """Return the whole number from 1 that a field is; None if it is none."""
    return int(text) if _WHOLE.fullmatch(text) else None


def moment(text: str) -> int | None:
    """Return the instant that a field is, in seconds UTC; None if it is none."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if instant.tzinfo is None else int(instant.timestamp())


def agree(one: int, other: int) -> bool:
    """Whether two amounts are equal; very large ones up to the rounding of floats."""
    return abs(one - other) <= max(abs(one), abs(other)) >> _ROUNDED_BITS


def unknown(what: str, text: str, known: Sequence[str]) -> str | None:
    """Return the fault of a word that must be one of some others, or None."""
    return None if text in known else f"unknown {what} {text!r}.{did_you_mean(nearest(text, known))}"


def faults_of(*faults: str | None) -> list[str]:
    """Return the faults that there are."""
    return [fault for fault in faults if fault is not None]


def first_differing(names: Iterable[str], found: Iterable[object], right: Iterable[object]) -> str | None:
    """Return the first of some values that is not right, as a fault; None if all are."""
    for name, here, there in zip(names, found, right, strict=True):
        if here != there:
            return f"{name} is {here!r}, but {there!r}"
    return None
