"""Rows of history.csv: days and weeks before the sessions, each bar once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tapedeck.engine.export.text_columns import csv_field, csv_lines, number_texts, text_bytes, time_text
from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.bar_grid import CLOSE, FIELDS
from tapedeck.engine.tape.kept_history import KeptBars

HISTORY_HEADER: Final = ("symbol", "interval", "timestamp", *FIELDS)
# Approximate number of bars written at once.
_BARS_AT_ONCE: Final = 2**18
_NOT_WRITTEN: Final = np.iinfo(np.int64).min


def history_rows(
    history: Sequence[KeptBars],
    symbols: Sequence[str],
    zone: ZoneInfo,
    written_until: Mapping[Interval, Mapping[str, int]],
) -> Iterator[bytes]:
    """Yield the rows of a session's history, by symbol, interval and time, in pieces of several symbols.

    Each row begins with its line break, as in bars.csv. `written_until`: for each interval and symbol
    that has rows already, the open of the last bar written, seconds UTC; only later bars are new.
    """
    bars = sum(len(kept.opened_at) for kept in history)
    step = max(1, _BARS_AT_ONCE // max(1, bars))
    for start in range(0, len(symbols), step):
        chunk = symbols[start : start + step]
        parts = [_rows(kept, chunk, start, zone, written_until.get(kept.interval, {})) for kept in history]
        yield b"".join(part[row] for row in range(len(chunk)) for part in parts)


def _rows(
    kept: KeptBars, symbols: Sequence[str], start: int, zone: ZoneInfo, until: Mapping[str, int]
) -> list[memoryview]:
    written = [until.get(symbol, _NOT_WRITTEN) for symbol in symbols]
    new_from = np.searchsorted(kept.opened_at, np.array(written, dtype=np.int64), side="right")
    begin = int(new_from.min())
    values = kept.values(start, start + len(symbols))[:, :, begin:]
    first = np.maximum(kept.first[start : start + len(symbols)], new_from)[:, None]
    present = ~np.isnan(values[CLOSE]) & (np.arange(begin, len(kept.opened_at)) >= first)
    rows, at = np.nonzero(present)
    labels = pa.array([time_text(second, zone) for second in kept.opened_at[begin:].tolist()], pa.string())
    prefixes = pa.array([f"\n{csv_field(symbol)},{kept.interval}" for symbol in symbols])
    lines = csv_lines(
        [
            pc.take(prefixes, pa.array(rows)),
            pc.take(labels, pa.array(at)),
            *(number_texts(field[present]) for field in values),
        ]
    )
    return text_bytes(lines, np.concatenate([[0], np.cumsum(present.sum(axis=1))]).tolist())
