"""Held values: the last value of a row before each of some columns; NaN before the first."""

from __future__ import annotations

from typing import Final

import numpy as np

from tapedeck.engine.tape.bar_grid import Floats, Ints

_FIRST_LOOK_BACK: Final = 64


def held_values(values: Floats, over: Ints) -> Floats:
    """Return the last value below each of the ascending columns `over`, float64 (rows, len(over)).

    `values`: (rows, columns), NaN where there is none.
    """
    return taken(values, last_columns(values, over))


def last_columns(values: Floats, over: Ints) -> Ints:
    """Return the last column below each of `over` with a value, −1 without one; int64 (rows, len(over))."""
    first, last = int(over[0]), int(over[-1])
    begin, width = first, _FIRST_LOOK_BACK
    # Usually a value is near; only for a symbol without recent trades the search reaches the open.
    while begin > 0 and (begin == first or np.isnan(values[:, begin:first]).all(axis=1).any()):
        begin, width = max(0, first - width), width * 4
    there = ~np.isnan(values[:, begin:last])
    columns = np.full((len(values), last - begin + 1), -1, dtype=np.int64)
    columns[:, 1:] = np.where(there, np.arange(begin, last), -1)
    np.maximum.accumulate(columns, axis=1, out=columns)
    return columns[:, over - begin]


def taken(values: Floats, at: Ints) -> Floats:
    """Return the values at the given columns of each row, NaN for column −1."""
    if not values.shape[1]:
        return np.full(at.shape, np.nan)
    found = np.take_along_axis(values, np.maximum(at, 0), axis=1)
    found[at < 0] = np.nan
    return found
