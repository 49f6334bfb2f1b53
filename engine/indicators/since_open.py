"""Running kinds: values since the regular open, computed from base bars for any interval."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from tapedeck.engine.indicators.kernel import Kernel, KernelInputs, RunningValues
from tapedeck.engine.indicators.kind import IndicatorKind
from tapedeck.engine.indicators.reasons import Evidence, Reasons
from tapedeck.engine.tape.bar_grid import canonical


class SinceOpenKind(IndicatorKind):
    """A kind with one running value: each bar of its interval has the value at the bar's last slot."""

    @abstractmethod
    def running(self, symbols: int, slots: int) -> RunningValues:
        """Return the running value by base slot."""

    def kernel(self, inputs: KernelInputs) -> SinceOpenKernel:
        """Return the kernel that copies the running value to the bars of an interval."""
        return SinceOpenKernel(self, inputs)

    def explain(self, evidence: Evidence) -> Reasons:
        """Return the session's base bars up to the bar's end."""
        used = int(evidence.base.present.sum())
        return Reasons(
            inputs=tuple(evidence.base.as_input(name) for name in self.inputs),
            bars_used=used,
            missing_bars=len(evidence.base.opened_at) - used,
            is_warm=used > 0,
        )


class SinceOpenKernel(Kernel):
    """Copies a running value to the bars of an interval."""

    def __init__(self, kind: SinceOpenKind, inputs: KernelInputs) -> None:
        self._running = inputs.shared_running(kind.type, kind.running)
        self._base, self._grid = inputs.tape.base, inputs.grid
        (self._column,) = inputs.columns
        on_base = inputs.interval == inputs.tape.base_interval
        self._stops = None if on_base else inputs.tape.derived[inputs.interval].buckets.stops

    def advance(self, slots: range, columns: range) -> None:
        """Write the columns that a block completes."""
        self._running.reach(self._base, slots)
        first, last = columns.start, columns.stop
        at = slice(first, last) if self._stops is None else self._stops[first:last] - 1
        values = self._running.running.values[:, at]
        if self._grid.is_full(first, last):
            self._column[:, first:last] = values
        else:
            np.copyto(self._column[:, first:last], values, where=self._grid.present[:, first:last])
        canonical(self._column[:, first:last])
