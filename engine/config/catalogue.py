"""Catalogue of indicators: interface between the check of session files and the registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from pydantic import ValidationInfo

from tapedeck.engine.intervals import Interval


@dataclass(frozen=True, slots=True)
class HistoricalNeed:
    """Required properties of the historical indicator that the file names in `against`."""

    type: str
    granularity: str
    field: str

    def __str__(self) -> str:
        return f"{{type: {self.type}, granularity: {self.granularity}, field: {self.field}}}"


class IndicatorType(Protocol):
    """A type of indicator: outputs, parameters and intervals."""

    @property
    def type(self) -> str:
        """Its name, in capitals."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs, in order."""

    @property
    def against(self) -> HistoricalNeed | None:
        """The historical indicator that it needs, or None."""

    def check_interval(self, interval: Interval) -> None:
        """Raise a fault if it cannot be computed on bars of an interval."""

    def resolve_parameters(
        self, given: Mapping[str, object], interval: Interval | None
    ) -> Mapping[str, int | float]:
        """Return all parameters, with defaults for those not given.

        `interval`: None if that of the file is invalid. Raises a fault, or a ValidationError with several.
        """


class IndicatorCatalogue(Protocol):
    """The types of indicators that session files may use."""

    def types(self) -> tuple[str, ...]:
        """Return their names, sorted."""

    def read_type(self, text: str) -> IndicatorType:
        """Return the type of a name in any case; raises a fault for an unknown one, with the nearest."""


def catalogue_of(info: ValidationInfo) -> IndicatorCatalogue:
    """Return the catalogue that a validation was started with."""
    if info.context is None:
        raise TypeError("indicators are validated with a catalogue: use tapedeck.load_session_config")
    catalogue: IndicatorCatalogue = info.context
    return catalogue


def output_names(name: str, outputs: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of an indicator's columns: its own, or `name_output` for each of several outputs."""
    return (name,) if len(outputs) == 1 else tuple(f"{name}_{output}" for output in outputs)
