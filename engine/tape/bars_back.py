"""Columns of the bars that are a number of bars back; missing bars are not counted."""

from __future__ import annotations

import numpy as np

from tapedeck.engine.tape.bar_grid import Ints, Mask

# Columns before the first frontier that are searched first, in addition to four for each bar back.
_LOOK_BACK = 64


def columns_back(present: Mask, over: Ints, back: int) -> Ints:
    """Return the column `back` bars before the last one below each of the ascending `over`, int64 (rows, n).

    `present`: bool (rows, columns), True where a symbol has a bar. `back` is at least 1. A negative number
    stands for a bar of an earlier session: −1 for its last bar, −2 for the one before. Before its first bar
    of the session a symbol counts from that bar, which is not over: 1 back is the earlier session's last.
    """
    first, last = int(over[0]), int(over[-1])
    if first == last:
        return np.repeat(_columns_back_at(present, first, back)[:, None], len(over), axis=1)
    begin = max(0, first - _LOOK_BACK - 4 * back)
    if begin and (np.count_nonzero(present[:, begin:first], axis=1) <= back).any():
        begin = 0
    part = present[:, begin:last]
    counts = np.zeros((len(part), last - begin + 1), dtype=np.int64)
    np.cumsum(part, axis=1, out=counts[:, 1:])
    bars = counts[:, over - begin]
    columns = np.maximum(bars - 1, 0) - back
    in_session = columns >= 0
    columns[in_session] = _column_of_bar(part, counts[:, -1], columns)[in_session] + begin
    return columns


def _columns_back_at(present: Mask, stop: int, back: int) -> Ints:
    """Return `columns_back` below one column, int64 (rows,); fast for many rows."""
    columns = np.zeros(len(present), dtype=np.int64)
    waiting, bars = np.arange(len(present)), np.zeros(len(present), dtype=np.int64)
    # Only rows with few bars before it are searched to the open.
    for begin in dict.fromkeys((max(0, stop - 4 * (back + 1)), 0)):
        part = present[waiting, begin:stop]
        counts = np.zeros((len(part), stop - begin + 1), dtype=np.int32)
        np.cumsum(part[:, ::-1], axis=1, out=counts[:, 1:])  # bars in the last slots: none, one, two, …
        bars = counts[:, -1].astype(np.int64)
        found = bars > back
        columns[waiting[found]] = stop - (counts[found] > back).argmax(axis=1)
        waiting, bars = waiting[~found], bars[~found]
    columns[waiting] = np.maximum(bars - 1, 0) - back
    return columns


def last_columns_present(present: Mask, count: int) -> Ints:
    """Return the columns of the last `count` bars of each row, int64 (rows, count), −1 before the first."""
    bars = np.count_nonzero(present, axis=1)
    ranks = bars[:, None] + np.arange(-count, 0)
    columns: Ints = np.where(ranks >= 0, _column_of_bar(present, bars, ranks), -1)
    return columns


def _column_of_bar(present: Mask, bars: Ints, ranks: Ints) -> Ints:
    """Return the column of the bar of each rank, from 0; any column for a rank below 0 or a row without bars.

    `bars`: int64 (rows,), number of bars in each row; `ranks`: int64 (rows, n).
    """
    columns = np.nonzero(present)[1]
    if not len(columns):
        return np.zeros(ranks.shape, dtype=np.int64)
    starts = np.cumsum(bars) - bars
    at = starts[:, None] + np.maximum(ranks, 0)
    found: Ints = columns[np.minimum(at, len(columns) - 1)]
    return found
