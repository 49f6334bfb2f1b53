"""One session of the universe: everything that scanners can read of it, in arrays over its symbols."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tapedeck.engine.tape.bar_grid import Floats
from tapedeck.engine.tape.history import DailyHistory
from tapedeck.engine.tape.pre_market import PreMarket
from tapedeck.engine.tape.tape import Tape

VolumeAt = Callable[[int], Floats]
"""Returns a volume of every symbol at a frontier of the 1m tape, float64 (S,)."""


@dataclass(frozen=True, slots=True, eq=False)
class UniverseSession:
    """A session's 1m bars of the universe's symbols, with what was known of them before the open.

    `tape`: 1m bars, one row per symbol, with prior closes, historical indicators, and the session indicators
    that are declared for the universe, computed for all of its bars. Its frontier does not move: readers take
    a `UniverseView`, which is cut at the clock. `average_volume`: of the days before, up to as many minutes
    after their open. `daily`: daily bars of earlier days, None if none are read. `day_volume`: sums of the
    session's volumes at a frontier, (S,); None where they are to be summed when they are read.
    """

    tape: Tape
    pre_market: PreMarket
    average_volume: VolumeAt
    daily: DailyHistory | None = None
    day_volume: Callable[[int], Floats | None] = lambda frontier: None

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols, in the order of the rows."""
        return self.tape.symbols
