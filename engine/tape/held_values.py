"""Held values: the last value of a row before each of some columns; NaN before the first."""

from __future__ import annotations

import numpy as np

from tapedeck.engine.tape.bar_grid import Floats, Ints


def held_values(values: Floats, over: Ints) -> Floats:
    """Return the last value below each of the ascending columns `over`, float64 (rows, len(over)).

    `values`: (rows, columns), NaN where there is none.
    """
    return taken(values, last_columns(values, over))


def held_at(values: Floats, at: Ints) -> Floats:
    """Return the last value at or before each of the given columns, float64, shape of `at` (rows, n).

    `values`: (rows, columns), NaN where there is none; NaN for column −1.
    """
    found = taken(values, at)
    lacking = np.flatnonzero((np.isnan(found) & (at >= 0)).any(axis=1))
    if len(lacking):
        columns = at[lacking]
        first, last = int(columns[columns >= 0].min()), int(columns.max())
        held = held_values(values[lacking], np.arange(first + 1, last + 2, dtype=np.int64))
        found[lacking] = taken(held, np.where(columns >= 0, columns - first, -1))
    return found


def last_columns(values: Floats, over: Ints) -> Ints:
    """Return the last column below each of `over` with a value, −1 without one; int64 (rows, len(over))."""
    first, last = int(over[0]), int(over[-1])
    columns = np.empty((len(values), last - first + 1), dtype=np.int64)
    columns[:, 0] = last_column(values, first)
    if last > first:
        columns[:, 1:] = np.where(np.isnan(values[:, first:last]), -1, np.arange(first, last))
        np.maximum.accumulate(columns, axis=1, out=columns)
    return columns[:, over - first]


def last_column(values: Floats, stop: int) -> Ints:
    """Return the last column of each row below `stop` with a value, −1 without one; int64 (rows,)."""
    columns = np.full(len(values), -1, dtype=np.int64)
    waiting, width = np.arange(len(values)), 1
    # Usually a value is near: only rows without one are searched further back.
    while stop > 0 and len(waiting):
        begin = max(0, stop - width)
        there = ~np.isnan(values[waiting, begin:stop])
        found = there.any(axis=1)
        columns[waiting[found]] = stop - 1 - there[found, ::-1].argmax(axis=1)
        waiting, stop, width = waiting[~found], begin, width * 4
    return columns


def taken(values: Floats, at: Ints) -> Floats:
    """Return the values at the given columns of each row, NaN for column −1."""
    if not values.shape[1]:
        return np.full(at.shape, np.nan)
    found = np.take_along_axis(values, np.maximum(at, 0), axis=1)
    found[at < 0] = np.nan
    return found
