"""Figures of an account and of a position, as they stood at a moment."""

from __future__ import annotations

from typing import NamedTuple


class AccountFigures(NamedTuple):
    """An account by the closes known at a moment. Money in units.

    `value`: of all positions, below 0 where shorts outweigh. `equity` is `cash` + `value`, and the initial
    cash + `realised` + `unrealised` - `commission`; both hold to the unit.
    """

    cash: int
    value: int
    equity: int
    realised: int
    unrealised: int
    commission: int


class Holding(NamedTuple):
    """A position that has lots, by the last close known. Money in units.

    `lots`: below 0 if short. `average_price`: of a share, from `cost`. `value` - `cost` is `unrealised`.
    """

    strategy: str
    symbol: str
    lots: int
    cost: int
    average_price: float
    value: int
    unrealised: int
    realised: int
    commission: int
