"""Rows with a column for the session date: session.csv, quality.csv and others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from tapedeck.engine.errors import did_you_mean, nearest
from tapedeck.engine.export.validation.report import FindingLog
from tapedeck.engine.export.validation.table_reader import Piece

# A row of the file: each column's text, and the line.
Record = dict[str, Any]


def locate_by_date(
    piece: Piece, file: str, days: Sequence[str], log: FindingLog, *, or_earlier: bool = False
) -> pd.DataFrame:
    """Return all columns as texts, with line and session, without rows of unknown dates.

    `or_earlier`: rows of days before the first session are among those of the first session.
    """
    codes, texts = piece.codes("session_date")
    positions = {day: at for at, day in enumerate(days)}
    if or_earlier and days:
        positions |= {text: 0 for text in texts if _is_day(text) and text < days[0]}
    session = np.array([positions.get(text, -1) for text in texts], dtype=np.int64)[codes]
    for at in np.flatnonzero(session < 0).tolist():
        text = texts[codes[at]]
        hint = did_you_mean(nearest(text, days))
        log.add(file, int(piece.lines[at]), f"unknown session_date {text!r}.{hint}")
    fields = {name: piece.texts(name) for name in piece.columns}
    rows = pd.DataFrame({"line": piece.lines, "session": session, **fields})
    return rows[session >= 0]


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def records(rows: pd.DataFrame) -> list[Record]:
    """Return the rows one by one."""
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]
