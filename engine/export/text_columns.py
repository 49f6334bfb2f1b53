"""Text columns of CSV files: numbers in their shortest exact form, times with their offset."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tapedeck.engine.printable import printable_line
from tapedeck.engine.tape.bar_grid import Floats, Ints

# pyarrow ships no types.
TextColumn = Any

# Within these bounds pyarrow writes a float without an exponent.
_PLAIN_FROM, _PLAIN_BELOW = 1e-6, 1e10
# Within these bounds the export writes a number without an exponent.
_LEAST_POSITIONAL, _MOST_POSITIONAL = 1e-15, 1e21
_WHOLE_BELOW = 2.0**63


def number_text(value: float) -> str:
    """Return a finite number in its shortest form that reads back to the same bits, without a final `.0`."""
    size = abs(value)
    if size == 0:
        return "0"
    if _LEAST_POSITIONAL <= size < _MOST_POSITIONAL:
        return np.format_float_positional(value, trim="-")
    return repr(value)


def number_texts(values: Floats) -> TextColumn:
    """Return each number, shape (n,) and finite, in the form of `number_text`."""
    # Prices repeat: each distinct one is converted once.
    encoded = pc.dictionary_encode(pa.array(values + 0.0))
    return pc.take(_different_texts(encoded.dictionary.to_numpy()), encoded.indices)


def number_or_empty_texts(values: Floats) -> TextColumn:
    """Return each number in the form of `number_text`, and an empty text for each NaN."""
    missing = np.isnan(values)
    if not missing.any():
        return number_texts(values)
    if missing.all():
        return pa.array([""] * len(values), type=pa.string())
    texts = number_texts(np.where(missing, 0.0, values))
    return pc.if_else(pa.array(missing), "", texts)


def _different_texts(values: Floats) -> TextColumn:
    size = np.abs(values)
    if bool(((values == np.floor(values)) & (size < _WHOLE_BELOW)).all()):
        return pc.cast(pa.array(values.astype(np.int64)), pa.string())
    texts = pc.cast(pa.array(values), pa.string())
    awkward = ((size < _PLAIN_FROM) & (size > 0)) | (size >= _PLAIN_BELOW)
    if not awkward.any():
        return texts
    written = pa.array([number_text(value) for value in values[awkward].tolist()], type=pa.string())
    return pc.replace_with_mask(texts, pa.array(awkward), written)


def time_text(seconds: int, zone: ZoneInfo) -> str:
    """Return an instant (seconds UTC) in ISO 8601 with the exchange's offset: 2013-10-07T09:30:00-04:00."""
    return datetime.fromtimestamp(seconds, zone).isoformat()


def time_texts(seconds: Ints, zone: ZoneInfo) -> TextColumn:
    """Return ascending instants (seconds UTC) of one session in the form of `time_text`."""
    if not len(seconds):
        return pa.array([], type=pa.string())
    first, last = (datetime.fromtimestamp(int(seconds[at]), zone) for at in (0, -1))
    shift = first.utcoffset()
    if shift is None or shift != last.utcoffset():
        # Daylight saving time changes within the session.
        return pa.array([time_text(second, zone) for second in seconds.tolist()], type=pa.string())
    local = (seconds + int(shift.total_seconds())).astype("datetime64[s]")
    return pa.array([f"{text}{first.isoformat()[19:]}" for text in np.datetime_as_string(local).tolist()])


def csv_field(text: str) -> str:
    """Return a text as a CSV field: on one line, with quotes if needed."""
    line = " ".join(text.split("\n")).replace("\r", "")
    return '"' + line.replace('"', '""') + '"' if "," in line or '"' in line else line


def text_field(text: str) -> str:
    """Return a text that may have any characters, as users' code gives them, as a CSV field of one line."""
    return csv_field(printable_line(text))


def csv_lines(columns: Sequence[TextColumn]) -> TextColumn:
    """Join columns, at least one of them an array, to lines with commas."""
    return pc.binary_join_element_wise(*columns, ",")


def text_bytes(lines: TextColumn, edges: Sequence[int]) -> list[memoryview]:
    """Return the text of lines `[edges[i], edges[i + 1])` as bytes, for each i, without a copy."""
    if not len(lines):
        return [memoryview(b"")] * (len(edges) - 1)
    _, offsets_buffer, text = lines.buffers()
    offsets = np.frombuffer(offsets_buffer, dtype=np.int32)
    at = offsets[np.asarray(edges) + lines.offset].tolist()
    view = memoryview(text)
    return [view[a:b] for a, b in pairwise(at)]
