"""Rows of arrays: runs of neighbours, and rows of several arrays gathered into one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Value = TypeVar("Value", bound=np.generic)


def runs_of(rows: Ints) -> Iterator[slice]:
    """Yield rows as runs of neighbours, in their order."""
    edges = (np.flatnonzero(np.diff(rows) != 1) + 1).tolist()
    for start, stop in pairwise([0, *edges, len(rows)]):
        if start < stop:
            yield slice(int(rows[start]), int(rows[stop - 1]) + 1)


def gathered(pieces: Sequence[tuple[NDArray[Value], Ints]], axis: int = 0) -> NDArray[Value]:
    """Return the given rows of several arrays, one after the other, as one new array.

    `axis`: that of the rows; the arrays are alike but for its length. Each value is copied once.
    """
    first = pieces[0][0]
    shape = list(first.shape)
    shape[axis] = sum(len(rows) for _, rows in pieces)
    made = np.empty(shape, first.dtype)
    out, at = np.moveaxis(made, axis, 0), 0
    for array, rows in pieces:
        source = np.moveaxis(array, axis, 0)
        for run in runs_of(rows):
            length = run.stop - run.start
            out[at : at + length] = source[run]
            at += length
    return made
