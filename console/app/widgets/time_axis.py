"""Labels of a time axis: round times in the exchange's zone, and dates for daily candles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_STEPS_S: Final = (
    5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400,
)  # fmt: skip
_SPACING: Final = 10
_DATE_SPACING: Final = 8
_DAY_S: Final = 86_400
_QUARTER_S: Final = 900


def clock_labels(
    opened_at: Ints,
    columns: Sequence[int],
    zone: tzinfo,
    *,
    stop: int | None = None,
    taken: Sequence[tuple[int, int]] = (),
) -> dict[int, str]:
    """Return index → label of the candles that are first at or after a round time, spaced to be readable.

    `columns`: column of each candle. The first candle of a new day is labelled with its date: `Mon 7 Oct`.
    `stop`: column that labels end before; `taken`: first and last cells of texts that no label touches.
    """
    if len(opened_at) == 0:
        return {}
    local = opened_at + _offsets(opened_at, zone)
    step = _step(opened_at, columns)
    labels: dict[int, str] = {}
    form = "%H:%M:%S" if step < 60 else "%H:%M"
    # The first candle of each step, not only one at a round time: hourly bars open at 09:30, 10:30.
    days, steps = local // _DAY_S, local % _DAY_S // step
    is_new_day = np.diff(days, prepend=days[0]) != 0
    is_new_step = np.diff(steps, prepend=steps[0]) != 0
    is_new_step[0] = local[0] % step == 0
    for index in np.flatnonzero(is_new_day | is_new_step).tolist():
        moment = datetime.fromtimestamp(int(local[index]), UTC)  # already shifted to the exchange's zone
        if is_new_day[index]:
            labels[index] = f"{moment:%a} {moment.day} {moment:%b}"
        else:
            labels[index] = moment.strftime(form)
    return _spread(labels, columns, lambda text: ":" not in text, stop, taken)


def _offsets(seconds: Ints, zone: tzinfo) -> Ints:
    """Return a zone's offsets in seconds; they change at quarters of an hour only."""
    quarters, which = np.unique(seconds // _QUARTER_S, return_inverse=True)
    offsets = [_offset(quarter, zone) for quarter in quarters.tolist()]
    return np.array(offsets, dtype=np.int64)[which]


@lru_cache(maxsize=4096)
def _offset(quarter: int, zone: tzinfo) -> int:
    moment = datetime.fromtimestamp(quarter * _QUARTER_S, zone)
    offset = moment.utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def date_labels(
    opened_at: Ints,
    columns: Sequence[int],
    *,
    stop: int | None = None,
    taken: Sequence[tuple[int, int]] = (),
) -> dict[int, str]:
    """Return index → date of candles of a day or longer, whose labels are midnight UTC of the trading day.

    `stop`, `taken`: as in `clock_labels`.
    """
    if len(opened_at) == 0:
        return {}
    days = opened_at.astype("datetime64[s]").astype("datetime64[D]").tolist()
    labels: dict[int, str] = {}
    for index, day in enumerate(days):
        new_year = index and day.year != days[index - 1].year
        labels[index] = str(day.year) if new_year else f"{day.day} {day:%b}"
    return _spread(labels, columns, lambda text: " " not in text, stop, taken)


def label_start(column: int, length: int, stop: int | None) -> int:
    """Return the first column of a label: centred on its candle's column, but from 0 to before `stop`."""
    start = max(column - length // 2, 0)
    return start if stop is None else min(start, max(stop - length, 0))


def _step(opened_at: Ints, columns: Sequence[int]) -> int:
    """Return the seconds between labels for which they are at least `_SPACING` columns apart."""
    gaps = np.diff(opened_at)
    interval = int(np.min(gaps[gaps > 0], initial=86400))
    stride = (columns[-1] - columns[0]) / (len(columns) - 1) if len(columns) > 1 else 1.0
    wanted = interval * _SPACING / stride if stride > 0 else _STEPS_S[-1]
    return next((step for step in _STEPS_S if step >= wanted and step % interval == 0), _STEPS_S[-1])


def _spread(
    labels: dict[int, str],
    columns: Sequence[int],
    first: Callable[[str], bool],
    stop: int | None,
    others: Sequence[tuple[int, int]],
) -> dict[int, str]:
    """Drop labels that would touch, or that do not fit; those for which `first` is true have precedence."""
    kept: dict[int, str] = {}
    taken = list(others)
    for index in sorted(labels, key=lambda each: (not first(labels[each]), each)):
        text = labels[index]
        start = label_start(columns[index], len(text), stop)
        end = start + max(len(text), _DATE_SPACING - 2)
        fits = stop is None or len(text) <= stop
        if fits and all(end + 1 < a or start > b + 1 for a, b in taken):
            kept[index] = text
            taken.append((start, end))
    return dict(sorted(kept.items()))
