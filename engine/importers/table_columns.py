"""Columns of a part of a table as arrays: one by name, as text, and that of the times."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def times_of(data: pa.Table, time: str | None, date: str | None) -> pa.Array:
    """Return the column of times; a date and a time of day in two columns are joined."""
    if date is None or time is None:
        whole = time if date is None else date
        return column_of(data, whole or "")
    day, clock = (pc.utf8_trim_whitespace(text_of(column_of(data, name))) for name in (date, time))
    return pc.binary_join_element_wise(day, clock, " ")


def column_of(data: pa.Table, name: str) -> pa.Array:
    """Return a column in one piece; texts and dictionaries as plain texts and values."""
    column = data.column(data.column_names.index(name)).combine_chunks()
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    is_text = pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return column.cast(pa.string() if is_text else kind)


def text_of(column: pa.Array) -> pa.Array:
    """Return a column as texts, blank where it has none."""
    texts = column.cast(pa.string())
    return pc.fill_null(texts, "") if texts.null_count else texts  # filling copies each text
