"""Checks scans.csv: known scanners and symbols, times, order, ranks from 1, values."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import pandas as pd

from tapedeck.engine.errors import did_you_mean, nearest
from tapedeck.engine.export.manifest import SCANS_CSV, Manifest
from tapedeck.engine.export.scans_table import SCANS_HEADER
from tapedeck.engine.export.validation.dated_rows import locate_by_date
from tapedeck.engine.export.validation.expectation import Expectation, ExpectedSession
from tapedeck.engine.export.validation.report import FindingLog
from tapedeck.engine.export.validation.table_reader import Piece
from tapedeck.engine.symbols import symbol_fault, symbol_pattern

FoundByScan = Mapping[tuple[int, str], Sequence[str]]
"""Symbols that a session's scans found, in rank order, by slot and scanner."""

_RANK = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class _Row:
    """A row: slot (number of slots that were over), place of the scanner in the file, and further fields."""

    line: int
    slot: int
    scanner: int
    rank: int
    symbol: str
    name: str
    value: str

    @property
    def scan(self) -> tuple[int, int]:
        """Its scan."""
        return self.slot, self.scanner


@dataclass(slots=True)
class _Scan:
    """One scan as far as it was read: its symbols, their ranks, and the value names of the last one."""

    key: tuple[int, int]
    symbols: list[str] = field(default_factory=list)
    ranks: dict[str, int] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)


class ScanRows:
    """Locates and checks the rows of scans.csv."""

    def __init__(self, expectation: Expectation, log: FindingLog) -> None:
        self._days = expectation.days
        self._log = log
        self._scanners = [scanner.name for scanner in expectation.manifest.scanners]
        # A symbol stands in many rows.
        self._symbol_fault = cache(_symbol_rule(expectation.manifest))

    def locate(self, piece: Piece) -> pd.DataFrame:
        """Return rows by session."""
        return locate_by_date(piece, SCANS_CSV, self._days, self._log)

    def check(self, rows: pd.DataFrame | None, expected: ExpectedSession) -> FoundByScan:
        """Check one session's rows, and return what they say was found."""
        if rows is None:
            return {}
        seconds = expected.clock_times[: expected.frontier + 1].tolist()
        slots = {expected.time_text(second): slot for slot, second in enumerate(seconds)}
        found: dict[tuple[int, str], Sequence[str]] = {}
        scan = _Scan((-1, -1))
        columns = [rows[name].tolist() for name in ("line", *SCANS_HEADER)]
        for line, day, *fields in zip(*columns, strict=True):
            row = self._read(line, day, fields, slots)
            if row is None:
                continue
            if row.scan != scan.key:
                if row.scan < scan.key:
                    here, above = (self._text(one, expected) for one in (row.scan, scan.key))
                    self._add(line, f"is out of order: {here} comes after {above}")
                    continue
                scan = _Scan(row.scan)
            self._take(row, scan)
            found[row.slot, self._scanners[row.scanner]] = scan.symbols
        return found

    def _read(self, line: int, day: str, fields: list[str], slots: Mapping[str, int]) -> _Row | None:
        """Return a row, or None with a finding if a field is invalid."""
        time, scanner, rank, symbol, name, value = fields
        faults = (
            None if time in slots else f"time {time!r} is not a clock time of {day} that was played",
            None if scanner in self._scanners else _unknown("scanner", scanner, self._scanners),
            None if _RANK.fullmatch(rank) else f"invalid rank {rank!r}: use a whole number from 1",
            self._symbol_fault(symbol),
            _value_fault(name, value),
        )
        known = [fault for fault in faults if fault is not None]
        for fault in known:
            self._add(line, fault)
        if known:
            return None
        return _Row(line, slots[time], self._scanners.index(scanner), int(rank), symbol, name, value)

    def _take(self, row: _Row, scan: _Scan) -> None:
        """Add a row to its scan: a further value of the last symbol, or the next symbol."""
        symbols, place = scan.symbols, f"rank {row.rank}"
        if symbols and row.rank == len(symbols):
            if row.symbol != symbols[-1]:
                self._add(row.line, f"{place} is {row.symbol}, but {symbols[-1]} in the row before")
            elif "" in (row.name, scan.names[-1]):
                self._add(row.line, f"{row.symbol} has a row without a value beside others")
            elif row.name in scan.names:
                self._add(row.line, f"duplicate value {row.name!r} of {row.symbol}")
            scan.names.append(row.name)
            return
        if row.rank != len(symbols) + 1:
            self._add(row.line, f"{place} comes after {len(symbols)}: ranks of a scan are 1, 2, … in order")
            return
        if row.symbol in scan.ranks:
            self._add(row.line, f"{row.symbol} has {place}, and rank {scan.ranks[row.symbol]}")
        symbols.append(row.symbol)
        scan.ranks.setdefault(row.symbol, row.rank)
        scan.names[:] = [row.name]

    def _text(self, scan: tuple[int, int], expected: ExpectedSession) -> str:
        """Return a scan for a finding: `gap_up at 2013-10-07T10:30:00-04:00`."""
        slot, scanner = scan
        return f"{self._scanners[scanner]} at {expected.time_text(int(expected.clock_times[slot]))}"

    def _add(self, line: int, message: str) -> None:
        self._log.add(SCANS_CSV, line, message)


def _value_fault(name: str, value: str) -> str | None:
    if not name:
        return f"value {value!r} has no name" if value else None
    try:
        is_missing = math.isnan(float(value))
    except ValueError:
        is_missing = True
    return f"invalid value {value!r}: it must be a number; missing values have no row" if is_missing else None


def _unknown(what: str, text: str, known: list[str]) -> str:
    return f"unknown {what} {text!r}.{did_you_mean(nearest(text, known))}"


def _symbol_rule(manifest: Manifest) -> Callable[[str], str | None]:
    """Return the rule for symbols: those of the universe, where the session file names them."""
    universe = manifest.universe
    listed, pattern = universe.get("symbols"), universe.get("pattern")
    if isinstance(listed, list):
        known = [str(symbol) for symbol in listed]
        names = frozenset(known)
        return lambda symbol: None if symbol in names else _unknown("symbol", symbol, known)
    if not isinstance(pattern, str):
        return symbol_fault
    matches = symbol_pattern(pattern)
    return lambda symbol: (
        None if matches.fullmatch(symbol) else f"symbol {symbol!r} is not in the universe, {pattern!r}"
    )
