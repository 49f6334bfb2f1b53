"""Session totals so far: volume, high, low, last; and the minute of the last bar.

Computed from base bars; slots without a bar are skipped. Sums run from the first bar to the last, like those
of the running VWAP: numpy's own sums add pairwise, which gives other bits on fractional volumes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.tape.bar_grid import CLOSE, HIGH, LOW, OPEN, VOLUME, Floats, Ints, Mask
from tapedeck.engine.tape.held_values import last_column

_FEW_ROWS: Final = 8
"""Fewer rows than this are summed along each row."""
_ROWS_AT_ONCE: Final = 128
"""Rows summed at once: so many that they fit into a processor's cache."""


@dataclass(frozen=True, slots=True)
class SessionTotals:
    """One symbol's totals over its base bars so far. `open`: open of the first bar."""

    open: float
    high: float
    low: float
    last: float
    volume: float

    @classmethod
    def of(cls, bars: Floats) -> SessionTotals | None:
        """Return the totals of a symbol's base bars (5, k), None without a bar."""
        here = bars[:, ~np.isnan(bars[CLOSE])]
        if not here.shape[1]:
            return None
        return cls(
            open=float(here[OPEN, 0]),
            high=float(here[HIGH].max()),
            low=float(here[LOW].min()),
            last=float(here[CLOSE, -1]),
            volume=float(sum_in_order(here[VOLUME])),
        )


def sum_in_order(values: Floats, present: Mask | None = None) -> Floats:
    """Return the sums along the last axis, from the first value to the last; NaN is skipped.

    `present`: bool, shape of `values`, False for values to skip; by default those that are NaN.
    """
    if not values.shape[-1]:
        return np.zeros(values.shape[:-1])
    if values.ndim == 2 and len(values) >= _FEW_ROWS:
        blocks = [slice(row, row + _ROWS_AT_ONCE) for row in range(0, len(values), _ROWS_AT_ONCE)]
        masks = [None if present is None else present[block] for block in blocks]
        parts = [_sums_of_rows(values[block], mask) for block, mask in zip(blocks, masks, strict=True)]
        return np.concatenate(parts)
    mask = ~np.isnan(values) if present is None else present
    # Adding 0.0 changes no bit of a sum other than -0.0, which tapes do not contain.
    sums: Floats = np.cumsum(np.where(mask, values, 0.0), axis=-1)[..., -1]
    return sums


def _sums_of_rows(values: Floats, present: Mask | None) -> Floats:
    """Return `sum_in_order` of some rows, faster where they are many: by column, of all rows at once."""
    if len(values) < _FEW_ROWS:
        return sum_in_order(values, present)
    columns = np.array((values if present is None else np.where(present, values, 0.0)).T, order="C")
    # numpy adds pairwise along the innermost axis only.
    sums: Floats = np.add.reduce(columns, axis=0)
    if np.isnan(sums).any():
        # NaN becomes 0.0, without a branch for each value.
        negative = np.fmin(columns, 0.0)
        np.fmax(columns, 0.0, out=columns)
        columns += negative
        sums = np.add.reduce(columns, axis=0)
    return sums


def last_values(values: Floats) -> Floats:
    """Return the last value of each row that is not NaN, shape (S,); NaN for a row without one."""
    rows, columns = values.shape
    if columns == 0:
        return np.full(rows, np.nan)
    # A row without a value has NaN in its last column, which −1 is.
    last: Floats = values[np.arange(rows), last_column(values, columns)]
    return last


def first_values(values: Floats) -> Floats:
    """Return the first value of each row that is not NaN, shape (S,); NaN for a row without one."""
    return last_values(values[:, ::-1])


def running_sums(values: Floats, over: Ints) -> Floats:
    """Return the sums of the values below each of the ascending columns `over`, shape (rows, len(over)).

    They have the bits of `sum_in_order`.
    """
    first, last = int(over[0]), int(over[-1])
    before = sum_in_order(values[:, :first])[:, None]
    added = values[:, first:last]
    sums: Floats = np.cumsum(np.concatenate([before, np.where(np.isnan(added), 0.0, added)], axis=1), axis=1)
    return sums[:, over - first]


def change_pct(reference: Floats, price: Floats) -> Floats:
    """Return the change from a reference to a price, in percent of the reference.

    NaN where either is missing, and for a reference of 0.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        change = (price / reference - 1.0) * 100.0
    return np.where(np.isfinite(change), change, np.nan)


NO_BAR: Final = np.array([-1], dtype=np.int64)
"""Slot of the last bar before the first bar: −1."""


def minutes_of_last_bars(slots: SessionSlots, last: Ints) -> Ints:
    """Return the minute of the session in which each last bar opened; minute 0 for −1, before the first bar.

    Views and conditions read per-minute historical indicators by this rule. `last`: base slots, int64, any
    shape.
    """
    minutes: Ints = _minute_of_slots(slots)[np.maximum(last, 0)]
    return minutes


@lru_cache(maxsize=8)
def _minute_of_slots(slots: SessionSlots) -> Ints:
    """Return the minute of the session in which each slot opens, int64 (n,)."""
    opened = SessionSlots(slots.session, MINUTE).opened_at
    return np.searchsorted(opened, slots.opened_at, side="right") - 1
