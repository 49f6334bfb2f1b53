"""Rows of indicators.csv: values of the session indicators at their bars."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tapedeck.engine.export.text_columns import (
    TextColumn,
    csv_field,
    csv_lines,
    number_texts,
    text_bytes,
    time_texts,
)
from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.tape import IndicatorColumn, Tape

INDICATORS_HEADER: Final = ("symbol", "interval", "timestamp", "name", "value")
# Approximate number of values written at once.
_VALUES_AT_ONCE: Final = 2**20


def indicator_rows(tape: Tape, frontier: int) -> Iterator[bytes]:
    """Yield the rows of a tape up to `frontier`, by symbol, output and time, in pieces of several symbols.

    Each row begins with its line break, as in bars.csv. Missing values have no row. A value on 1w has one
    row per session, at its open: it holds from there on.
    """
    if not tape.indicators:
        return
    labels: dict[Interval, TextColumn] = {}
    for column in tape.indicators.values():
        if column.interval not in labels:
            over = tape.opened_at(column.interval)[: tape.columns_over(column.interval, frontier)]
            labels[column.interval] = time_texts(over, tape.session.zone)
    step = max(1, _VALUES_AT_ONCE // (len(tape) * len(tape.indicators)))
    for start in range(0, len(tape.symbols), step):
        symbols = tape.symbols[start : start + step]
        parts = [
            _output_rows(column, symbols, start, labels[column.interval])
            for column in tape.indicators.values()
        ]
        yield b"".join(part[row] for row in range(len(symbols)) for part in parts)


def _output_rows(
    column: IndicatorColumn, symbols: tuple[str, ...], start: int, labels: TextColumn
) -> list[memoryview]:
    values = column.values[start : start + len(symbols), : len(labels)]
    present = ~np.isnan(values)
    rows, at = np.nonzero(present)
    prefixes = pa.array([f"\n{csv_field(symbol)},{column.interval}" for symbol in symbols])
    lines = csv_lines(
        [
            pc.take(prefixes, pa.array(rows)),
            pc.take(labels, pa.array(at)),
            pa.scalar(column.name),
            number_texts(values[present]),
        ]
    )
    edges = np.concatenate([[0], np.cumsum(present.sum(axis=1))])
    return text_bytes(lines, edges.tolist())
