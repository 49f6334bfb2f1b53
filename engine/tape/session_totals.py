"""A session's totals so far: volume, high, low, last, change from the open; and the minute it is in.

One definition for the symbol table, copies, `--view`, conditions, explanations and exports. Of base bars;
slots without a bar are skipped. Sums run from the first bar to the last, as those of the running VWAP do:
numpy's own sums add pairwise, and give other bits on volumes with fractions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.tape.bar_grid import CLOSE, HIGH, LOW, OPEN, VOLUME, Floats, Ints, Mask


@dataclass(frozen=True, slots=True)
class SessionTotals:
    """One symbol's session so far, of its base bars. `open`: the first bar's."""

    open: float
    high: float
    low: float
    last: float
    volume: float

    @classmethod
    def of(cls, bars: Floats) -> SessionTotals | None:
        """Return the totals of a symbol's base bars (5, k), None where there is no bar."""
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

    @property
    def change_pct(self) -> float:
        """The change from the first open to the last price, in percent; NaN for a first open of 0."""
        return float(change_pct(np.array(self.open), np.array(self.last)))


def sum_in_order(values: Floats, present: Mask | None = None) -> Floats:
    """Return the sums along the last axis, from the first value to the last; missing ones are skipped.

    `present`: which values there are, where that is known already.
    """
    if not values.shape[-1]:
        return np.zeros(values.shape[:-1])
    there = ~np.isnan(values) if present is None else present
    # Adding 0.0 changes no bit of a sum, as long as that is not -0.0, and tapes hold none.
    sums: Floats = np.cumsum(np.where(there, values, 0.0), axis=-1)[..., -1]
    return sums


def session_volumes(volume: Floats, present: Mask) -> Floats:
    """Return each symbol's volume so far, (S,), NaN where it has no bar; `volume`, `present`: (S, k)."""
    sums = sum_in_order(volume, present)
    sums[~present.any(axis=1)] = np.nan
    return sums


def last_values(values: Floats) -> Floats:
    """Return the last value of each row that is not missing, shape (S,), NaN where all are."""
    rows, columns = values.shape
    if columns == 0:
        return np.full(rows, np.nan)
    last: Floats = values[:, -1].copy()
    missing = np.flatnonzero(np.isnan(last))
    if len(missing):  # few, as a rule: only they are searched
        there = ~np.isnan(values[missing])
        at = columns - 1 - np.argmax(there[:, ::-1], axis=1)
        last[missing] = values[missing, at]
    return last


def first_values(values: Floats) -> Floats:
    """Return the first value of each row that is not missing, shape (S,), NaN where all are."""
    return last_values(values[:, ::-1])


def change_pct(first_open: Floats, last: Floats) -> Floats:
    """Return the change in percent from a session's first open to its last price; NaN where one is missing.

    Not from the close of the day before: that is known only where history was loaded, and a session's values
    depend on nothing but the store and the file. A first open of 0 gives NaN.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        change = (last / first_open - 1.0) * 100.0
    return np.where(np.isfinite(change), change, np.nan)


NO_BAR: Final = np.array([-1], dtype=np.int64)
"""In place of the slot of a last bar where there is none yet."""


def minutes_of_last_bars(slots: SessionSlots, last: Ints) -> Ints:
    """Return the minute of the session in which each last bar opened; for −1, no bar yet, the first.

    The one rule by which a historical indicator kept by the minute is read, in views and in conditions.
    `last`: base slots, int64, any shape.
    """
    minutes: Ints = _minute_of_slots(slots)[np.maximum(last, 0)]
    return minutes


@lru_cache(maxsize=8)
def _minute_of_slots(slots: SessionSlots) -> Ints:
    """Return the minute of the session in which each slot opens, int64 (n,); a day opens in its first."""
    opened = SessionSlots(slots.session, MINUTE).opened_at
    return np.searchsorted(opened, slots.opened_at, side="right") - 1
