"""Survey of a column of times: decides whether they are text, epochs or compact dates, and their layout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tapedeck.engine.importers.file_rows import UnclearFileError
from tapedeck.engine.importers.number_times import (
    NumberFormatOfTimes,
    are_numbers,
    numbers_of,
    read_number_times,
    survey_numbers,
)
from tapedeck.engine.importers.patterns import read_by_pattern
from tapedeck.engine.importers.stamps import Stamps, from_units, whole_numbers
from tapedeck.engine.importers.text_survey import TextFormat, TextSurvey
from tapedeck.engine.importers.text_times import read_texts
from tapedeck.engine.importers.time_format import EPOCH_UNITS, TimeFormat
from tapedeck.engine.importers.zone_names import WITHOUT_SUMMER_TIME, AmbiguousZoneError, zone_of_name
from tapedeck.engine.importers.zones import DAY_SECONDS, localise, zone_of_column

_PLAIN_TEXT: Final = TextFormat("ymd", with_seconds=False, is_joined=False, zone_words=frozenset())


@dataclass(frozen=True, slots=True)
class ColumnTimes:
    """Format of the times of one table: `layout` of numbers or texts, None for typed columns and patterns.

    `zone`: that which the column's name tells, for times without an offset.
    """

    file: Path
    form: TimeFormat
    layout: NumberFormatOfTimes | TextFormat | None
    zone: tzinfo | None
    notes: tuple[str, ...]

    @property
    def words(self) -> str:
        """The format in words, with the zone where it is not that of each row."""
        pattern = self.form.strptime_pattern
        words = self.layout.words if self.layout else f"format {pattern}" if pattern else "time"
        zone = self.form.zone or self.zone
        return f"{words}, {zone}" if zone is not None else words

    def read(self, column: pa.Array) -> Stamps:
        """Return the times of a column: timestamps, dates, epochs, or text (date and clock joined)."""
        stamps = self._read(column)
        zone = self.zone
        if zone is None or self.form.zone is not None or bool(stamps.known.all()):
            return stamps
        # Written midnights stay dates without a zone: those of daily bars.
        naive = ~stamps.known & ((stamps.written % DAY_SECONDS != 0) | self.form.interval.is_intraday)
        naive[list(stamps.faults)] = False
        rows = np.flatnonzero(naive)
        instants, known = stamps.instants.copy(), stamps.known.copy()
        instants[rows], ambiguous = localise(stamps.written[rows], zone)
        known[rows] = True
        found = {int(rows[i]): reason for i, reason in ambiguous.items()}
        return Stamps(stamps.written, instants, known, {**stamps.faults, **found})

    def _read(self, column: pa.Array) -> Stamps:
        kind = column.type
        if pa.types.is_timestamp(kind):
            raw, faults = whole_numbers(column.cast(pa.int64()))
            zone = zone_of_column(kind.tz) if kind.tz else None
            return from_units(raw, EPOCH_UNITS[kind.unit], faults, is_instant=zone is not None, zone=zone)
        if pa.types.is_date(kind):
            raw, faults = whole_numbers(column.cast(pa.date32()).cast(pa.int32()))
            return from_units(raw * DAY_SECONDS, 1, faults, is_instant=False)
        if isinstance(self.layout, NumberFormatOfTimes):
            numbers = numbers_of(_without_nulls(column), self.form.interval, self.file)
            return read_number_times(numbers, self.layout, self.form, self.file)
        texts = _without_nulls(column.cast(pa.string()))
        if self.form.strptime_pattern is not None:
            return read_by_pattern(texts, self.form, self.file)
        layout = (
            self.layout
            if isinstance(self.layout, TextFormat)
            else TextFormat("ymd", False, False, frozenset())
        )
        return read_texts(texts, layout, self.form, self.file)


class TimeSurvey:
    """Evidence on the format of a table's times, collected from its parts; `names`: roles to columns."""

    def __init__(self, file: Path, form: TimeFormat, names: Mapping[str, str]) -> None:
        self._file = file
        self._form = form
        self._names = [names[role] for role in ("time", "date") if role in names]
        self._is_typed = form.strptime_pattern is not None
        self._numbers: NumberFormatOfTimes | None = None
        self._texts: TextSurvey | None = None

    def add(self, times: pa.Array) -> None:
        """Take the next rows into account."""
        if self._is_typed or self._numbers is not None:
            return
        self._is_typed = pa.types.is_timestamp(times.type) or pa.types.is_date(times.type)
        times = _without_nulls(times)
        if self._is_typed or not _has_values(times):
            return
        is_open = self._texts is None or not self._texts.has_times
        if is_open and self._holds_numbers(times):
            found = numbers_of(times, self._form.interval, self._file)
            if len(found.sound):
                self._numbers = survey_numbers(found, self._form, self._file)
            return
        if self._texts is None:
            self._texts = TextSurvey(self._file, self._form, is_joined=len(self._names) > 1)
        self._texts.add(times.cast(pa.string()))

    @property
    def is_decided(self) -> bool:
        """Whether further rows cannot change the format, as far as they follow those seen."""
        if self._is_typed or self._numbers is not None:
            return True
        return self._texts is not None and self._texts.is_decided

    def formats(self) -> ColumnTimes:
        """Return the format; UnclearFileError where the rows fit several."""
        layout = self._numbers or (self._texts.format() if self._texts is not None else None)
        notes = [*(layout.notes if layout is not None else ()), *self._zone_notes()]
        return ColumnTimes(self._file, self._form, layout, self._zone(), tuple(notes))

    def _holds_numbers(self, times: pa.Array) -> bool:
        if not pa.types.is_string(times.type):
            return True
        return self._form.unit is not None or are_numbers(times)

    def _zone(self) -> tzinfo | None:
        if self._form.zone is not None:
            return None
        try:
            return next((zone for name in self._names if (zone := zone_of_name(name))), None)
        except AmbiguousZoneError as error:
            columns = " or ".join(map(repr, self._names))
            reason = f"the name of the column {columns}: {error}. Name the zone of the times"
            raise UnclearFileError(self._file, reason, [{"--zone": zone} for zone in error.zones]) from error

    def _zone_notes(self) -> list[str]:
        zone = self._form.zone
        if zone is None or zone.key not in WITHOUT_SUMMER_TIME:
            return []
        return [
            f"zone {zone.key} has no daylight saving, all year: for local times with it, use --zone "
            f"{WITHOUT_SUMMER_TIME[zone.key]}"
        ]


def _has_values(times: pa.Array) -> bool:
    if not pa.types.is_string(times.type):
        return bool(times.null_count < len(times))
    return bool(pc.any(pc.not_equal(pc.utf8_trim_whitespace(times), "")).as_py())


def _without_nulls(column: pa.Array) -> pa.Array:
    return pc.fill_null(column, "") if pa.types.is_string(column.type) and column.null_count else column
