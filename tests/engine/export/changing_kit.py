"""Sessions in which symbols joined and left, made as a run makes them, without starting a thread."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from zlib import crc32

import numpy as np
from export_kit import make_record, make_tape, random_bars

from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.tape.bar_grid import CLOSE
from tapedeck.engine.tape.left_symbols import spooled
from tapedeck.engine.tape.prior_close import PriorClose
from tapedeck.engine.tape.quote_grid import QuoteGrid
from tapedeck.engine.tape.session_record import SessionRecord
from tapedeck.engine.tape.symbol_changes import ChangeKind, SymbolChange
from tapedeck.engine.tape.tape import Tape

FILE = ("SPY", "AIG")
OTHERS = ("IBM", "BAC")
DAYS = (date(2013, 10, 7), date(2013, 10, 8))
SLOTS = 390
"""Minutes of each of the days, from 9:30 to 16:00."""


def joined(symbol: str, frontier: int, *, keep: bool = False) -> SymbolChange:
    return SymbolChange(ChangeKind.JOINED, symbol, frontier, keep)


def left(symbol: str, frontier: int) -> SymbolChange:
    return SymbolChange(ChangeKind.LEFT, symbol, frontier)


def bars_of(symbol: str, day: date) -> np.ndarray:
    """Bars of a symbol's whole session, some missing; float64 (5, 1, SLOTS)."""
    return random_bars(1, SLOTS, crc32(f"{symbol} {day}".encode()), missing=0.1)


def from_the_open(symbols: Sequence[str], day: date, frontier: int = SLOTS, *, quotes: bool = False) -> Tape:
    """The tape of symbols that were there from the open, as far as it was played."""
    values = np.concatenate([bars_of(symbol, day) for symbol in symbols], axis=1)
    tape = make_tape(day, values, symbols=symbols, frontier=frontier)
    tape.prior_close = prior_closes(symbols, day)
    if quotes:
        with_quotes(tape)
    return tape


def with_quotes(tape: Tape) -> Tape:
    """Give a tape quotes, held as far as it was played; of AIG there are none."""
    day = tape.session.trading_day
    tape.quotes = QuoteGrid(np.concatenate([quotes_of(symbol, day) for symbol in tape.symbols], axis=1))
    if tape.frontier:
        tape.quotes.hold(tape.base, 0, tape.frontier)
    return tape


def quotes_of(symbol: str, day: date) -> np.ndarray:
    """Quotes that came of a symbol: in a third of the slots, often of one side; float64 (4, 1, SLOTS)."""
    random = np.random.default_rng(crc32(f"quotes {symbol} {day}".encode()))
    bids = random.integers(1000, 20000, size=(1, SLOTS)) / 100
    values = np.stack([bids, bids + 0.01, *random.integers(0, 50, size=(2, 1, SLOTS)).astype(float)])
    for side in (0, 1):
        lacking = random.random((1, SLOTS)) < (1.0 if symbol == "AIG" else 0.6)
        values[side, lacking] = values[side + 2, lacking] = np.nan
        values[side + 2, random.random((1, SLOTS)) < 0.2] = np.nan  # a price whose size is not known
    return values


def prior_closes(symbols: Sequence[str], day: date) -> PriorClose:
    """The last closes of the day before; none on the first day."""
    if day == DAYS[0]:
        return PriorClose.unknown(len(symbols))
    [before] = TimeManager("XNYS").trading_sessions(DAYS[0], DAYS[0])
    opened = int(before.regular_open.timestamp())
    closes = np.array([bars_of(symbol, before.trading_day)[CLOSE, 0] for symbol in symbols])
    last = np.array([np.flatnonzero(~np.isnan(row))[-1] for row in closes])
    values = closes[np.arange(len(symbols)), last]
    return PriorClose(values, opened + 60 * last, np.zeros(len(symbols), dtype=np.bool_))


def played(
    day: date,
    opening: Sequence[str],
    changes: Iterable[SymbolChange] = (),
    frontier: int = SLOTS,
    *,
    quotes: bool = False,
) -> SessionRecord:
    """The record of a session whose symbols changed, played up to a frontier."""
    tape = from_the_open(opening, day, frontier, quotes=quotes)
    for change in changes:
        rows = np.arange(len(tape.symbols))
        if change.kind is ChangeKind.JOINED:
            part = from_the_open((change.symbol,), day, frontier, quotes=quotes)
            tape = tape.with_symbols(rows, part, [change])
            continue
        leaving = rows == tape.rows[change.symbol]
        part = tape.cut(rows[leaving], change.frontier)
        tape = tape.with_symbols(rows[~leaving], None, [change], spooled(part, change.frontier))
    return make_record(tape)
