"""Rows of quotes.csv: the quote held at the end of each slot, by symbol and time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tapedeck.engine.export.text_columns import (
    csv_field,
    csv_lines,
    number_or_empty_texts,
    text_bytes,
    time_texts,
)
from tapedeck.engine.tape.bar_grid import Mask
from tapedeck.engine.tape.quote_grid import ASK, BID, QUOTE_FIELDS, QuoteGrid
from tapedeck.engine.tape.tape import Tape

QUOTES_HEADER: Final = ("symbol", "timestamp", *QUOTE_FIELDS, "made")
# Slots of a piece, approximately; pieces keep memory constant for any number of symbols.
_SLOTS_AT_ONCE: Final = 2**18


def quote_rows(tape: Tape, quotes: QuoteGrid, frontier: int) -> Iterator[tuple[bytes, int]]:
    """Yield the rows of a tape's quotes cut at `frontier`, in pieces of several symbols, with their number.

    Each row begins with its line break. A slot in which no side is held yet has no row; a side or size that
    is missing is an empty field.
    """
    labels = time_texts(tape.slots.opened_at[:frontier], tape.session.zone)
    step = max(1, _SLOTS_AT_ONCE // len(tape))
    for start in range(0, len(tape.symbols), step):
        stop = min(start + step, len(tape.symbols))
        rows, at = np.nonzero(held_quotes(quotes, start, stop, frontier))
        symbols = pa.array([f"\n{csv_field(symbol)}" for symbol in tape.symbols[start:stop]])
        made = pa.array(["false", "true"])
        lines = csv_lines(
            [
                pc.take(symbols, pa.array(rows)),
                pc.take(labels, pa.array(at)),
                *(number_or_empty_texts(field) for field in quotes.values[:, start + rows, at]),
                pc.take(made, pa.array(quotes.made[start + rows].astype(np.int64))),
            ]
        )
        yield b"".join(text_bytes(lines, [0, len(rows)])), len(rows)


def held_quotes(quotes: QuoteGrid, start: int, stop: int, frontier: int) -> Mask:
    """Return where a side is held, bool (stop − start, frontier); rows are the symbols [start, stop)."""
    sides = quotes.values[BID : ASK + 1, start:stop, :frontier]
    return np.asarray(~np.isnan(sides).all(axis=0), dtype=np.bool_)
