"""Column of the bars' interval, as tables of several intervals have it: rows of another one are faults."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tapedeck.engine.importers.column_names import plain_name
from tapedeck.engine.intervals import Interval

_NAMES: Final = ("interval", "timeframe", "barsize", "granularity", "resolution", "frequency", "freq")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_NUMBERED: Final = re.compile(
    r"(\d{1,4})[ _-]?"
    r"(s|m|h|d|w|secs?|seconds?|mins?|minutes?|hrs?|hours?|days?|weeks?)"
    r"|([smhdw])(\d{1,3})"
)
_WORDS: Final = {"second": 1, "minute": 60, "hourly": 3600, "hour": 3600, "daily": 86400, "day": 86400}


def interval_column(names: Sequence[str]) -> str | None:
    """Return the column of intervals among the names of columns, or None."""
    return next((name for name in names if plain_name(name) in _NAMES), None)


def other_intervals(texts: pa.Array, interval: Interval) -> dict[int, str]:
    """Return the rows whose text is the length of another interval, by position, with the reason.

    `texts`: strings. Other words, bare numbers, and `1M`, which may be a month, tell nothing.
    """
    column = texts.dictionary_encode()
    lengths = [(word, _seconds_of(word or "")) for word in column.dictionary.to_pylist()]
    others = {
        place: f"bar of {word}, not of {interval}"
        for place, (word, seconds) in enumerate(lengths)
        if seconds is not None and seconds != interval.seconds
    }
    if not others:
        return {}
    places = pc.fill_null(column.indices, -1).to_numpy()
    return {int(row): others[int(places[row])] for row in np.flatnonzero(np.isin(places, list(others)))}


def _seconds_of(text: str) -> int | None:
    word = text.strip()
    if re.fullmatch(r"\d+ ?M", word):
        return None
    word = word.casefold()
    match = _NUMBERED.fullmatch(word)
    if match is None:
        return _WORDS.get(word)
    count, unit = (match[1], match[2]) if match[1] else (match[4], match[3])
    return int(count) * _SECONDS[unit[0]]
