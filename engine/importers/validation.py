"""Validation: the rules for every imported bar, from any kind of file."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tapedeck.engine.intervals import DAY, MINUTE, SECOND, Interval
from tapedeck.engine.store.bar_diff import take
from tapedeck.engine.store.bar_store import BarColumns

Mask = NDArray[np.bool_]
_BOUNDARIES: Final = {SECOND: "1-second", MINUTE: "1-minute", DAY: "1-day (00:00 UTC)"}


def validate_bars(bars: BarColumns, interval: Interval) -> tuple[Mask, dict[int, str]]:
    """Return which bars can be stored, shape (n,), and the reasons of the others by position.

    Bars may be in any order. A bar is bad when a value is NaN, infinite or negative, high is below low, open
    or close are outside them, or its time is not on a boundary of the interval (counted from midnight UTC).
    Of several good bars with one time the first is kept; later ones are good if they are equal, else bad.
    """
    good = _is_sound(bars, interval)
    reasons = {int(i): _fault(bars, int(i), interval) for i in np.flatnonzero(~good)}
    for i in _contradictions(bars, good):
        good[i] = False
        reasons[i] = repeat_fault(bars.opened_at[i])
    return good, reasons


def repeat_fault(time: int | np.int64) -> str:
    """Return the reason of a row with the time of an earlier row and other values."""
    return f"duplicate timestamp {utc_text(time)} with other values; the first row is kept"


def sort_out_repeats(bars: BarColumns) -> BarColumns:
    """Return the bars oldest first, each time once; of bars with one time the first is kept."""
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
    # Every comparison with NaN is false, so NaN fails. Low is checked to be the least price and high the
    # greatest, so the sign of low and the finiteness of high hold for all four.
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
            return f"{name} {value} is not finite"
        if value < 0:
            return f"{name} {value:.15g} is negative"
    high, low = values["high"], values["low"]
    if high < low:
        return f"high {high:.15g} is below low {low:.15g}"
    for name in ("open", "close"):
        if not low <= values[name] <= high:
            return f"{name} {values[name]:.15g} is outside low {low:.15g} to high {high:.15g}"
    return f"time {utc_text(bars.opened_at[i])} is not on a {_BOUNDARIES[interval]} boundary"


def _contradictions(bars: BarColumns, good: Mask) -> list[int]:
    # Positions of good bars with the time of an earlier good bar but other values.
    times = bars.opened_at
    if bool((times[1:] > times[:-1]).all()):
        return []
    positions = np.flatnonzero(good)
    _, first, group = np.unique(times[positions], return_index=True, return_inverse=True)
    leaders = positions[first][group]
    other = differs(take(bars, positions), take(bars, leaders))
    return [int(i) for i in positions[other]]
