"""Symbols: the rules for one, and the symbol in a path."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from tapedeck.engine.importers.file_names import split_name
from tapedeck.engine.symbols import symbol_fault

_SHOWN: Final = 4
_FOLDER_KEYS: Final = ("symbol", "ticker")


@dataclass(frozen=True, slots=True)
class FileSymbol:
    """Symbol that a path names, in capitals.

    `symbol` is empty where the name has none, or where it is in doubt; `guesses` are then the symbols that it
    may be, the likeliest first. `dropped`: parts of the name beside the symbol, such as `1m` and `202401`.
    """

    symbol: str
    dropped: tuple[str, ...] = ()
    guesses: tuple[str, ...] = ()


def symbol_of(file: Path) -> FileSymbol:
    """Return the symbol of a file: from a folder `symbol=SPY` above it, else from its name."""
    for part in reversed(file.parts[:-1]):
        key, equals, value = part.partition("=")
        if equals and key.lower() in _FOLDER_KEYS:
            return FileSymbol(unquote(value).upper())  # Arrow, Spark and our own store write %2F for /
    found = split_name(file.name)
    symbol = found.symbol.upper()
    if found.symbol and symbol_fault(symbol) is None:
        return FileSymbol(symbol, found.dropped)
    fit = dict.fromkeys(guess.upper() for guess in found.guesses if symbol_fault(guess.upper()) is None)
    return FileSymbol("", found.dropped, tuple(fit))


def shared_symbols(files: Iterable[Path]) -> list[str]:
    """Return a sentence for each symbol that several of `files` have by parts of their names only.

    `files`: those whose rows got their symbol from the name.
    """
    by_symbol: dict[str, list[FileSymbol]] = {}
    for file in files:
        found = symbol_of(file)
        by_symbol.setdefault(found.symbol, []).append(found)
    sentences = []
    for symbol, group in by_symbol.items():
        dropped = list(dict.fromkeys(word for found in group for word in found.dropped))
        if len(group) > 1 and dropped:
            shown = ", ".join(dropped[:_SHOWN]) + (", ..." if len(dropped) > _SHOWN else "")
            sentences.append(f"{len(group):,} files are {symbol} by their names (left out: {shown})")
    return sentences
