"""Universe symbols: those that a session file's section selects in a store, and the ones left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tapedeck.engine.config.scanners import Universe
from tapedeck.engine.config.text_files import read_text_file
from tapedeck.engine.errors import DataMissingError, did_you_mean, shortened
from tapedeck.engine.intervals import MINUTE, Interval
from tapedeck.engine.printable import printable_line
from tapedeck.engine.store.symbol_hints import nearest_symbol
from tapedeck.engine.symbols import symbol_fault, symbol_pattern
from tapedeck.engine.user_path import expanded

_MOST_SHOWN: Final = 5
_COMMENT: Final = "#"
Stored = Mapping[str, frozenset[Interval]]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A symbol or line that is not in the universe. `line`: its number in a file, from 1."""

    text: str
    reason: str
    line: int | None = None

    def __str__(self) -> str:
        place = "" if self.line is None else f"line {self.line}: "
        return f"{place}{self.text} {self.reason}" if self.text else f"{place}{self.reason}"


@dataclass(frozen=True, slots=True)
class UniverseSymbols:
    """The symbols of a universe, ascending, each once; and what was left out, in the order of the file."""

    symbols: tuple[str, ...]
    left_out: tuple[LeftOut, ...] = ()

    def warning(self) -> str | None:
        """Return a line that says what was left out, None if nothing was."""
        if not self.left_out:
            return None
        first = "; ".join(str(one) for one in self.left_out[:_MOST_SHOWN])
        more = len(self.left_out) - _MOST_SHOWN
        counted = f"; and {more:,} more" if more > 0 else ""
        return f"universe: {len(self.symbols):,} symbols; left out: {first}{counted}"


def universe_symbols(universe: Universe, stored: Stored, folder: Path) -> UniverseSymbols:
    """Return the symbols of a universe that have stored 1m bars.

    `stored`: all symbols of the store with their intervals (`BarStore.series`). `folder`: that of the session
    file. Raises ConfigError if the universe's file cannot be read, DataMissingError if no symbol is left.
    """
    wanted, faults = _wanted(universe, stored, folder)
    found = {symbol for symbol in wanted if MINUTE in stored.get(symbol, ())}
    without = [(symbol, line) for symbol, line in wanted.items() if symbol not in found]
    left_out = [LeftOut(symbol, _reason(stored.get(symbol)), line) for symbol, line in without]
    for at, (symbol, line) in enumerate(without[:_MOST_SHOWN]):
        if symbol not in stored:
            hint = did_you_mean(nearest_symbol(symbol, stored))
            left_out[at] = LeftOut(symbol, f"is not stored.{hint}" if hint else "is not stored", line)
    if universe.file is not None:
        left_out = sorted([*left_out, *faults], key=lambda one: one.line or 0)
    if not found:
        raise _nothing_left(left_out)
    return UniverseSymbols(tuple(sorted(found)), tuple(left_out))


def _wanted(universe: Universe, stored: Stored, folder: Path) -> tuple[dict[str, int | None], list[LeftOut]]:
    """Return the selected symbols, each with its line in a file; and the lines that are no symbol."""
    if universe.file is not None:
        lines = read_text_file(folder / expanded(universe.file), "universe file").splitlines()
        return _symbols_of_lines(lines)
    if universe.pattern is not None:
        matches = symbol_pattern(universe.pattern).fullmatch
        return dict.fromkeys(symbol for symbol in stored if matches(symbol)), []
    every = universe.symbols is None or universe.symbols == "all"
    return dict.fromkeys(stored if every else universe.symbols or ()), []


def _symbols_of_lines(lines: Iterable[str]) -> tuple[dict[str, int | None], list[LeftOut]]:
    """Return the symbols of a file's lines, the first line of each; empty lines and comments are skipped."""
    found: dict[str, int | None] = {}
    faults = []
    for number, text in _texts(lines):
        fault = symbol_fault(text)
        if fault is None:
            found.setdefault(text, number)
        else:
            faults.append(LeftOut("", shortened(printable_line(fault), 120), number))
    return found, faults


def _texts(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if text and not text.startswith(_COMMENT):
            yield number, text


def _reason(intervals: frozenset[Interval] | None) -> str:
    if not intervals:
        return "is not stored"
    return f"has no 1m bars (stored: {', '.join(str(one) for one in sorted(intervals))})"


def _nothing_left(left_out: list[LeftOut]) -> DataMissingError:
    shown = [f"  {one}" for one in left_out[:_MOST_SHOWN]]
    lines = [
        "the universe has no symbol with stored 1m bars.",
        *shown,
        "Choose other symbols, or import 1m bars: `tapedeck import lean PATH --store STORE`, "
        "or `import csv`, `import parquet`.",
    ]
    return DataMissingError("\n".join(lines), symbols=[one.text for one in left_out], interval=str(MINUTE))
