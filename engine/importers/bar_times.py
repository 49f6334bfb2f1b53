"""Opening times of the bars in a table: from text, epochs, dates or timestamps, with or without a zone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final, Literal
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tapedeck.engine.errors import BarImportError
from tapedeck.engine.importers.validation import Mask
from tapedeck.engine.importers.zones import (
    DAY_SECONDS,
    FIRST_YEAR,
    LAST_YEAR,
    localise,
    wall_of,
    zone_of_column,
)
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_store import Ints

Label = Literal["open", "close"]
EPOCH_UNITS: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_EPOCH_TEXT: Final = r"^-?([0-9]{1,18}|[1-8][0-9]{18})(\.0*)?$"
_EARLIEST: Final = int(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp())
_LATEST: Final = int(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp())
_MISSING: Final = "time is missing"
_UNEVEN: Final = "time is not on a whole second"
_OUTSIDE: Final = f"is outside the years {FIRST_YEAR} to {LAST_YEAR}"


@dataclass(frozen=True, slots=True)
class TimeFormat:
    """Format of the times of a table.

    `pattern` is an epoch unit (s, ms, us, ns) or a strptime pattern; None recognises epochs and ISO 8601.
    `zone` is the time zone of times without an offset; `label` is the end of the bar that its time names.
    """

    pattern: str | None = None
    zone: ZoneInfo | None = None
    label: Label = "open"


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


def opening_times(
    stamps: Stamps, interval: Interval, form: TimeFormat, *, where: str
) -> tuple[Ints, dict[int, str]]:
    """Return the opening times to store, and the reasons of rows without one, by position.

    Daily bars have the date as written, or, where `form` has a zone, the date in that zone. Raises
    BarImportError where a time of day has neither an offset nor a zone.
    """
    if not interval.is_intraday:
        there = wall_of(stamps.instants, form.zone) if form.zone is not None else stamps.written
        return np.where(stamps.known, there, stamps.written), dict(stamps.faults)
    times, faults = stamps.instants.copy(), dict(stamps.faults)
    naive = ~stamps.known
    naive[list(faults)] = False
    places = np.flatnonzero(naive)
    if len(places):
        if form.zone is None:
            raise BarImportError(_zone_missing(int(stamps.written[places[0]]), where))
        times[places], ambiguous = localise(stamps.written[places], form.zone)
        faults |= {int(places[i]): reason for i, reason in ambiguous.items()}
    return times - (interval.seconds if form.label == "close" else 0), faults


def read_stamps(column: pa.Array, form: TimeFormat) -> Stamps:
    """Return the times of a column: timestamps, dates, epochs, or text."""
    kind = column.type
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if pa.types.is_timestamp(kind):
        raw, faults = _whole_numbers(column.cast(pa.int64()))
        zone = zone_of_column(kind.tz) if kind.tz else None
        return _from_units(raw, EPOCH_UNITS[kind.unit], faults, is_instant=zone is not None, zone=zone)
    if pa.types.is_date(kind):
        raw, faults = _whole_numbers(column.cast(pa.date32()).cast(pa.int32()))
        return _from_units(raw * DAY_SECONDS, 1, faults, is_instant=False)
    if is_number and (form.pattern is None or form.pattern in EPOCH_UNITS):
        return _from_numbers(*_whole_numbers(column), form)
    return _from_text(pc.utf8_trim_whitespace(pc.fill_null(column.cast(pa.string()), "")), form)


def _zone_missing(wall: int, where: str) -> str:
    text = str(np.datetime64(wall, "s")).replace("T", " ")
    return (
        f"{where}: the time {text} has no UTC offset. Give the time zone of the times, such as "
        "America/New_York or UTC"
    )


def _whole_numbers(column: pa.Array) -> tuple[Ints, dict[int, str]]:
    missing = np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))
    faults = {int(i): _MISSING for i in missing}
    if pa.types.is_integer(column.type):
        return column.cast(pa.int64(), safe=False).fill_null(0).to_numpy(zero_copy_only=False), faults
    numbers = column.cast(pa.float64()).fill_null(0).to_numpy(zero_copy_only=False)
    # Whole and below 2^63; NaN and infinity are not.
    fit = (np.abs(numbers) < 2.0**63) & (np.floor(numbers) == numbers)
    faults |= {int(i): _UNEVEN for i in np.flatnonzero(~fit)}
    return np.where(fit, numbers, 0).astype(np.int64), faults


def _from_units(
    raw: Ints, per_second: int, faults: dict[int, str], *, is_instant: bool, zone: tzinfo | None = None
) -> Stamps:
    seconds, parts = np.divmod(raw, per_second)
    outside = (seconds < _EARLIEST) | (seconds >= _LATEST)
    found = {int(i): _UNEVEN for i in np.flatnonzero(parts)}
    found |= {int(i): f"time {_OUTSIDE}" for i in np.flatnonzero(outside)}
    seconds = np.where(outside, 0, seconds)
    written = wall_of(seconds, zone) if zone is not None else seconds
    return Stamps(written, seconds, np.full(len(seconds), is_instant), found | faults)


def _from_numbers(raw: Ints, faults: dict[int, str], form: TimeFormat) -> Stamps:
    sound = np.delete(raw, list(faults))
    if form.pattern is None and len(sound) and _are_compact_dates(sound):
        return _each(pa.array(raw).cast(pa.string()), _read_iso, faults)
    unit = form.pattern or _unit_of(sound)
    return _from_units(raw, EPOCH_UNITS[unit], faults, is_instant=True)


def _are_compact_dates(numbers: Ints) -> bool:
    # 20131007 is a date: as seconds it would be in August 1970.
    return bool(((numbers >= FIRST_YEAR * 10000) & (numbers < (LAST_YEAR + 1) * 10000)).all())


def _unit_of(numbers: Ints) -> str:
    # By the median, so that a few odd values do not decide; a unit reaches to the year 5138.
    size = float(np.median(np.abs(numbers))) if len(numbers) else 0.0
    return next((unit for unit, per_second in EPOCH_UNITS.items() if size < 1e11 * per_second), "ns")


def _from_text(texts: pa.Array, form: TimeFormat) -> Stamps:
    pattern = form.pattern
    if pattern is not None and pattern not in EPOCH_UNITS:
        return _by_pattern(texts, pattern)
    if len(texts) and pc.all(pc.match_substring_regex(texts, _EPOCH_TEXT)).as_py():
        whole = pc.replace_substring_regex(texts, r"\.0*$", "").cast(pa.int64())
        return _from_numbers(*_whole_numbers(whole), form)
    if pattern is not None:
        return _from_odd_epochs(texts, form)
    return _from_iso(texts)


def _from_iso(texts: pa.Array) -> Stamps:
    # Arrow reads columns in which all times have an offset, or none; in others each text is read.
    plain = pc.replace_substring_regex(texts, r"(:\d\d)\.0+", r"\1")
    with suppress(pa.ArrowInvalid):
        return _from_units(_clock_seconds(plain), 1, {}, is_instant=False)
    with suppress(pa.ArrowInvalid):
        instants = plain.cast(pa.timestamp("s", "UTC")).cast(pa.int64()).to_numpy()
        written = _clock_seconds(pc.replace_substring_regex(plain, r"(Z|[+-]\d\d:?(\d\d)?)$", ""))
        stamps = _from_units(instants, 1, {}, is_instant=True)
        return Stamps(written, stamps.instants, stamps.known, stamps.faults)
    return _each(texts, _read_iso)


def _clock_seconds(texts: pa.Array) -> Ints:
    seconds: Ints = texts.cast(pa.timestamp("s")).cast(pa.int64()).to_numpy()
    return seconds


def _by_pattern(texts: pa.Array, pattern: str) -> Stamps:
    import pandas as pd  # noqa: PLC0415 - slow to load, and few imports need a pattern

    if "%z" not in pattern.lower():
        moments = pd.to_datetime(texts.to_pandas(), format=pattern, errors="coerce")
        if not moments.isna().any():
            micros = moments.to_numpy().astype("datetime64[us]").astype(np.int64)
            return _from_units(micros, EPOCH_UNITS["us"], {}, is_instant=False)
    return _each(texts, lambda text: _read_pattern(text, pattern))


def _from_odd_epochs(texts: pa.Array, form: TimeFormat) -> Stamps:
    fit = pc.match_substring_regex(texts, _EPOCH_TEXT)
    whole = pc.replace_substring_regex(pc.if_else(fit, texts, "0"), r"\.0*$", "").cast(pa.int64())
    unfit = np.flatnonzero(~fit.to_numpy(zero_copy_only=False))
    faults = {int(i): f"invalid time {texts[int(i)].as_py()!r}: expected a whole number" for i in unfit}
    return _from_numbers(whole.to_numpy(), faults, form)


def _each(
    texts: pa.Array, read: Callable[[str], datetime | str], faults: Mapping[int, str] | None = None
) -> Stamps:
    # Reads each distinct text once.
    encoded = texts.dictionary_encode()
    places = encoded.indices.to_numpy()
    results = [read(text) for text in encoded.dictionary.to_pylist()]
    moments = [result if isinstance(result, datetime) else None for result in results]
    written = np.array([_seconds(moment and moment.replace(tzinfo=UTC)) for moment in moments], np.int64)
    known = np.array([moment is not None and moment.tzinfo is not None for moment in moments], bool)
    instants = np.array(
        [_seconds(moment if moment and moment.tzinfo else None) for moment in moments], np.int64
    )
    bad = {i: result for i, result in enumerate(results) if isinstance(result, str)}
    found = {int(i): bad[int(places[i])] for i in np.flatnonzero(np.isin(places, list(bad)))} if bad else {}
    return Stamps(written[places], instants[places], known[places], found | dict(faults or {}))


def _seconds(moment: datetime | None) -> int:
    return 0 if moment is None else int(moment.timestamp())


def _read_iso(text: str) -> datetime | str:
    try:
        return _checked(datetime.fromisoformat(text), text)
    except ValueError:
        return f"invalid time {text!r}: expected ISO 8601 or an epoch" if text else _MISSING


def _read_pattern(text: str, pattern: str) -> datetime | str:
    try:
        return _checked(datetime.strptime(text, pattern), text)  # noqa: DTZ007 - a zone is applied later
    except ValueError:
        return f"invalid time {text!r}: expected the format {pattern!r}" if text else _MISSING


def _checked(moment: datetime, text: str) -> datetime | str:
    if moment.microsecond:
        return _UNEVEN
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        return f"time {text!r} {_OUTSIDE}"
    return moment
