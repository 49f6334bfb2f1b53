"""Quotes from the columns of a table, part by part; read as tables of bars are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tapedeck.engine.importers.bar_times import opening_times
from tapedeck.engine.importers.column_roles import QuoteRoles, find_quote_roles
from tapedeck.engine.importers.column_sample import ColumnSample
from tapedeck.engine.importers.file_rows import FileRows, TableReading, UnreadableFileError
from tapedeck.engine.importers.interval_column import interval_column, other_intervals
from tapedeck.engine.importers.stamps import UNEVEN, Stamps, no_times
from tapedeck.engine.importers.symbol_column import RowSymbols, by_symbol, symbol_faults
from tapedeck.engine.importers.table_columns import column_of, text_of, times_of
from tapedeck.engine.importers.table_format import TableFormat
from tapedeck.engine.importers.table_source import Table, TableSource
from tapedeck.engine.importers.value_survey import ValueFormats, ValueSurvey
from tapedeck.engine.store.bar_store import BarColumns, Floats, Ints
from tapedeck.engine.store.quote_columns import packed
from tapedeck.engine.store.quote_store import QuoteColumns

_TRUE: Final = ("true", "1", "yes", "t")
_FALSE: Final = ("false", "0", "no", "f", "")


class QuoteTable:
    """A table of quotes, its roles found."""

    def __init__(self, source: TableSource, form: TableFormat, roles: QuoteRoles) -> None:
        self._source = source
        self._form = form
        self._roles = roles
        self._lengths = interval_column([name for name in source.names if name not in roles.columns])
        is_chosen = "symbol" in form.columns.names or bool(form.columns.positions)
        self._owner = RowSymbols(source.file, column=roles.symbol, is_chosen=is_chosen, given=form.symbol)

    @classmethod
    def find(cls, source: TableSource, form: TableFormat) -> QuoteTable | None:
        """Return the table, if it is one of quotes; None for one of bars."""
        sample = ColumnSample(list(source.names), {name: source.sample[name] for name in source.names})
        daily = not form.interval.is_intraday
        roles = find_quote_roles(source.file, sample, form.columns, has_names=source.has_names, daily=daily)
        return None if roles is None else cls(source, form, roles)

    def read(self) -> Iterator[FileRows]:
        """Yield the quotes in parts, split by symbol; errors as of `read_table`."""
        formats, parts = self._surveyed()
        reading: TableReading | None = None
        for part in parts:
            if not len(part.rows) and not part.faults:
                continue
            rows = self._file_rows(part, formats, is_first=reading is None)
            # Whether a column holds symbols or a status is known from its first rows.
            reading = reading or self._described(formats)
            yield replace(rows, reading=reading)
        if reading is None:
            raise UnreadableFileError(self._source.file, "no rows")

    def _surveyed(self) -> tuple[ValueFormats, Iterator[Table]]:
        # The formats of the values, and all parts from the start: the first is read once, if it decides.
        columns = [*self._roles.columns, *([self._lengths] if self._lengths is not None else [])]
        survey = ValueSurvey(self._source.file, self._form, self._roles.described())
        parts = self._source.parts(columns)
        read = 0
        first: Table | None = None
        for part in parts:
            read += 1
            first = first or part
            if len(part.rows):
                numbers = {role: column_of(part.data, name) for role, name in self._roles.numbers.items()}
                survey.add(self._times(part.data), numbers)
                if survey.is_decided:
                    break
        formats = survey.formats()
        if read == 1 and first is not None:
            return formats, chain([first], parts)
        return formats, self._source.parts(columns)

    def _file_rows(self, part: Table, formats: ValueFormats, *, is_first: bool) -> FileRows:
        data, roles, form = part.data, self._roles, self._form
        stamps = _begun_seconds(formats.read_times(self._times(data)))
        if is_first and data.num_rows and len(stamps.faults) == data.num_rows:
            raise UnreadableFileError(self._source.file, no_times(stamps))
        times, faults = opening_times(stamps, form.interval, form.times, where=str(self._source.file))
        numbers: dict[str, Floats] = {}
        for role, name in roles.numbers.items():
            numbers[role], bad = formats.read_numbers(role, column_of(data, name))
            faults = bad | faults
        quotes = _packed(times, numbers)
        symbol = roles.symbol
        symbols = self._owner.of(len(part.rows), None if symbol is None else text_of(column_of(data, symbol)))
        made, strange = self._made(data)
        if self._lengths is not None:
            strange |= other_intervals(text_of(column_of(data, self._lengths)), form.interval)
        faults = symbol_faults(symbols) | faults | strange
        for row in made:
            faults.pop(row, None)
        sound = np.delete(np.arange(len(part.rows)), [*faults, *made])
        instants = (
            None if form.interval.is_intraday else np.where(stamps.known, stamps.instants, stamps.written)
        )
        found = by_symbol(symbols, quotes, part.rows, sound, instants)
        reasons = {int(part.rows[i]): fault for i, fault in faults.items()} | dict(part.faults)
        return FileRows(
            self._source.file,
            form.interval,
            found,
            reasons,
            part.texts,
            is_quotes=True,
            is_labelled=form.times.label == "close",
            left_out=len(made),
        )

    def _made(self, data: pa.Table) -> tuple[list[int], dict[int, str]]:
        """Return the rows that were made, and those of which it is not clear."""
        if self._roles.made is None:
            return [], {}
        words = pc.utf8_lower(pc.utf8_trim_whitespace(text_of(column_of(data, self._roles.made))))
        is_made = pc.is_in(words, pa.array(_TRUE)).to_numpy(zero_copy_only=False)
        is_known = is_made | pc.is_in(words, pa.array(_FALSE)).to_numpy(zero_copy_only=False)
        unknown = {
            int(i): f"invalid made {words[int(i)].as_py()!r}: expected true or false"
            for i in np.flatnonzero(~is_known)
        }
        return np.flatnonzero(is_made).tolist(), unknown

    def _times(self, data: pa.Table) -> pa.Array:
        times = times_of(data, self._roles.time, self._roles.date)
        return times if self._form.times.strptime_pattern is not None else _without_fractions(times)

    def _described(self, formats: ValueFormats) -> TableReading:
        columns = {}
        for role, name in self._roles.described().items():
            shown = (name or "the column without a name") if self._source.has_names else f"column {name}"
            columns[role] = ", ".join(text for text in (shown, formats.describe(role)) if text)
        columns["symbol"] = self._owner.source
        lacking = [side for side in ("bid", "ask") if f"{side}_size" not in self._roles.numbers]
        notes = [*self._source.notes, "the file holds quotes, by its columns of bid and ask"]
        notes += [f"no column of the {side} size: it is missing" for side in lacking]
        return TableReading(columns, (*notes, *formats.notes))


def _packed(times: Ints, numbers: dict[str, Floats]) -> BarColumns:
    none = np.full(len(times), np.nan)
    bid, ask, bid_size, ask_size = (
        numbers.get(role, none) for role in ("bid", "ask", "bid_size", "ask_size")
    )
    return packed(QuoteColumns(times, bid, ask, bid_size, ask_size))


def _without_fractions(times: pa.Array) -> pa.Array:
    """Return times without fractions of a second, where text or floats have them: a slot has whole ones."""
    if pa.types.is_floating(times.type):
        whole = pc.floor(times)
        return pc.if_else(pc.less(pc.abs(whole), 2.0**62), whole, None).cast(pa.int64())
    if not pa.types.is_string(times.type):
        return times
    times = pc.replace_substring_regex(times, r"^(\s*\d{9,19})\.\d*(\s*)$", r"\1\2")
    return pc.replace_substring_regex(times, r"(:\d\d)[.,]\d+", r"\1")


def _begun_seconds(stamps: Stamps) -> Stamps:
    # Of an uneven time the second that holds it is known, unless it is 0, which stands for none.
    faults = {
        row: fault for row, fault in stamps.faults.items() if fault != UNEVEN or not stamps.written[row]
    }
    return replace(stamps, faults=faults)
