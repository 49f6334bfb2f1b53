"""Rows of bars.csv: all bars of a session, by symbol, interval and time.

Each row begins with a line break, so rows of different intervals can be joined as they are.
"""

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
from tapedeck.engine.quality.gaps_and_scores import FULL_SCORE, score
from tapedeck.engine.tape.bar_grid import VOLUME, Mask
from tapedeck.engine.tape.tape import Tape

BARS_HEADER: Final = (
    "symbol",
    "interval",
    "timestamp",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "base_bars",
    "quality",
)
# Base slots of a piece, approximately; pieces keep memory constant for any number of symbols.
_SLOTS_AT_ONCE: Final = 2**18


def bar_rows(tape: Tape, frontier: int) -> Iterator[bytes]:
    """Yield the rows of a tape cut at `frontier`, in pieces of several symbols."""
    labels = {interval: _labels(tape, interval, frontier) for interval in tape.intervals}
    step = max(1, _SLOTS_AT_ONCE // len(tape))
    for start in range(0, len(tape.symbols), step):
        stop = min(start + step, len(tape.symbols))
        parts = [_interval_rows(tape, interval, labels[interval], start, stop) for interval in tape.intervals]
        yield b"".join(part[row] for row in range(stop - start) for part in parts)


def _labels(tape: Tape, interval: Interval, frontier: int) -> TextColumn:
    columns = tape.columns_over(interval, frontier)
    return time_texts(tape.opened_at(interval)[:columns], tape.session.zone)


def _interval_rows(
    tape: Tape, interval: Interval, labels: TextColumn, start: int, stop: int
) -> list[memoryview]:
    """Return the rows of one interval for each of the symbols [start, stop)."""
    grid, columns = tape.grid(interval), len(labels)
    present = grid.present[start:stop, :columns]
    rows, at = np.nonzero(present)
    prefixes = pa.array([f"\n{csv_field(symbol)},{interval}" for symbol in tape.symbols[start:stop]])
    values = [grid.values[field, start:stop, :columns][present] for field in range(5)]
    prices, count = number_texts(np.concatenate(values[:VOLUME])), len(rows)
    lines = csv_lines(
        [
            pc.take(prefixes, pa.array(rows)),
            pc.take(labels, pa.array(at)),
            *(prices.slice(field * count, count) for field in range(VOLUME)),
            number_texts(values[VOLUME]),
            *_completeness(tape, interval, start, present),
        ]
    )
    edges = np.concatenate([[0], np.cumsum(present.sum(axis=1))])
    return text_bytes(lines, edges.tolist())


def _completeness(tape: Tape, interval: Interval, start: int, present: Mask) -> tuple[TextColumn, TextColumn]:
    """Return base_bars and quality of the bars that are present; `start`: the symbol of the first row."""
    if interval == tape.base_interval:
        return pa.scalar("1"), pa.scalar(f"{FULL_SCORE:g}")
    symbols, columns = present.shape
    base_bars = tape.derived[interval].base_bars[start : start + symbols, :columns]
    quality = score(base_bars, tape.bucket_widths(interval)[:columns])
    base_bars, quality = base_bars[present], quality[present]
    return number_texts(base_bars.astype(np.float64)), number_texts(quality)
