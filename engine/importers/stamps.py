"""Times of a column as seconds, and the arithmetic from units and calendar fields to seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tapedeck.engine.importers.zones import DAY_SECONDS, FIRST_YEAR, LAST_YEAR, wall_of
from tapedeck.engine.store.bar_store import Ints

Mask = NDArray[np.bool_]
EARLIEST: Final = int(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp())
LATEST: Final = int(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp())
MISSING: Final = "time is missing"
UNEVEN: Final = "time is not on a whole second"
OUTSIDE: Final = f"is outside the years {FIRST_YEAR} to {LAST_YEAR}"


@dataclass(frozen=True, slots=True)
class Stamps:
    """Times of a column, shape (n,), as seconds since 1970: `written` in local time, `instants` in UTC.

    `known` marks the rows whose `instants` are valid; the others need a time zone. `faults` maps the position
    of rows without a readable time to the reason.
    """

    written: Ints
    instants: Ints
    known: Mask
    faults: Mapping[int, str]


def from_units(
    raw: Ints, per_second: int, faults: Mapping[int, str], *, is_instant: bool, zone: tzinfo | None = None
) -> Stamps:
    """Return counts since 1970 as times; `zone`: that of local time, default UTC."""
    seconds, found = raw, dict[int, str]()
    if per_second > 1:
        seconds, parts = np.divmod(raw, per_second)
        found = {int(i): UNEVEN for i in np.flatnonzero(parts)}
    outside = (seconds < EARLIEST) | (seconds >= LATEST)
    if outside.any():
        found |= {int(i): f"time {OUTSIDE}" for i in np.flatnonzero(outside)}
        seconds = np.where(outside, 0, seconds)
    written = wall_of(seconds, zone) if zone is not None else seconds
    return Stamps(written, seconds, np.full(len(seconds), is_instant), found | dict(faults))


def whole_numbers(column: pa.Array) -> tuple[Ints, dict[int, str]]:
    """Return a numeric column as int64, shape (n,), and the reasons of rows that are missing or not whole."""
    missing = np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False)) if column.null_count else ()
    faults = {int(i): MISSING for i in missing}
    if pa.types.is_uint64(column.type):
        large = pc.fill_null(pc.greater(column, 2**63 - 1), False).to_numpy(zero_copy_only=False)
        faults |= {int(i): f"time {OUTSIDE}" for i in np.flatnonzero(large)}
        column = pc.if_else(pa.array(large), pa.scalar(0, pa.uint64()), column)
    if pa.types.is_integer(column.type):
        return column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False), faults
    numbers = column.cast(pa.float64()).fill_null(0).to_numpy(zero_copy_only=False)
    # Whole and below 2^63; NaN and infinity are not.
    fit = (np.abs(numbers) < 2.0**63) & (np.floor(numbers) == numbers)
    unknown = {int(i): MISSING for i in np.flatnonzero(np.isnan(numbers))}
    faults |= {int(i): UNEVEN for i in np.flatnonzero(~fit)} | unknown
    return np.where(fit, numbers, 0).astype(np.int64), faults


def day_seconds(year: Ints, month: Ints, day: Ints) -> tuple[Ints, Mask]:
    """Return midnight of dates as seconds since 1970, and which dates exist; the others are 0."""
    sound = (year >= FIRST_YEAR) & (year <= LAST_YEAR) & (month >= 1) & (month <= 12) & (day >= 1)
    months = np.where(sound, (year - 1970) * 12 + month - 1, 0)
    first, following = _days_to_month(months), _days_to_month(months + 1)
    sound &= day <= following - first
    return np.where(sound, first + day - 1, 0) * DAY_SECONDS, sound


def moment_text(seconds: int) -> str:
    """Return seconds since 1970 as text, such as `2013-10-07 09:30:00`."""
    return str(np.datetime64(int(seconds), "s")).replace("T", " ")


def no_times(stamps: Stamps) -> str:
    """Return the reason of a file in which no row has a readable time."""
    first = stamps.faults[min(stamps.faults)]
    return (
        f"no row has a readable time; the first: {first}. Check the column of the time, and give a time "
        "format, such as '%m/%d/%Y %H:%M', or s, ms, us or ns for epochs"
    )


def _days_to_month(months: Ints) -> Ints:
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
