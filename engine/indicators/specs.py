"""Specification of an indicator: name, kind, interval and parameters, independent of file formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from tapedeck.engine.config.catalogue import output_names
from tapedeck.engine.indicators.kind import IndicatorKind
from tapedeck.engine.indicators.registry import REGISTRY
from tapedeck.engine.intervals import Interval


@dataclass(frozen=True)
class IndicatorSpec:
    """A session indicator on the bars of one interval.

    `kind`: a type of the registry. `parameters`: those left out take the kind's defaults. `against`: name of
    the historical indicator to compare with, for kinds that compare.
    """

    name: str
    kind: str
    interval: Interval
    parameters: Mapping[str, float | int] = field(default_factory=dict)
    against: str | None = None

    @cached_property
    def description(self) -> IndicatorKind:
        """The kind, from the registry."""
        return REGISTRY.kind(self.kind)

    @cached_property
    def lookback(self) -> int | None:
        """Number of bars before the first value; None for a kind without history."""
        return self.description.lookback(self.parameters)

    @cached_property
    def history_bars(self) -> int:
        """Number of bars of earlier sessions that it gets; `ALL_STORED` for all of the store."""
        return self.description.history_bars(self.parameters, self.interval)

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """Names of the columns: the indicator's own, or `name_output` for each of several outputs."""
        return output_names(self.name, self.description.outputs)
