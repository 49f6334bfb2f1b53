"""Symbols: the rules for one, and the symbol in a path."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_LONGEST_SYMBOL: Final = 64


def symbol_of(file: Path) -> str:
    """Return the symbol of a file: from a folder `symbol=SPY` above it, else from its name."""
    for part in reversed(file.parts[:-1]):
        key, equals, value = part.partition("=")
        if equals and key.lower() in ("symbol", "ticker"):
            return value.upper()
    name = file.name
    for suffix in (".gz", ".xz", ".bz2", ".zst", ".zip", ".csv", ".txt", ".tsv", ".parquet", ".pq"):
        if name.lower().endswith(suffix):
            name = name[: -len(suffix)]
    return name.upper()


def symbol_fault(symbol: str) -> str | None:
    """Return what is wrong with `symbol`, or None if it is valid."""
    if not symbol:
        return "symbol is missing"
    is_legible = symbol.isprintable() and not any(letter.isspace() or letter == "\ufffd" for letter in symbol)
    if len(symbol) > _LONGEST_SYMBOL or not is_legible:
        return f"invalid symbol {symbol[:20]!r}: use up to {_LONGEST_SYMBOL} printable characters, no spaces"
    return None
