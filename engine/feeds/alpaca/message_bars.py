"""Bars and times of messages: from the maps of the stream and of REST, whatever their values are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from tapedeck.engine.feeds.feed_bar import BarKind, FeedBar

_LONGEST_TIME: Final = 2**40  # seconds; the journal keeps 64 bits, and slots are counted from them


def bar_of_message(symbol: str, opened_at: int, message: Mapping[Any, Any], kind: BarKind) -> FeedBar | None:
    """Return the bar of a message; None for one of volume 0, which is no trade.

    A value that is missing, or no number, is NaN: the recording keeps such a bar in its journal, as invalid.
    """
    volume = number_of(message.get("v"))
    if volume == 0:
        return None
    first, high, low, last = (number_of(message.get(name)) for name in "ohlc")
    return FeedBar(symbol, opened_at, first, high, low, last, volume, kind)


def number_of(value: object) -> float:
    """Return a value of a message as a float, NaN if it is not a number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan


def seconds_of(value: object) -> float | None:
    """Return a Timestamp of msgpack as seconds UTC; None if it is none."""
    seconds, nanoseconds = getattr(value, "seconds", None), getattr(value, "nanoseconds", None)
    if not isinstance(seconds, int) or not isinstance(nanoseconds, int):
        return None
    return None if abs(seconds) > _LONGEST_TIME else seconds + nanoseconds / 1e9
