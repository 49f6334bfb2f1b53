"""What the gap map and the coverage map are given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


class MapData(Protocol):
    """What every map is given: its rows, and how many slots or days its cells share."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """The rows."""
        ...

    @property
    def columns(self) -> int:
        """Slots or days."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class GapMapData:
    """Which bars there are: `present`, shape (S, k), of the k slots that are over, of `slots` in all.

    `opened_at`: labels of the session's slots as far as they are known, seconds UTC, shape (k,) or longer;
    shown in `zone`.
    """

    symbols: tuple[str, ...]
    present: Mask
    slots: int
    opened_at: Ints
    zone: ZoneInfo

    @property
    def columns(self) -> int:
        """The slots of the session."""
        return self.slots


@dataclass(frozen=True, slots=True, eq=False)
class CoverageData:
    """What is stored: `pct`, percentage of the slots of a day that have a bar, shape (S, days)."""

    symbols: tuple[str, ...]
    days: tuple[date, ...]
    pct: Floats

    @property
    def columns(self) -> int:
        """How many days there are."""
        return len(self.days)
