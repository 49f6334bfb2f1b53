"""Text of an account at a frontier: equal for equal accounts, different for any other content."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence, Set
from datetime import date
from enum import Enum
from math import isnan
from operator import itemgetter
from typing import Any

from tapedeck.engine.broker.account_record import AccountAt


def account_lines(account: AccountAt) -> Iterator[str]:
    """Yield lines for the parts of an account that are not arrays (`equity_so_far`), in a fixed order.

    That is its units, strategies, what it began the session with, and the orders, fills, trades and notes of
    the slots before its frontier: a line for each of their fields. Texts of users are in quotes: none can be
    taken for another part.
    """
    record = account.record
    yield _line("account", (record.scale.digits, record.scale.lot, *record.strategies))
    opening = (record.opening_cash, record.opening_equity, record.opening_realised, record.opening_commission)
    yield _line("opening", opening)
    parts: dict[str, Sequence[tuple[object, ...]]] = {
        "held": record.opening_positions,
        "order": account.orders,
        "fill": account.fills,
        "trade": account.trades,
        "note": account.notes,
    }
    for name, rows in parts.items():
        yield _line(name, (len(rows),))
        for number in range(len(rows[0]) if rows else 0):
            yield _line(f"{name} {number}", list(map(itemgetter(number), rows)))


def _line(part: str, values: Sequence[object]) -> str:
    """Return a line: numbers as hexadecimal bytes, one value if all are the same, else a list.

    Only a list begins with a bracket, and only bytes with their type, so that none is mistaken for another.
    """
    kinds = set(map(type, values))
    text = _packed(values, kinds)
    if text is None:
        text = json.dumps(_text(values[0]) if _is_one(values) else _plain(values, kinds))
    return f"{part} {text}"


def _packed(values: Sequence[Any], kinds: Set[type]) -> str | None:
    """Return numbers as bytes, which takes a fifth of the time; None if there are others, or a NaN."""
    try:
        if kinds == {int}:
            return f"int64 {struct.pack(f'<{len(values)}q', *values).hex()}"
        if kinds == {float} and not isnan(sum(values)):  # a NaN has many bit patterns
            return f"float64 {struct.pack(f'<{len(values)}d', *values).hex()}"
    except struct.error:
        return None  # beyond 64 bits
    return None


def _is_one(values: Sequence[object]) -> bool:
    """Whether there are many values, all the same; not of floats, as 0.0 equals -0.0."""
    if len(values) < 2 or values[0] != values[-1] or isinstance(values[0], float):
        return False
    return values.count(values[0]) == len(values)


def _plain(values: Sequence[object], kinds: Set[type]) -> Sequence[object]:
    """Return values with the names of states and the days as text; `kinds`: their types."""
    if not any(issubclass(kind, Enum | date) for kind in kinds):
        return values
    # A column has few different objects of these kinds, and members of an enum are slow to look up.
    texts = {key: _text(value) for key, value in dict(zip(map(id, values), values, strict=True)).items()}
    return [texts[key] for key in map(id, values)]


def _text(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value
