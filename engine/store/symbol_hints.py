"""Nearest stored symbol of one that is not stored."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Final

from tapedeck.engine.errors import nearest

_MOST_SHOWN: Final = 5


def nearest_symbol(symbol: str, stored: Iterable[str]) -> str | None:
    """Return the stored symbol most similar to `symbol`, else the shortest that begins with it, or None."""
    others = [name for name in stored if name != symbol]
    longer = (name for name in others if name.casefold().startswith(symbol.casefold()))
    return nearest(symbol, others) or min(longer, key=lambda name: (len(name), name), default=None)


def similar_names(symbols: Iterable[str], stored: Iterable[str]) -> str:
    """Return a line with the nearest stored symbol of each of the first five `symbols`; empty without any."""
    known = list(stored)
    near = {symbol: nearest_symbol(symbol, known) for symbol in islice(symbols, _MOST_SHOWN)}
    found = [f"{name!r} for {symbol}" for symbol, name in near.items() if name is not None]
    return f"\nstored symbols with similar names: {', '.join(found)}" if found else ""
