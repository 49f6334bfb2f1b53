"""Survey of a table's times and numbers: decides the formats of a whole file before its rows are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from tapedeck.engine.importers.bar_times import Stamps, TimeFormat, read_stamps
from tapedeck.engine.importers.text_numbers import read_numbers
from tapedeck.engine.store.bar_store import Floats


@dataclass(frozen=True, slots=True)
class ValueFormats:
    """Formats of the times and numbers of one table, the same for all its rows."""

    times: TimeFormat

    def read_times(self, column: pa.Array) -> Stamps:
        """Return the times of a column: timestamps, dates, epochs, or text (date and clock joined)."""
        return read_stamps(column, self.times)

    def read_numbers(self, role: str, column: pa.Array) -> tuple[Floats, dict[int, str]]:
        """Return a column as float64, shape (n,), and the reasons of rows without a number, by position."""
        return read_numbers(role, column)


class ValueSurvey:
    """Evidence on the formats of a table, collected from its parts until they are decided.

    `names` maps roles (time, date, open, ..., volume) to the names of their columns, which may tell a zone
    or a unit (`Gmt time`, `Volume USD`).
    """

    def __init__(self, form: TimeFormat, names: Mapping[str, str]) -> None:
        self._form = form
        self._names = names

    def add(self, times: pa.Array, numbers: Mapping[str, pa.Array]) -> None:
        """Take the next rows into account; `numbers` maps the roles open to volume to their columns."""

    @property
    def is_decided(self) -> bool:
        """Whether further rows cannot change the formats, as far as they follow those seen."""
        return True

    def formats(self) -> ValueFormats:
        """Return the formats; UnclearFileError where the rows fit several."""
        return ValueFormats(self._form)
