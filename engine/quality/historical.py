"""Quality of the history that a session starts with."""

from __future__ import annotations

from dataclasses import dataclass

from tapedeck.engine.quality.scores import FULL_SCORE, score


@dataclass(frozen=True, slots=True)
class HistoricalQuality:
    """How complete a symbol's history of one interval is: bars there of bars that the calendar expects.

    `expected` is None where quality is not measured; the score then is 100 by convention.
    """

    actual: int
    expected: int | None

    @property
    def percent(self) -> float:
        """The score, in percent."""
        return FULL_SCORE if self.expected is None else score(self.actual, self.expected)

    @property
    def measured(self) -> bool:
        """Whether bars were counted."""
        return self.expected is not None
