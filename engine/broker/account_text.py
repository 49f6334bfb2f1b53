"""Text of an account at a frontier: equal for equal accounts, different for any other content."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date
from enum import Enum

from tapedeck.engine.broker.account_record import AccountAt


def account_lines(account: AccountAt) -> Iterator[str]:
    """Yield one line for each part of an account that is not an array (`equity_so_far`), in a fixed order.

    That is its units, strategies, what it began the session with, and the orders, fills, trades and notes of
    the slots before its frontier. Texts of users are in quotes: none can be taken for another part.
    """
    record = account.record
    yield _line("account", (record.scale.digits, record.scale.lot, *record.strategies))
    opening = (record.opening_cash, record.opening_equity, record.opening_realised, record.opening_commission)
    yield _line("opening", opening)
    parts: dict[str, Iterable[tuple[object, ...]]] = {
        "held": record.opening_positions,
        "order": account.orders,
        "fill": account.fills,
        "trade": account.trades,
        "note": account.notes,
    }
    for name, rows in parts.items():
        for row in rows:
            yield _line(name, row)


def _line(part: str, values: tuple[object, ...]) -> str:
    return f"{part} {json.dumps(values, default=_plain)}"


def _plain(value: object) -> str:
    """Return a value that JSON does not have: the name of a state, a day."""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"an account has no {type(value).__name__}")
