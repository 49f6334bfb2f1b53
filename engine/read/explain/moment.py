"""Starting point of an explanation: a symbol at a frontier, with the plan and the history before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.indicators.reasons import ExplainedInput
from tapedeck.engine.intervals import Interval
from tapedeck.engine.streams.stream_plan import StreamPlan
from tapedeck.engine.tape.bar_grid import FIELDS, Floats
from tapedeck.engine.tape.history import History
from tapedeck.engine.tape.session_view import SessionView


@dataclass(frozen=True, slots=True)
class Moment:
    """A symbol's row of a session at the frontier of `view`, with the plan and the history before it."""

    plan: StreamPlan
    history: History
    view: SessionView
    symbol: str
    row: int

    def bars(self, interval: Interval) -> Floats:
        """Return the symbol's bars of an interval that are over, shape (5, columns)."""
        return self.view.bars_grid(interval)[:, self.row]

    def opened_at(self, interval: Interval, column: int | None) -> datetime | None:
        """Return the label of a column, None for none."""
        return None if column is None else utc_from_epoch(int(self.view.opened_at(interval)[column]))

    def base_input(self, field: str, start: int, stop: int) -> ExplainedInput:
        """Return a field of the base bars of slots [start, stop) that are there."""
        return self.base_series(field, self.bars(self.view.base_interval)[FIELDS.index(field)], start, stop)

    def base_series(self, name: str, values: Floats, start: int, stop: int) -> ExplainedInput:
        """Return values by slot, float64 (slots over,), as an input, for those of [start, stop)."""
        base = self.view.base_interval
        part = values[start:stop]
        present = ~np.isnan(part)
        return ExplainedInput(name, base, self.view.opened_at(base)[start:stop][present], part[present])

    def made_from(self, interval: Interval) -> str:
        """Say where the session's bars of an interval come from."""
        base = self.view.base_interval
        return f"stored {base} bars" if interval == base else f"{interval} bars, made from stored {base} bars"


def last_value(values: Floats) -> int | None:
    """Return the last place that holds a value, None where none does."""
    known = np.flatnonzero(~np.isnan(values))
    return int(known[-1]) if len(known) else None


def joined(parts: Sequence[np.ndarray], empty: np.ndarray) -> np.ndarray:
    """Return arrays one behind the other; `empty` where there is none."""
    return np.concatenate(parts) if parts else empty
