"""Relative volume: volume of a minute ÷ its trailing average volume."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from tapedeck.engine.config.catalogue import HistoricalNeed
from tapedeck.engine.config.faults import fault
from tapedeck.engine.indicators.kernel import Kernel, KernelInputs
from tapedeck.engine.indicators.kind import IndicatorKind
from tapedeck.engine.indicators.reasons import Evidence, Reasons
from tapedeck.engine.intervals import MINUTE, Interval
from tapedeck.engine.tape.bar_grid import VOLUME, Floats, canonical


class RelativeVolume(IndicatorKind):
    """Volume of a minute ÷ trailing average volume of that minute; missing if the average is 0 or missing."""

    type = "RELATIVE_VOLUME"
    inputs = ("volume",)
    formula = "volume of the bar ÷ trailing average of the volume of the same minute"
    against = HistoricalNeed("trailing_average", "minute", "volume")
    levels = (1.0,)
    symbol_column = "rel_volume"

    def check_interval(self, interval: Interval) -> None:
        """Raise a fault for every interval but 1m."""
        if interval != MINUTE:
            raise fault(f"must be 1m for {self.type}, which compares minutes, not '{interval}'", "1m")

    def start(self, parameters: Mapping[str, float | int], interval: Interval) -> str:
        """Return in words that no other bar of the session matters."""
        del parameters, interval
        return "each bar by itself"

    def kernel(self, inputs: KernelInputs) -> RelativeVolumeKernel:
        """Return the kernel that divides by the average."""
        return RelativeVolumeKernel(inputs)

    def explain(self, evidence: Evidence) -> Reasons:
        """Return the volume and its average."""
        if evidence.value is None or evidence.against is None:
            return Reasons(is_warm=False)
        name, average = evidence.against
        terms = {"volume": float(evidence.bars.field("volume")[-1]), name: average}
        return Reasons(terms=terms, bars_used=1, is_warm=True)


class RelativeVolumeKernel(Kernel):
    """Divides the volume of each minute by its trailing average."""

    def __init__(self, inputs: KernelInputs) -> None:
        assert inputs.against is not None  # the check of the file requires it
        self._volume, self._average = inputs.grid.values[VOLUME], inputs.against
        (self._column,) = inputs.columns

    def advance(self, slots: range, columns: range) -> None:
        """Write the columns that a block completes."""
        del slots
        relative_volume(self._volume, self._average, self._column, columns.start, columns.stop)


def relative_volume(volume: Floats, average: Floats, out: Floats, first: int, last: int) -> None:
    """Write volume ÷ average volume of the same minute into `out[:, first:last]`.

    `volume`, `out`: (S, minutes of the session). `average`: (S, minutes); where it is 0 or NaN, `out` keeps
    its NaN.
    """
    divisor = average[:, first:last]
    target = out[:, first:last]
    np.divide(volume[:, first:last], divisor, out=target, where=divisor > 0)
    canonical(target)


KINDS: Final = (RelativeVolume(),)
