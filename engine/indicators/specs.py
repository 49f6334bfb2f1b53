"""What an indicator is asked to be: its name, kind, interval and parameters, free of any file format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.intervals import Interval

OWN_TYPES = ("VWAP", "SESSION_HIGH", "SESSION_LOW", "RELATIVE_VOLUME")


@dataclass(frozen=True, slots=True)
class IndicatorSpec:
    """A session indicator on the bars of one interval.

    `kind` is one of `OWN_TYPES` or a TA-Lib function's name; `parameters` stand under TA-Lib's names, all of
    them, defaults included. `against` names the trailing minute average that RELATIVE_VOLUME divides by.
    """

    name: str
    kind: str
    interval: Interval
    parameters: Mapping[str, float | int] = field(default_factory=dict)
    against: str | None = None
