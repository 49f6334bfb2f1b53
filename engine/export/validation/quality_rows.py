"""Checks quality.csv against the calendar and the bars: expected and actual counts, and gaps.

Where the manifest counts confirmed-empty slots, those are the slots without a bar that no gap has.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np
import pandas as pd

from tapedeck.engine.export.manifest import QUALITY_CSV
from tapedeck.engine.export.validation.bar_rows import BarsFound
from tapedeck.engine.export.validation.dated_rows import Record, locate_by_date, records
from tapedeck.engine.export.validation.expectation import Expectation, ExpectedSession
from tapedeck.engine.export.validation.report import FindingLog
from tapedeck.engine.export.validation.table_reader import Piece
from tapedeck.engine.quality.gaps_and_scores import FULL_SCORE, Mask, find_gaps, score

GapRow = tuple[str, str, str]
Numbers = tuple[float, str, str]
_NO_GAP: GapRow = ("", "", "")
_TOLERANCE = 1e-12


class QualityRows:
    """Locates and checks the rows of quality.csv."""

    def __init__(self, expectation: Expectation, log: FindingLog) -> None:
        self._expectation = expectation
        self._log = log

    def locate(self, piece: Piece) -> pd.DataFrame:
        """Return rows by session."""
        return locate_by_date(piece, QUALITY_CSV, self._expectation.days, self._log)

    def check(self, rows: pd.DataFrame | None, bars: BarsFound, expected: ExpectedSession) -> None:
        """Check one session's rows against the base bars that are in bars.csv."""
        required = [
            (symbol, interval)
            for symbol in expected.symbols.names
            for interval in self._expectation.intervals
        ]
        found = self._groups([] if rows is None else records(rows), required)
        day = expected.session.trading_day
        frontiers = np.minimum(expected.symbols.frontiers, expected.frontier).tolist()
        base = {symbol: bars.base[row, : frontiers[row]] for row, symbol in enumerate(expected.symbols.names)}
        interval = self._expectation.intervals[0]
        empty = {
            symbol: _outside_gaps(found.get((symbol, interval), ()), present, expected)
            for symbol, present in base.items()
        }
        self._check_empty(empty, expected)
        facts = {symbol: self._facts(present, empty[symbol], expected) for symbol, present in base.items()}
        for symbol, interval in required:
            if (symbol, interval) in found:
                self._check_group(found[symbol, interval], *facts[symbol])
            else:
                self._log.add(QUALITY_CSV, None, f"{day}: {symbol} {interval} is missing")

    def _groups(
        self, rows: Sequence[Record], wanted: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], list[Record]]:
        """Return the rows of each symbol and interval, and check their order."""
        found: dict[tuple[str, str], list[Record]] = {}
        place = {key: at for at, key in enumerate(wanted)}
        before = -1
        for key, group in groupby(rows, key=lambda row: (row["symbol"], row["interval"])):
            own, name = list(group), " ".join(key)
            if key not in place:
                self._log.add(QUALITY_CSV, own[0]["line"], f"{name} is not part of this export")
                continue
            if place[key] < before or key in found:
                self._log.add(QUALITY_CSV, own[0]["line"], f"{name} is out of order or duplicate")
            before = max(before, place[key])
            found.setdefault(key, []).extend(own)
        return found

    def _check_empty(self, empty: Mapping[str, Mask], expected: ExpectedSession) -> None:
        """Check the number of slots that are in no gap."""
        found = sum(int(slots.sum()) for slots in empty.values())
        if self._expectation.manifest.quality_measured and expected.empty and found != expected.empty:
            self._log.add(
                QUALITY_CSV,
                None,
                f"{expected.session.trading_day}: {found:,} slots without a bar are in no gap, but "
                f"{expected.empty:,} are confirmed empty in the manifest",
            )

    def _facts(self, present: Mask, empty: Mask, expected: ExpectedSession) -> tuple[Numbers, list[GapRow]]:
        """Return the expected numbers and gaps of a symbol; `present`, `empty`: of the closed base slots."""
        if not self._expectation.manifest.quality_measured:
            return (FULL_SCORE, "", ""), [_NO_GAP]
        count, actual = len(present) - int(empty.sum()), int(present.sum())
        return (score(actual, count), str(count), str(actual)), _gaps(present | empty, expected) or [_NO_GAP]

    def _check_group(self, rows: list[Record], numbers: Numbers, gaps: list[GapRow]) -> None:
        """Check the rows of one symbol and interval."""
        # All rows of a group have the same numbers; a fault of all of them is reported once.
        for row in {(row["quality"], row["expected"], row["actual"]): row for row in reversed(rows)}.values():
            self._check_numbers(row, numbers)
        listed = {(row["gap_start"], row["gap_end"], row["missing"]): row for row in rows}
        self._check_gaps(rows, listed, gaps)

    def _check_numbers(self, row: Record, numbers: Numbers) -> None:
        quality, *counts = numbers
        name = f"{row['symbol']} {row['interval']}"
        try:
            is_right = math.isclose(float(row["quality"]), quality, rel_tol=_TOLERANCE)
        except ValueError:
            is_right = False
        if not is_right:
            self._log.add(
                QUALITY_CSV,
                row["line"],
                f"quality of {name} is {row['quality']!r}, but its bars make {quality:.15g}",
            )
        for field, right in zip(("expected", "actual"), counts, strict=True):
            if row[field] != right:
                message = f"{field} of {name} is {row[field]!r}, but calendar and bars make {right!r}"
                self._log.add(QUALITY_CSV, row["line"], message)

    def _check_gaps(self, rows: list[Record], listed: Mapping[GapRow, Record], gaps: list[GapRow]) -> None:
        name, first = f"{rows[0]['symbol']} {rows[0]['interval']}", rows[0]["line"]
        wanted = set(gaps)
        for gap in gaps:
            if gap not in listed:
                self._log.add(QUALITY_CSV, first, f"{_gap_text(gap)} of {name} is missing")
        for gap, row in listed.items():
            if gap not in wanted:
                self._log.add(
                    QUALITY_CSV,
                    row["line"],
                    f"{_gap_text(gap)} of {name} is not a gap of bars.csv",
                )
        order = [gap for gap in (self._gap_of(row) for row in rows) if gap in wanted]
        if len(order) != len(set(order)) or order != [gap for gap in gaps if gap in listed]:
            self._log.add(QUALITY_CSV, first, f"gaps of {name} are out of order or duplicate")

    @staticmethod
    def _gap_of(row: Record) -> GapRow:
        return row["gap_start"], row["gap_end"], row["missing"]


def _outside_gaps(rows: Sequence[Record], present: Mask, expected: ExpectedSession) -> Mask:
    """Return the slots without a bar that are in none of the listed gaps; none if all are expected."""
    if not expected.empty:
        return np.zeros(len(present), dtype=np.bool_)
    place = {text: slot for slot, text in enumerate(_times(len(present), expected))}
    outside = ~present
    for row in rows:
        first, last = place.get(row["gap_start"]), place.get(row["gap_end"])
        if first is not None and last is not None:
            outside[first : last + 1] = False
    return outside


def _gaps(covered: Mask, expected: ExpectedSession) -> list[GapRow]:
    """Return the runs of missing slots as quality.csv writes them."""
    times = _times(len(covered), expected)
    return [(times[gap.first], times[gap.last], str(gap.count)) for gap in find_gaps(covered)]


def _times(count: int, expected: ExpectedSession) -> list[str]:
    return [expected.time_text(int(label)) for label in expected.base.labels[:count]]


def _gap_text(gap: GapRow) -> str:
    start, end, missing = gap
    return f"the gap from {start} to {end} ({missing} missing)" if start else "a row without a gap"
