"""Subject of an explanation: a symbol at a frontier, with the run's plan and history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.indicators.reasons import ExplainedInput
from tapedeck.engine.intervals import DAY, WEEK, Interval
from tapedeck.engine.streams.stream_plan import StreamPlan
from tapedeck.engine.tape.bar_grid import FIELDS, Floats
from tapedeck.engine.tape.history import History
from tapedeck.engine.tape.session_view import SessionView


@dataclass(frozen=True, slots=True)
class Moment:
    """A symbol at the frontier of `view`, with the run's plan and the history before the session.

    `row`: its row in the view; `history_row`: that in the history, with which it was loaded.
    """

    plan: StreamPlan
    history: History
    view: SessionView
    symbol: str
    row: int
    history_row: int

    def bars(self, interval: Interval) -> Floats:
        """Return the symbol's bars of an interval that are over, shape (5, columns)."""
        return self.view.bars_grid(interval)[:, self.row]

    def opened_at(self, interval: Interval, column: int | None) -> datetime | None:
        """Return the label of a column, UTC; None for None."""
        return None if column is None else utc_from_epoch(int(self.view.opened_at(interval)[column]))

    def base_input(self, field: str, start: int, stop: int) -> ExplainedInput:
        """Return a field of the base bars present in slots [start, stop)."""
        return self.base_series(field, self.bars(self.view.base_interval)[FIELDS.index(field)], start, stop)

    def base_series(self, name: str, values: Floats, start: int, stop: int) -> ExplainedInput:
        """Return values by slot, float64 (frontier,), as an input: slots [start, stop), without NaN."""
        base = self.view.base_interval
        part = values[start:stop]
        present = ~np.isnan(part)
        return ExplainedInput(name, base, self.view.opened_at(base)[start:stop][present], part[present])

    def describe_bars(self, interval: Interval) -> str:
        """Return the origin of the session's bars of an interval in words, and of earlier 1d bars."""
        base = self.view.base_interval
        if interval == WEEK:
            source = self.history.sources[DAY][self.history_row]
            return f"1w bars of the complete weeks before the session, made from stored {source} bars"
        if interval == DAY and self.history_row in self.history.compared_days:
            return f"1d bars: today's made from stored {base} bars, those of earlier days from the store"
        return f"stored {base} bars" if interval == base else f"{interval} bars, made from stored {base} bars"


def last_value(values: Floats) -> int | None:
    """Return the position of the last value that is not NaN, None if all are NaN."""
    known = np.flatnonzero(~np.isnan(values))
    return int(known[-1]) if len(known) else None


def joined(parts: Sequence[np.ndarray], empty: np.ndarray) -> np.ndarray:
    """Return the arrays concatenated; `empty` for an empty sequence."""
    return np.concatenate(parts) if parts else empty
