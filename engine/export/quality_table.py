"""Rows of quality.csv: score and gaps of each symbol's session."""

from __future__ import annotations

from typing import Final

import numpy as np

from tapedeck.engine.export.text_columns import csv_field, number_text, time_text
from tapedeck.engine.quality.gaps_and_scores import FULL_SCORE, find_gaps
from tapedeck.engine.tape.tape import Tape

QUALITY_HEADER: Final = (
    "session_date",
    "symbol",
    "interval",
    "quality",
    "expected",
    "actual",
    "gap_start",
    "gap_end",
    "missing",
)
_NO_GAP: Final = ",,"


def quality_rows(tape: Tape, frontier: int) -> bytes:
    """Return the rows of a tape cut at `frontier`, each preceded by its line break.

    One row per gap, with the labels of its first and last missing slot; one row for a symbol without gaps.
    Derived intervals have the numbers and gaps of their base interval.
    """
    rows: list[str] = []
    day = tape.session.trading_day.isoformat()
    for row, symbol in enumerate(tape.symbols):
        numbers, gaps = _measured(tape, row, frontier)
        for interval in tape.intervals:
            head = f"\n{day},{csv_field(symbol)},{interval},{numbers}"
            rows.extend(f"{head},{gap}" for gap in gaps)
    return "".join(rows).encode()


def _measured(tape: Tape, row: int, frontier: int) -> tuple[str, list[str]]:
    """Return a symbol's quality, expected, actual, and its gaps, as the fields of rows."""
    if tape.scores is None:
        return f"{FULL_SCORE:g},,", [_NO_GAP]
    base = tape.base
    expected = frontier - (
        0 if base.confirmed_empty is None else int(base.confirmed_empty[row, :frontier].sum())
    )
    actual = int(base.present[row, :frontier].sum())
    numbers = f"{number_text(float(tape.scores[row, frontier]))},{expected},{actual}"
    covered = base.covered_at(row, np.s_[:frontier])
    gaps = [f"{_label(tape, gap.first)},{_label(tape, gap.last)},{gap.count}" for gap in find_gaps(covered)]
    return numbers, gaps or [_NO_GAP]


def _label(tape: Tape, slot: int) -> str:
    return time_text(int(tape.slots.opened_at[slot]), tape.session.zone)
