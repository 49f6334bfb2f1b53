"""Checks derived bars against those made from the file's base bars, with pandas alone."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from tapedeck.engine.export.manifest import BARS_CSV
from tapedeck.engine.export.validation.expectation import Expectation, ExpectedSession, Layout
from tapedeck.engine.export.validation.report import FindingLog
from tapedeck.engine.quality.gaps_and_scores import score

_EXACT: Final = ("open", "high", "low", "close", "base_bars")
# Sums and quotients computed in another order may round differently.
_ROUNDED: Final = ("volume", "quality")
_TOLERANCE: Final = 1e-11


def check_derived(
    rows: pd.DataFrame, expected: ExpectedSession, expectation: Expectation, log: FindingLog
) -> None:
    """Compare derived bars with those made from the base bars; `rows`: sorted, without duplicates."""
    base = rows[rows["interval"] == 0]
    for code in range(1, len(expectation.intervals)):
        layout = expected.layouts[code]
        made = _made(base, layout, expectation.manifest.min_completeness)
        found = rows[rows["interval"] == code]
        both = made.merge(
            found, on=["symbol", "column"], how="outer", suffixes=("_made", ""), indicator="side"
        )
        for side, symbol, column, line in zip(
            both["side"], both["symbol"], both["column"], both["line"], strict=True
        ):
            if side == "both":
                continue
            label = expected.time_text(int(layout.labels[int(column)]))
            name = f"{expected.symbols.names[int(symbol)]} {expectation.intervals[code]} {label}"
            if side == "left_only":
                log.add(BARS_CSV, None, f"{name} is missing, but its base bars exist")
            else:
                log.add(BARS_CSV, int(line), f"unexpected {name}: it has too few base bars")
        _compare(both[both["side"] == "both"], expectation.intervals[code], log)


def _made(base: pd.DataFrame, layout: Layout, min_completeness: float) -> pd.DataFrame:
    bucket = layout.of_slot[base["column"].to_numpy(dtype=np.int64)]
    groups = base.assign(column=bucket).groupby(["symbol", "column"], sort=True)
    made = groups.agg(
        open=("open", "first"),
        high=("high", "max"),
        low=("low", "min"),
        close=("close", "last"),
        volume=("volume", "sum"),
        base_bars=("volume", "size"),
    ).reset_index()
    columns = made["column"].to_numpy(dtype=np.int64)
    share = made["base_bars"].to_numpy() / layout.widths[columns]
    made["quality"] = score(made["base_bars"].to_numpy(), layout.widths[columns])
    over = layout.over[made["symbol"].to_numpy(dtype=np.int64)]
    kept: pd.DataFrame = made.loc[(columns < over) & (share >= min_completeness)]
    return kept


def _compare(both: pd.DataFrame, interval: str, log: FindingLog) -> None:
    for name in (*_EXACT, *_ROUNDED):
        made, found = both[f"{name}_made"].to_numpy(), both[name].to_numpy()
        wrong = made != found
        if name in _ROUNDED:
            wrong &= ~np.isclose(made, found, rtol=_TOLERANCE, atol=0.0)
        for at in np.flatnonzero(wrong).tolist():
            message = f"{name} of the {interval} bar is {found[at]:.15g}, its base bars give {made[at]:.15g}"
            log.add(BARS_CSV, int(both["line"].iloc[at]), message)
