"""Figures of the universe: the average volume to now, and those of the pre-market."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from tapedeck.engine.tape.bar_grid import Floats, Ints
from tapedeck.engine.tape.session_totals import change_pct
from tapedeck.engine.universe.universe_session import UniverseSession

FigureValues = Callable[[UniverseSession, Ints], Floats]
"""Returns a figure at frontiers of the 1m tape, int64 (n,): float64, shape (S, n)."""


@dataclass(frozen=True, slots=True)
class UniverseFigure:
    """A figure by its word in rules. `formula`: for computing by hand."""

    name: str
    formula: str
    of: FigureValues


def _average_volume(session: UniverseSession, frontiers: Ints) -> Floats:
    return np.stack([session.average_volume(frontier) for frontier in frontiers.tolist()], axis=1)


def _known_before_open(values: Callable[[UniverseSession], Floats]) -> FigureValues:
    def of(session: UniverseSession, frontiers: Ints) -> Floats:
        return np.repeat(values(session)[:, None], len(frontiers), axis=1)

    return of


_FIGURES: Final = (
    UniverseFigure(
        "avg_volume_to_now",
        "mean of the volumes that the trading days before had as many minutes after their open",
        _average_volume,
    ),
    UniverseFigure(
        "pre_high", "highest high of the pre-market", _known_before_open(lambda known: known.pre_market.high)
    ),
    UniverseFigure(
        "pre_low", "lowest low of the pre-market", _known_before_open(lambda known: known.pre_market.low)
    ),
    UniverseFigure(
        "pre_volume",
        "sum of the volumes of the pre-market",
        _known_before_open(lambda known: known.pre_market.volume),
    ),
    UniverseFigure(
        "pre_gap_pct",
        "100 × (last close of the pre-market ÷ prior close − 1)",
        _known_before_open(lambda known: change_pct(known.tape.prior_close.values, known.pre_market.last)),
    ),
)
UNIVERSE_FIGURES: Final = {figure.name: figure for figure in _FIGURES}
"""All figures of the universe, by name, in the order of lists."""
PRE_MARKET_FIGURES: Final = tuple(name for name in UNIVERSE_FIGURES if name.startswith("pre_"))
"""Names of those of the pre-market."""
