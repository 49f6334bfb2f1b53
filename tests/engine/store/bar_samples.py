"""Bars for tests of stores."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tapedeck.engine.store.bar_store import BarBatch, BarColumns

NAMES = ("opened_at", "open", "high", "low", "close", "volume")
OPEN_7_OCTOBER_2013 = 1381152600  # 2013-10-07T13:30:00Z, a Monday: 09:30 in New York
A_DAY = 86400

finite = st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=True, width=64)


def bars_at(times, *, first_price=100.0):
    """Bars at the given instants, with values that identify time and column."""
    opened_at = np.array(list(times), np.int64)
    steps = first_price + np.arange(len(opened_at)) / 128
    return BarColumns(
        opened_at, steps, steps + 0.5, steps - 0.5, steps + 0.25, np.arange(len(opened_at)) * 100.0
    )


def minutes(count, *, start=OPEN_7_OCTOBER_2013, first_price=100.0):
    """A run of one-minute bars without gaps."""
    return bars_at(range(start, start + 60 * count, 60), first_price=first_price)


@st.composite
def bar_columns(draw, *, max_size=40):
    """Any valid bars: times over some years around New Year, values of any size."""
    times = draw(st.lists(st.integers(1_388_500_000, 1_420_200_000), unique=True, max_size=max_size))
    count = len(times)
    values = [draw(st.lists(finite, min_size=count, max_size=count)) for _ in range(5)]
    return BarColumns(
        np.sort(np.array(times, np.int64)), *(np.array(column, np.float64) for column in values)
    )


def bits(bars):
    """The content as integers, so that equal means equal to the last bit; the two zeros count as one."""
    return [bars.opened_at.tolist()] + [
        (getattr(bars, name) + 0.0).view(np.int64).tolist() for name in NAMES[1:]
    ]


def part(bars, chosen):
    """The bars that a slice or mask chooses."""
    return BarColumns(*(getattr(bars, name)[chosen] for name in NAMES))


def with_close(bars, position, price):
    """The same bars, but for one close."""
    closes = bars.close.copy()
    closes[position] = price
    return BarColumns(bars.opened_at, bars.open, bars.high, bars.low, closes, bars.volume)


def by_row(batches: list[BarBatch]):
    """The result of a scan, per row: a sorted list of (time, open, high, low, close, volume)."""
    found: dict[int, list[tuple]] = {}
    for batch in batches:
        rows = np.broadcast_to(batch.rows, len(batch.bars)).tolist()
        for row, *values in zip(rows, *(getattr(batch.bars, name).tolist() for name in NAMES), strict=True):
            found.setdefault(row, []).append(tuple(values))
    return {row: sorted(values) for row, values in found.items()}


def as_rows(bars):
    """The bars as a list of (time, open, high, low, close, volume)."""
    return list(zip(*(getattr(bars, name).tolist() for name in NAMES), strict=True))
