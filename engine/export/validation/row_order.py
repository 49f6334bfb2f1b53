"""Order of rows, and duplicate rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from tapedeck.engine.export.validation.report import FindingLog

Describe = Callable[[tuple[int, ...]], str]


def in_order(
    rows: pd.DataFrame, keys: Sequence[str], file: str, describe: Describe, log: FindingLog
) -> pd.DataFrame:
    """Return the rows sorted by `keys`, without duplicates; faults are reported.

    `describe`: returns the name of a row from its keys.
    """
    order = np.lexsort([rows[key].to_numpy() for key in reversed(keys)])
    rank = np.empty(len(rows), dtype=np.int64)
    rank[order] = np.arange(len(rows))
    columns = [rows[key].to_numpy() for key in keys]
    same = np.logical_and.reduce([column[order][1:] == column[order][:-1] for column in columns])
    duplicate = np.zeros(len(rows), dtype=np.bool_)
    duplicate[order[1:][same]] = True
    lines = rows["line"].to_numpy()

    def name(at: int) -> str:
        return describe(tuple(int(column[at]) for column in columns))

    for at in np.flatnonzero(duplicate).tolist():
        first = int(lines[order[rank[at] - 1]])
        log.add(file, int(lines[at]), f"duplicate {name(at)}, first in line {first}")
    for at in (np.flatnonzero((np.diff(rank) < 0) & ~duplicate[1:]) + 1).tolist():
        log.add(file, int(lines[at]), f"is out of order: {name(at)} comes after {name(at - 1)}")
    return rows.iloc[order[~duplicate[order]]]
