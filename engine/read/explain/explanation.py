"""Explanation of a number, as data for display."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from tapedeck.engine.indicators.reasons import ExplainedInput
from tapedeck.engine.intervals import Interval


class Explained(Enum):
    """Kind of the explained number."""

    BAR = "bar"
    SESSION = "session"
    INDICATOR = "indicator"
    HISTORICAL = "historical indicator"
    QUALITY = "quality"
    QUOTE = "quote"


@dataclass(frozen=True, slots=True)
class Explanation:
    """One number at one frontier.

    `value`: None where it is missing. `source`: the library that computed it, and the bars it is computed
    from. `bar_opened_at`: label of its bar, the last one with a value, UTC. `terms`: single numbers of the
    formula, by name. `bars_used`: number of bars in it; `missing_bars`: number of bars missing in the same
    span, which were skipped. `history_sessions`: number of earlier sessions in it. `warm_up_bars`: number of
    bars before the first value; `is_warm`: True if there were enough. `start`: in words, where a session
    indicator starts. `note`: in words, which bars it comes from, where that is not obvious.
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
    start: str = ""
    note: str = ""
