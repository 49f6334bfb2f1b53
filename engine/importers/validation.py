"""Which bars can be true: the rules every imported bar must keep, whatever file it comes from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_diff import take
from tapedeck.engine.store.bar_store import BarColumns

Mask = NDArray[np.bool_]


def validate_bars(bars: BarColumns, interval: Interval) -> tuple[Mask, dict[int, str]]:
    """Return which bars can be stored, shape (n,), and for the position of each other one the reason.

    Bars may come in any order. A bar is bad when a value is NaN, infinite or negative, high is below low,
    open or close lie outside them, or its time is off the interval's raster (counted from midnight UTC).
    Of several good bars for one time the first counts; later ones are good if they say the same, else bad.
    """
    good = _is_sound(bars, interval)
    reasons = {int(i): _fault(bars, int(i), interval) for i in np.flatnonzero(~good)}
    for i in _contradictions(bars, good):
        good[i] = False
        reasons[i] = (
            f"time {utc_text(bars.opened_at[i])} stands twice with different values; the first one counts"
        )
    return good, reasons


def sort_out_repeats(bars: BarColumns) -> BarColumns:
    """Return the bars oldest first, each time once: of bars with one time the first in the order given."""
    times = bars.opened_at
    if bool((times[1:] > times[:-1]).all()):
        return bars
    return take(bars, np.unique(times, return_index=True)[1])


def differs(one: BarColumns, other: BarColumns) -> Mask:
    """Return where two runs of bars of equal length differ in a price or the volume."""
    different: Mask = (
        (one.open != other.open)
        | (one.high != other.high)
        | (one.low != other.low)
        | (one.close != other.close)
        | (one.volume != other.volume)
    )
    return different


def utc_text(seconds: int | np.int64) -> str:
    """Return an instant as text, such as `2013-10-07 13:30:00 UTC`."""
    return f"{np.datetime64(int(seconds), 's')!s}".replace("T", " ") + " UTC"


def _is_sound(bars: BarColumns, interval: Interval) -> Mask:
    # Written so that NaN fails: no comparison with NaN holds. Low is below all other prices here, so its
    # sign speaks for theirs, as high does for the infinite.
    sound: Mask = (
        (bars.low <= bars.open)
        & (bars.open <= bars.high)
        & (bars.low <= bars.close)
        & (bars.close <= bars.high)
        & (bars.low >= 0)
        & (bars.high < np.inf)
        & (bars.volume >= 0)
        & (bars.volume < np.inf)
        & (bars.opened_at % interval.seconds == 0)
    )
    return sound


def _fault(bars: BarColumns, i: int, interval: Interval) -> str:
    values = {
        "open": float(bars.open[i]),
        "high": float(bars.high[i]),
        "low": float(bars.low[i]),
        "close": float(bars.close[i]),
        "volume": float(bars.volume[i]),
    }
    for name, value in values.items():
        if not np.isfinite(value):
            return f"{name} is {value}, no finite number"
        if value < 0:
            return f"{name} {value:.15g} is negative"
    high, low = values["high"], values["low"]
    if high < low:
        return f"high {high:.15g} is below low {low:.15g}"
    for name in ("open", "close"):
        if not low <= values[name] <= high:
            return f"{name} {values[name]:.15g} lies outside low {low:.15g} to high {high:.15g}"
    raster = "midnight" if not interval.is_intraday else f"whole {interval} steps"
    return f"time {utc_text(bars.opened_at[i])} is off the raster: {interval} bars open at {raster}"


def _contradictions(bars: BarColumns, good: Mask) -> list[int]:
    # Positions of good bars whose time an earlier good bar has with other values.
    times = bars.opened_at
    if bool((times[1:] > times[:-1]).all()):
        return []
    positions = np.flatnonzero(good)
    _, first, group = np.unique(times[positions], return_index=True, return_inverse=True)
    leaders = positions[first][group]
    other = differs(take(bars, positions), take(bars, leaders))
    return [int(i) for i in positions[other]]
