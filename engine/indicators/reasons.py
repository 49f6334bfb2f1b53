"""Reasons of an indicator's value: the bars that it can be made of, and those that it was made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.bar_grid import CLOSE, FIELDS, Floats, Ints, Mask


@dataclass(frozen=True, slots=True)
class ExplainedInput:
    """A series that went in, oldest first, missing bars taken out.

    `opened_at`: int64 (m,), seconds UTC, labels of the bars; `values`: float64 (m,); the first `earlier` of
    them are of earlier sessions.
    """

    name: str
    interval: Interval
    opened_at: Ints
    values: Floats
    earlier: int = 0


@dataclass(frozen=True, slots=True)
class BarRun:
    """One symbol's bars of one interval, a column each: `bars` float64 (5, n), NaN where there is none.

    `opened_at`: int64 (n,), labels; the first `earlier` columns are of earlier sessions.
    """

    interval: Interval
    opened_at: Ints
    bars: Floats
    earlier: int = 0

    @property
    def present(self) -> Mask:
        """Whether there is a bar, (n,)."""
        there: Mask = ~np.isnan(self.bars[CLOSE])
        return there

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
        """Return a field, or `values` (n,) under a name of their own, where there are bars."""
        there = self.present
        series = self.field(name) if values is None else values
        earlier = int(there[: self.earlier].sum())
        return ExplainedInput(name, self.interval, self.opened_at[there], series[there], earlier)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a kind can explain one value from: a symbol's bars up to the end of the bar that has the value.

    `bars`: those of the indicator's interval; for a kind with a lookback, with those of the earlier sessions
    that its kernel is given. `base`: the session's base bars. Where there is no value yet, both end at the
    clock. `value`: None where it is missing. `against`: the historical indicator compared with, its name and
    its value at that bar. `session_open`: the regular open, seconds UTC.
    """

    value: float | None
    parameters: Mapping[str, float | int]
    bars: BarRun
    base: BarRun
    against: tuple[str, float] | None
    session_open: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasons:
    """What one value was made of.

    `terms`: single numbers of the formula; `bars_used` went in, `missing_bars` of the same span were not
    there; `warm_up_bars` come before the first value, `is_warm`: there were enough.
    """

    is_warm: bool
    inputs: tuple[ExplainedInput, ...] = ()
    terms: Mapping[str, float] = field(default_factory=dict)
    bars_used: int = 0
    missing_bars: int = 0
    warm_up_bars: int = 0
