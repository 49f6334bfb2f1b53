"""Survey of a table's times and numbers: decides the formats of a whole file before its rows are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from tapedeck.engine.importers.number_survey import NumberSurvey
from tapedeck.engine.importers.stamps import Stamps
from tapedeck.engine.importers.table_format import TableFormat
from tapedeck.engine.importers.text_numbers import NumberFormat
from tapedeck.engine.importers.time_survey import ColumnTimes, TimeSurvey
from tapedeck.engine.store.bar_store import Floats


@dataclass(frozen=True, slots=True)
class ValueFormats:
    """Formats of the times and numbers of one table, the same for all its rows.

    `notes`: sentences on what the user should know of them. Reading raises UnclearFileError where later rows
    contradict the formats.
    """

    file: Path
    times: ColumnTimes
    numbers: NumberFormat
    notes: tuple[str, ...]

    def read_times(self, column: pa.Array) -> Stamps:
        """Return the times of a column: timestamps, dates, epochs, or text (date and clock joined)."""
        return self.times.read(column)

    def read_numbers(self, role: str, column: pa.Array) -> tuple[Floats, dict[int, str]]:
        """Return a column as float64, shape (n,), and the reasons of rows without a number, by position.

        A number that is missing (blank, null, N/A, NaN) is NaN, without a reason: a row without any price is
        a gap, others are faults of validation.
        """
        return self.numbers.read(role, column, self.file)

    def describe(self, role: str) -> str:
        """Return the format of a role's column in words, such as `epoch in ms`; "" for plain numbers."""
        if role in ("time", "date"):
            return self.times.words
        if role == "volume":
            return "0 where missing" if self.numbers.without_volume else ""
        marks = "decimal comma" if self.numbers.decimal == "," else ""
        return "whole numbers of 1e-9" if self.numbers.fixed_point else marks


class ValueSurvey:
    """Evidence on the formats of a table, collected from its parts until they are decided.

    `names` maps roles (time, date, open, ..., volume) to the names of their columns, which may tell a zone
    or a unit (`Gmt time`, `Volume USD`).
    """

    def __init__(self, file: Path, form: TableFormat, names: Mapping[str, str]) -> None:
        self._file = file
        self._times = TimeSurvey(file, form.times, names)
        self._numbers = NumberSurvey(file, form.decimal, names)

    def add(self, times: pa.Array, numbers: Mapping[str, pa.Array]) -> None:
        """Take the next rows into account; `numbers` maps the roles open to volume to their columns."""
        self._times.add(times)
        self._numbers.add(numbers)

    @property
    def is_decided(self) -> bool:
        """Whether further rows cannot change the formats, as far as they follow those seen."""
        return self._times.is_decided and self._numbers.is_decided

    def formats(self) -> ValueFormats:
        """Return the formats; UnclearFileError where the rows fit several."""
        times = self._times.formats()
        numbers, notes = self._numbers.formats()
        return ValueFormats(self._file, times, numbers, (*times.notes, *notes))
