"""What the symbol table is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tapedeck.console.app.widgets.figures import LEAST_DECIMALS

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SymbolRows:
    """Symbols and their figures at one moment; arrays of shape (S,), NaN where a figure is missing.

    `change_pct` and `quality` are percentages, `relative_volume` a ratio, `gaps` a count. `indicators`: name
    → values, in the order in which the columns stand. `trend`: what the sparkline draws, oldest first, shape
    (S, any). `decimals`: places behind the point of prices; `indicator_decimals`: those of indicators that
    are none, by name.
    """

    symbols: tuple[str, ...]
    last: Floats
    change_pct: Floats
    volume: Floats
    relative_volume: Floats
    quality: Floats
    gaps: Floats
    trend: Floats
    indicators: Mapping[str, Floats] = field(default_factory=dict)
    decimals: int = LEAST_DECIMALS
    indicator_decimals: Mapping[str, int] = field(default_factory=dict)
