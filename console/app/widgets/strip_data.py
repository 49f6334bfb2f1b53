"""What the tape strip is given."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class TickKind(Enum):
    """What a tick on the strip stands for, with its sign; where several share a cell, the last here wins."""

    GAP = "╎"
    SESSION = "│"
    SCAN = "○"
    SIGNAL = "△"
    FILL = "▲"
    EVENT = "•"
    BOOKMARK = "★"
    BREAK = "◆"
    ERROR = "!"


@dataclass(frozen=True, slots=True)
class StripTick:
    """Something that happened at a slot."""

    slot: int
    kind: TickKind


@dataclass(frozen=True, slots=True, eq=False)
class StripData:
    """A session as one line: `slots` long, played up to `frontier`.

    `complete`: for every slot that is over, the fraction (0 to 1) of the symbols that have a bar in it, shape
    (frontier,). `looked_at`: the earlier frontier that the viewer looks at, None at the present. `opens`,
    `closes`: the session's bounds as text, at the ends of the line.
    """

    slots: int
    frontier: int
    complete: Floats
    ticks: tuple[StripTick, ...] = ()
    looked_at: int | None = None
    opens: str = ""
    closes: str = ""
