"""When the bars of a table opened: out of text, epochs, dates or timestamps, with or without a zone."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.errors import BarImportError
from engine.intervals import Interval
from engine.store.bar_store import Ints
from engine.store.importers.validation import Mask
from engine.store.importers.zones import DAY_SECONDS, FIRST_YEAR, LAST_YEAR, localise, wall_of

Label = Literal["open", "close"]
EPOCH_UNITS: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_EPOCH_TEXT: Final = r"^-?[0-9]{1,19}(\.0*)?$"
_EARLIEST = int(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp())
_LATEST = int(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp())
_PARTS_OF_SECONDS: Final = "it is no whole second"


@dataclass(frozen=True, slots=True)
class TimeFormat:
    """How the times of a table are to be read.

    `pattern` is None (epochs and ISO 8601 are told apart by themselves), an epoch unit (s, ms, us, ns) or a
    pattern of strptime. `zone` is that of times without an offset; `label` says which end of a bar they name.
    """

    pattern: str | None = None
    zone: ZoneInfo | None = None
    label: Label = "open"


@dataclass(frozen=True, slots=True)
class Stamps:
    """Times as written: seconds on the clock they were written by, and, where `known`, the instants."""

    written: Ints
    instants: Ints
    known: Mask
    faults: dict[int, str]


def opened_at(stamps: Stamps, interval: Interval, form: TimeFormat, *, where: str) -> tuple[Ints, dict[int, str]]:
    """Return the times of bars as a store keeps them, and the reasons of rows whose time names none.

    Daily bars take the date as written, or, where `form` has a zone, the date there. Raises BarImportError
    where a time of day lacks both offset and zone.
    """
    faults = dict(stamps.faults)
    naive = ~stamps.known
    naive[list(faults)] = False
    if not interval.is_intraday:
        times = stamps.written
        if form.zone is not None:
            times = np.where(stamps.known, wall_of(stamps.instants, form.zone), stamps.written)
    else:
        times = stamps.instants.copy()
        if naive.any():
            places = np.flatnonzero(naive)
            zone = _zone_for(form, stamps.written[places[0]], where)
            times[places], doubts = localise(stamps.written[places], zone)
            faults |= {int(places[i]): doubt for i, doubt in doubts.items()}
        if form.label == "close":
            times = times - interval.seconds
    return times, faults


def read_stamps(column: pa.Array, form: TimeFormat) -> Stamps:
    """Return the times of a column of any type that can hold times."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        zone = ZoneInfo(kind.tz) if kind.tz else None
        return _from_units(column, EPOCH_UNITS[kind.unit], zone, is_instant=kind.tz is not None)
    if pa.types.is_date(kind):
        return _from_units(column.cast(pa.date32()).cast(pa.int32()), 1, None, is_instant=False, step=DAY_SECONDS)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _from_numbers(column, form)
    return _from_text(pc.utf8_trim_whitespace(pc.fill_null(column.cast(pa.string()), "")), form)


def _zone_for(form: TimeFormat, wall: int, where: str) -> ZoneInfo:
    if form.zone is None:
        text = str(np.datetime64(int(wall), "s")).replace("T", " ")
        raise BarImportError(
            f"{where}: the time {text} has no UTC offset, so it names no instant. "
            "Give the zone of the times, such as zone America/New_York or UTC"
        )
    return form.zone


def _from_units(
    column: pa.Array, per_second: int, zone: ZoneInfo | None, *, is_instant: bool, step: int = 1
) -> Stamps:
    missing = column.is_null().to_numpy(zero_copy_only=False)
    raw = column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    seconds, parts = np.divmod(raw, per_second)
    seconds = seconds * step
    faults = _range_faults(seconds)
    faults |= {int(i): _PARTS_OF_SECONDS for i in np.flatnonzero(parts)}
    faults |= {int(i): "time is missing" for i in np.flatnonzero(missing)}
    seconds = _blanked(seconds, faults)
    known = np.full(len(seconds), is_instant)
    return Stamps(wall_of(seconds, zone) if zone is not None else seconds, seconds, known, faults)


def _from_numbers(column: pa.Array, form: TimeFormat) -> Stamps:
    if pa.types.is_integer(column.type):
        whole, odd = column.cast(pa.int64()), np.zeros(len(column), bool)
    else:
        numbers = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        odd = ~(np.abs(np.nan_to_num(numbers, nan=0.5)) < 2.0**63) | (np.nan_to_num(numbers, nan=0.5) % 1 != 0)
        whole = pa.array(np.where(odd, 0, numbers).astype(np.int64), mask=np.isnan(numbers))
        odd &= ~np.isnan(numbers)
    stamps = _epochs(whole, form)
    return Stamps(
        stamps.written, stamps.instants, stamps.known, stamps.faults | {int(i): _PARTS_OF_SECONDS for i in np.flatnonzero(odd)}
    )


def _epochs(column: pa.Array, form: TimeFormat) -> Stamps:
    raw = column.drop_null().to_numpy(zero_copy_only=False)
    if form.pattern is None and len(raw) and _are_compact(raw):
        return _each(column.cast(pa.string()).fill_null(""), _read_iso)
    unit = form.pattern if form.pattern in EPOCH_UNITS else _unit_of(raw)
    return _from_units(column, EPOCH_UNITS[unit], None, is_instant=True)


def _are_compact(raw: Ints) -> bool:
    # Dates like 20131007 are far below any epoch of a market: as seconds they all lie in August 1970.
    return bool(((raw >= FIRST_YEAR * 10000) & (raw < (LAST_YEAR + 1) * 10000)).all())


def _unit_of(raw: Ints) -> str:
    # The median, as one odd value must not decide; a unit ends where its years pass 5000.
    size = float(np.median(np.abs(raw))) if len(raw) else 0.0
    return next((unit for unit, per_second in EPOCH_UNITS.items() if size < 1e11 * per_second), "ns")


def _from_text(texts: pa.Array, form: TimeFormat) -> Stamps:
    pattern = form.pattern
    if pattern is not None and pattern not in EPOCH_UNITS:
        return _by_pattern(texts, pattern)
    if len(texts) and pc.all(pc.match_substring_regex(texts, _EPOCH_TEXT)).as_py():
        whole = pc.replace_substring_regex(texts, r"\.0*$", "")
        try:
            return _epochs(whole.cast(pa.int64()), form)
        except pa.ArrowInvalid:
            return _each(texts, _read_iso)
    if pattern is not None:
        return _each(texts, lambda text: _read_epoch(text, EPOCH_UNITS[pattern]))
    for kind, known in ((pa.timestamp("s"), False), (pa.timestamp("s", "UTC"), True)):
        try:
            seconds = texts.cast(kind).cast(pa.int64())
        except pa.ArrowInvalid:
            continue
        if not known:
            return _from_units(seconds, 1, None, is_instant=False)
        break
    return _each(texts, _read_iso)


def _by_pattern(texts: pa.Array, pattern: str) -> Stamps:
    def read(text: str) -> datetime | str:
        try:
            return datetime.strptime(text, pattern)  # noqa: DTZ007 - a pattern may have no offset
        except ValueError:
            return f"time {text!r} is not like {pattern!r}"

    return _each(texts, read)
