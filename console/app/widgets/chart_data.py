"""Data of a chart: candles, the lines over them, the panes below, marks, and the part that is on view."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class LineForm(Enum):
    """How a line is drawn."""

    LINE = "line"
    """A connected line."""
    HISTOGRAM = "histogram"
    """Bars from zero, such as those of MACD."""
    DOTS = "dots"
    """A dot for each candle, such as those of SAR."""


@dataclass(frozen=True, slots=True, eq=False)
class ChartLine:
    """A line over the price or in a pane: `values` (n,), one for each candle, NaN where missing.

    `name`: as the legend shows it. `before`: its last value of the session before, NaN if it is not known.
    `indicator`: the indicator that it is an output of, such as `bbands` of `bbands_lowerband`; lines of one
    indicator over the price have one colour. "": a line by itself.
    """

    name: str
    values: Floats
    form: LineForm = LineForm.LINE
    before: float = float("nan")
    indicator: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ChartPane:
    """A pane below the price with a scale of its own, of one indicator.

    `id`: the indicator's name in the session file. `levels`: values of dotted lines, such as 30 and 70.
    `bounds`: lowest and highest value of its scale; None: those of its lines on view.
    """

    id: str
    lines: tuple[ChartLine, ...]
    levels: tuple[float, ...] = ()
    bounds: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class ChartWindow:
    """Part of the candles on view.

    `candles`: how many, None for as many as fit at the usual width. `behind`: candles that are newer than the
    last one on view, 0 at now. `cursor`: candles from the last one on view to the one under the crosshair;
    None without a crosshair.
    """

    candles: int | None = None
    behind: int = 0
    cursor: int | None = None


class MarkKind(Enum):
    """What a mark on the time axis stands for; its sign is the widget's."""

    GAP = "gap"
    EARLY_CLOSE = "early close"
    SESSION = "session"
    """The first candle of a session."""
    BREAK = "break"
    """A breakpoint that became true."""
    BOOKMARK = "bookmark"


@dataclass(frozen=True, slots=True)
class ChartMark:
    """A mark at a candle: its index, 0 to n − 1."""

    candle: int
    kind: MarkKind


@dataclass(frozen=True, slots=True)
class FormingCandle:
    """Candle of a bar that is not over, right of the others. `note`: a few words below it, such as its age.

    `volume`: so far, NaN if it is not known. `opened_at`: its open, seconds UTC, 0 if it is not known.
    """

    open: float
    high: float
    low: float
    close: float
    note: str
    volume: float = float("nan")
    opened_at: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class ChartData:
    """Candles of one symbol and interval, oldest first, shape (n,); missing bars are NaN.

    `opened_at`: int64, seconds UTC. `today`: index of the first candle of the session on view (n if it has
    none yet); earlier candles are history. `overlays`: lines on the price scale; `panes`: those below, in
    order. `levels`: short name → price of a dotted line over the whole chart, such as the high of the
    pre-market. `zone`: the exchange's, for the time axis. `as_of`: the clock as text, with its zone.
    `is_daily`: the candles are days or longer, and the axis shows dates. `corrected`: whether each candle has
    a bar that was corrected or filled late, (n,), None if none has. `forming`: the candle that is not over,
    which is no part of the others. `later`: words on a symbol that joins after this time, whose candles are
    dimmed. `bought`, `sold`: indices of candles in which strategies bought or sold. `window`: the part on
    view. `last`: the last price at the clock, the same on every interval, for the marker on the price axis;
    NaN before the first: then it is the last close.
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
    overlays: tuple[ChartLine, ...] = ()
    panes: tuple[ChartPane, ...] = ()
    levels: Mapping[str, float] = field(default_factory=dict)
    is_daily: bool = False
    corrected: NDArray[np.bool_] | None = None
    forming: FormingCandle | None = None
    later: str = ""
    bought: frozenset[int] = frozenset()
    sold: frozenset[int] = frozenset()
    marks: tuple[ChartMark, ...] = ()
    window: ChartWindow = ChartWindow()
    last: float = float("nan")

    def __len__(self) -> int:
        return len(self.opened_at)
