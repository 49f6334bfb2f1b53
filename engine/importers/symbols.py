"""Symbols in paths."""

from __future__ import annotations

from pathlib import Path


def symbol_of(file: Path) -> str:
    """Return the symbol of a file: from a folder `symbol=SPY` above it, else from its name."""
    for part in reversed(file.parts[:-1]):
        key, equals, value = part.partition("=")
        if equals and key.lower() in ("symbol", "ticker"):
            return value.upper()
    name = file.name
    for suffix in (".gz", ".csv", ".txt", ".tsv", ".parquet", ".pq"):
        if name.lower().endswith(suffix):
            name = name[: -len(suffix)]
    return name.upper()
