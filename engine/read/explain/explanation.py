"""Where a number comes from, as it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from tapedeck.engine.indicators.reasons import ExplainedInput
from tapedeck.engine.intervals import Interval


class Explained(Enum):
    """What kind of number is explained."""

    BAR = "bar"
    SESSION = "session"
    INDICATOR = "indicator"
    HISTORICAL = "historical indicator"
    QUALITY = "quality"


@dataclass(frozen=True, slots=True)
class Explanation:
    """One number at one frontier.

    `value` is None where it is missing. `bar_opened_at`: the bar it stands on, which is the last that has
    one. `terms`: single numbers of the formula. `bars_used` went in, `missing_bars` of the same span were not
    there and were skipped. `history_sessions`: earlier sessions that were looked at. `warm_up_bars`: how many
    bars come before the first value; `is_warm`: whether there were enough. `source`: who computed it.
    """

    symbol: str
    name: str
    kind: Explained
    frontier: int
    clock: datetime
    value: float | None
    formula: str
    source: str
    interval: Interval
    bar_opened_at: datetime | None = None
    parameters: Mapping[str, float | int | str] = field(default_factory=dict)
    terms: Mapping[str, float] = field(default_factory=dict)
    inputs: tuple[ExplainedInput, ...] = ()
    bars_used: int = 0
    missing_bars: int = 0
    history_sessions: int = 0
    warm_up_bars: int = 0
    is_warm: bool = True
