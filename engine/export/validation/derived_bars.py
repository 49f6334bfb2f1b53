"""Checks derived bars against those made from the file's base bars, with pandas alone."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from tapedeck.engine.export.manifest import BARS_CSV
from tapedeck.engine.export.validation.expectation import Expectation, ExpectedSession, Layout
from tapedeck.engine.export.validation.report import FindingLog
from tapedeck.engine.quality.gaps_and_scores import score
from tapedeck.engine.tape.bar_grid import Ints

_MADE: Final = {
    "open": "first",
    "high": "max",
    "low": "min",
    "close": "last",
    "volume": "sum",
    "base_bars": "size",
}
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
        places, found_places = _places(made, layout), _places(found, layout)
        single = np.setxor1d(places, found_places, assume_unique=True).tolist()
        lines = dict(zip(found_places.tolist(), found["line"].tolist(), strict=True)) if single else {}
        for place in single:
            symbol, column = divmod(place, len(layout.labels))
            label = expected.time_text(int(layout.labels[column]))
            name = f"{expected.symbols.names[symbol]} {expectation.intervals[code]} {label}"
            if place in lines:
                log.add(BARS_CSV, int(lines[place]), f"unexpected {name}: it has too few base bars")
            else:
                log.add(BARS_CSV, None, f"{name} is missing, but its base bars exist")
        _, here, there = np.intersect1d(places, found_places, assume_unique=True, return_indices=True)
        _compare(made.iloc[here], found.iloc[there], expectation.intervals[code], log)


def _places(bars: pd.DataFrame, layout: Layout) -> Ints:
    """Return a number for each bar: its symbol and bucket."""
    symbols: Ints = bars["symbol"].to_numpy(dtype=np.int64)
    columns: Ints = bars["column"].to_numpy(dtype=np.int64)
    return symbols * len(layout.labels) + columns


def _made(base: pd.DataFrame, layout: Layout, min_completeness: float) -> pd.DataFrame:
    bucket = layout.of_slot[base["column"].to_numpy(dtype=np.int64)]
    groups = base.assign(column=bucket).groupby(["symbol", "column"], sort=True)
    made = groups.agg(_MADE).reset_index()
    columns = made["column"].to_numpy(dtype=np.int64)
    share = made["base_bars"].to_numpy() / layout.widths[columns]
    made["quality"] = score(made["base_bars"].to_numpy(), layout.widths[columns])
    over = layout.over[made["symbol"].to_numpy(dtype=np.int64)]
    kept: pd.DataFrame = made.loc[(columns < over) & (share >= min_completeness)]
    return kept


def _compare(made: pd.DataFrame, found: pd.DataFrame, interval: str, log: FindingLog) -> None:
    for name in (*_EXACT, *_ROUNDED):
        right, value = made[name].to_numpy(), found[name].to_numpy()
        wrong = right != value
        if name in _ROUNDED:
            wrong &= ~np.isclose(right, value, rtol=_TOLERANCE, atol=0.0)
        for at in np.flatnonzero(wrong).tolist():
            message = f"{name} of the {interval} bar is {value[at]:.15g}, its base bars give {right[at]:.15g}"
            log.add(BARS_CSV, int(found["line"].iloc[at]), message)
