"""Checks the values of a table of bars: low to high, open and close between them, volume."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tapedeck.engine.export.validation.report import FindingLog
from tapedeck.engine.tape.bar_grid import FIELDS


def check_values(rows: pd.DataFrame, file: str, log: FindingLog) -> None:
    """Report bars whose values contradict each other; `rows`: `line` and the fields, finite."""
    opened, high, low, close, volume = (rows[name].to_numpy() for name in FIELDS)
    faults = {
        "high {high:.15g} is below low {low:.15g}": high < low,
        "open {open:.15g} is outside low {low:.15g} to high {high:.15g}": (opened < low) | (opened > high),
        "close {close:.15g} is outside low {low:.15g} to high {high:.15g}": (close < low) | (close > high),
        "low {low:.15g} is negative": low < 0,
        "volume {volume:.15g} is negative": volume < 0,
    }
    for text, where in faults.items():
        for at in np.flatnonzero(where).tolist():
            row = rows.iloc[at]
            log.add(file, int(row["line"]), text.format(**{name: row[name] for name in FIELDS}))
