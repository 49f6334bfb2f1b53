"""Session extremes: high and low of the session so far."""

from __future__ import annotations

from typing import Final

import numpy as np

from tapedeck.engine.indicators.kernel import RunningValues
from tapedeck.engine.indicators.since_open import SinceOpenKind
from tapedeck.engine.tape.bar_grid import HIGH, LOW, BarGrid, Floats


class SessionExtreme(SinceOpenKind):
    """Highest high or lowest low since the regular open."""

    over_price = True

    def __init__(self, type_: str, *, highest: bool) -> None:
        self.type = type_
        self.inputs = ("high",) if highest else ("low",)
        self.formula = (
            f"{'highest high' if highest else 'lowest low'} of the base bars since the regular open"
        )
        self._highest = highest

    def running(self, symbols: int, slots: int) -> RunningExtreme:
        """Return the running extreme."""
        return RunningExtreme(symbols, slots, highest=self._highest)


class RunningExtreme(RunningValues):
    """High (or low) of the session's base bars so far."""

    carries = (*RunningValues.carries, "_carry")
    __slots__ = ("_carry", "_field", "_pick")

    def __init__(self, symbols: int, slots: int, *, highest: bool) -> None:
        self.values = np.full((symbols, slots), np.nan)
        self._carry: Floats = np.full(symbols, np.nan)
        self._field = HIGH if highest else LOW
        self._pick = np.fmax if highest else np.fmin

    def advance(self, base: BarGrid, start: int, stop: int) -> None:
        """Compute slots [start, stop); `start`: the end of the slots computed before."""
        out = self.values[:, start:stop]
        out[...] = base.values[self._field, :, start:stop]
        out[:, 0] = self._pick(out[:, 0], self._carry)
        self._pick.accumulate(out, axis=1, out=out)
        self._carry = out[:, -1].copy()


KINDS: Final = (
    SessionExtreme("SESSION_HIGH", highest=True),
    SessionExtreme("SESSION_LOW", highest=False),
)
