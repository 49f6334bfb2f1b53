"""Reasons of an indicator's value: the bars available for it, and the bars used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.bar_grid import CLOSE, FIELDS, Floats, Ints, Mask


@dataclass(frozen=True, slots=True)
class ExplainedInput:
    """An input series, oldest first, without missing bars.

    `opened_at`: int64 (m,), labels of the bars, seconds UTC; `values`: float64 (m,); the first `earlier`
    values are of earlier sessions.
    """

    name: str
    interval: Interval
    opened_at: Ints
    values: Floats
    earlier: int = 0


@dataclass(frozen=True, slots=True)
class BarRun:
    """One symbol's bars of one interval, one column each: `bars` float64 (5, n), NaN for missing bars.

    `opened_at`: int64 (n,), labels, seconds UTC; the first `earlier` columns are of earlier sessions.
    """

    interval: Interval
    opened_at: Ints
    bars: Floats
    earlier: int = 0

    @property
    def present(self) -> Mask:
        """True for each bar, False for each missing one, (n,)."""
        present: Mask = ~np.isnan(self.bars[CLOSE])
        return present

    def field(self, name: str) -> Floats:
        """Return one field of the bars, (n,)."""
        values: Floats = self.bars[FIELDS.index(name)]
        return values

    def last(self, columns: int) -> BarRun:
        """Return the run's last columns."""
        start = max(0, len(self.opened_at) - columns)
        return BarRun(
            self.interval, self.opened_at[start:], self.bars[:, start:], max(0, self.earlier - start)
        )

    def first(self, columns: int) -> BarRun:
        """Return the run's first columns."""
        return BarRun(
            self.interval, self.opened_at[:columns], self.bars[:, :columns], min(self.earlier, columns)
        )

    def as_input(self, name: str, values: Floats | None = None) -> ExplainedInput:
        """Return a field of the bars, or other `values` (n,) called `name`, without the missing bars."""
        present = self.present
        series = self.field(name) if values is None else values
        earlier = int(present[: self.earlier].sum())
        return ExplainedInput(name, self.interval, self.opened_at[present], series[present], earlier)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Data for explaining one value: a symbol's bars up to the end of the bar that has the value.

    `bars`: bars of the indicator's interval; for a kind with a lookback, preceded by those of earlier
    sessions in its warm-up. `base`: the session's base bars. Before the first value both end at the clock.
    `value`: None where it is missing. `against`: name of the historical indicator compared with, and its
    value at that bar. `session_open`: the regular open, seconds UTC.
    """

    value: float | None
    parameters: Mapping[str, float | int]
    bars: BarRun
    base: BarRun
    against: tuple[str, float] | None
    session_open: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasons:
    """Inputs and terms of one value.

    `terms`: single numbers of the formula, by name. `bars_used`: number of bars in the value; `missing_bars`:
    number of bars missing in the same span. `warm_up_bars`: number of bars before the first value; `is_warm`:
    True if there were enough.
    """

    is_warm: bool
    inputs: tuple[ExplainedInput, ...] = ()
    terms: Mapping[str, float] = field(default_factory=dict)
    bars_used: int = 0
    missing_bars: int = 0
    warm_up_bars: int = 0
