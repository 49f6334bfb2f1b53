"""What the candle chart is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class ChartData:
    """Candles of one symbol and interval, oldest first, shape (n,); a missing bar is NaN and keeps its place.

    `opened_at`: int64, seconds UTC. `today`: index of the first candle of the session that is looked at
    (n where it has none yet); those before are history. `overlays`: name → values on the price scale,
    shape (n,), NaN until warm. `zone`: the exchange's, for the time axis. `as_of`: the clock as text, with
    its zone. `is_daily`: the candles are days or longer, so that the axis shows dates.
    """

    title: str
    as_of: str
    zone: ZoneInfo
    opened_at: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    today: int = 0
    overlays: Mapping[str, Floats] = field(default_factory=dict)
    is_daily: bool = False

    def __len__(self) -> int:
        return len(self.opened_at)
