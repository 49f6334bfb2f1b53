"""Opening range: high and low of a session's first minutes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from tapedeck.engine.clock.slots import epoch_seconds
from tapedeck.engine.config.faults import FaultList, fault
from tapedeck.engine.indicators.kernel import Kernel, KernelInputs
from tapedeck.engine.indicators.kind import IndicatorKind, WholeNumber
from tapedeck.engine.indicators.reasons import Evidence, Reasons
from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.bar_grid import HIGH, LOW, Floats, canonical

_DAY_MINUTES: Final = 24 * 60


class OpeningRange(IndicatorKind):
    """Highest high or lowest low of the bars that open in the first `minutes` of regular hours.

    Bars are those of the indicator's interval. Missing until the minutes are over, so all day if the session
    is shorter, and if all of those bars are missing. The default is 30 minutes, the usual opening range.
    """

    parameters = MappingProxyType({"minutes": WholeNumber(30, 1, _DAY_MINUTES)})
    over_price = True

    def __init__(self, type_: str, *, highest: bool) -> None:
        self.type = type_
        self.inputs = ("high",) if highest else ("low",)
        what = "highest high" if highest else "lowest low"
        self.formula = f"{what} of the bars that open in the first minutes after the regular open"
        self._highest = highest

    def check_parameters(
        self, parameters: Mapping[str, float | int], interval: Interval | None, faults: FaultList
    ) -> None:
        """Add a fault unless the minutes are a multiple of the interval."""
        minutes = self._minutes(parameters)
        if interval is not None and minutes * 60 % interval.seconds:
            message = f"must be a multiple of the interval {interval}, not {minutes} minutes"
            faults.add(("minutes",), minutes, fault(message))

    def kernel(self, inputs: KernelInputs) -> OpeningRangeKernel:
        """Return the kernel for the extreme of the opening bars."""
        return OpeningRangeKernel(inputs, 60 * self._minutes(inputs.parameters), highest=self._highest)

    def explain(self, evidence: Evidence) -> Reasons:
        """Return the opening bars that are over."""
        seconds = 60 * self._minutes(evidence.parameters)
        opening = evidence.bars.first(
            int(np.searchsorted(evidence.bars.opened_at, evidence.session_open + seconds))
        )
        used = int(opening.present.sum())
        return Reasons(
            inputs=tuple(opening.as_input(name) for name in self.inputs),
            bars_used=used,
            missing_bars=len(opening.opened_at) - used,
            warm_up_bars=seconds // evidence.bars.interval.seconds - 1,
            is_warm=evidence.value is not None,
        )

    def _minutes(self, parameters: Mapping[str, float | int]) -> int:
        return int(parameters.get("minutes", self.parameters["minutes"].default))


class OpeningRangeKernel(Kernel):
    """Computes the extreme of the opening bars, and writes it from the bar on that ends the minutes."""

    carries = ("_extreme",)

    def __init__(self, inputs: KernelInputs, seconds: int, *, highest: bool) -> None:
        tape = inputs.tape
        self._grid = inputs.grid
        (self._column,) = inputs.columns
        self._field = HIGH if highest else LOW
        self._pick = np.fmax if highest else np.fmin
        end = epoch_seconds(tape.session.regular_open) + seconds
        self._opening = int(np.searchsorted(tape.opened_at(inputs.interval), end))
        self._shown_from = int(np.searchsorted(tape.closed_at(inputs.interval), end))
        self._extreme: Floats = np.full(self._column.shape[0], np.nan)

    def advance(self, slots: range, columns: range) -> None:
        """Write the columns that a block completes."""
        del slots
        first, last = columns.start, columns.stop
        opening = self._grid.values[self._field, :, first : min(last, self._opening)]
        if opening.shape[1]:
            self._extreme = self._pick(self._extreme, self._pick.reduce(opening, axis=1))
        shown = slice(max(first, self._shown_from), last)
        target = self._column[:, shown]
        np.copyto(target, self._extreme[:, None], where=self._grid.present[:, shown])
        canonical(target)


KINDS: Final = (
    OpeningRange("OPENING_RANGE_HIGH", highest=True),
    OpeningRange("OPENING_RANGE_LOW", highest=False),
)
