"""The specification of an indicator: its name, kind, interval and parameters, free of any file format."""

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

    `kind` is a type of the registry; `parameters` left out take the kind's defaults. `against` names the
    historical indicator that it compares with, where its kind does.
    """

    name: str
    kind: str
    interval: Interval
    parameters: Mapping[str, float | int] = field(default_factory=dict)
    against: str | None = None

    @cached_property
    def description(self) -> IndicatorKind:
        """All that the registry knows of the kind."""
        return REGISTRY.kind(self.kind)

    @cached_property
    def lookback(self) -> int | None:
        """Bars before the first value; None for a kind that needs no earlier sessions."""
        return self.description.lookback(self.parameters)

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """The column names: the indicator's own, or `name_output` where it has several outputs."""
        return output_names(self.name, self.description.outputs)
