"""What an indicator is asked to be: its name, kind, interval and parameters, free of any file format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from tapedeck.engine.indicators.talib_functions import TalibFunction, talib_function
from tapedeck.engine.intervals import Interval

OWN_TYPES = ("VWAP", "SESSION_HIGH", "SESSION_LOW", "RELATIVE_VOLUME")


@dataclass(frozen=True)
class IndicatorSpec:
    """A session indicator on the bars of one interval.

    `kind` is one of `OWN_TYPES` or a TA-Lib function's name; `parameters` stand under TA-Lib's names, those
    left out take its defaults. `against` names the trailing minute average that RELATIVE_VOLUME divides by.
    """

    name: str
    kind: str
    interval: Interval
    parameters: Mapping[str, float | int] = field(default_factory=dict)
    against: str | None = None

    @cached_property
    def function(self) -> TalibFunction | None:
        """TA-Lib's function with these parameters; None for a kind of our own."""
        return None if self.kind in OWN_TYPES else talib_function(self.kind, self.parameters)

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """The column names: the indicator's own, or `name_output` where it has several outputs."""
        function = self.function
        if function is None or len(function.outputs) == 1:
            return (self.name,)
        return tuple(f"{self.name}_{output}" for output in function.outputs)
