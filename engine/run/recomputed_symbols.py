"""Symbols of recomputed sessions: those that joined and left, as the run had them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tapedeck.engine.errors import DataMissingError, ExportError
from tapedeck.engine.run.joining import JoiningSymbols, LoadedSymbols
from tapedeck.engine.run.symbol_changer import DaySymbols
from tapedeck.engine.tape.bar_grid import Ints
from tapedeck.engine.tape.left_symbols import spooled
from tapedeck.engine.tape.session_data import SessionData
from tapedeck.engine.tape.symbol_changes import Stay, stays_of
from tapedeck.engine.tape.tape import LeftSymbol, Tape


def put_others(data: SessionData, symbols: DaySymbols, joining: JoiningSymbols) -> None:
    """Give a session that is computed for the file's symbols the rows that it had at its end in the run.

    `data` has it as its current one. Symbols that joined are loaded, also those that left later; the rows of
    those that left are cut and written to disk. The tape then equals that of the run, but for the number of
    its edition. Raises ExportError if a symbol is no longer stored, and StoreError.
    """
    tape = data.require_tape()
    opening = (*tape.symbols, *symbols.kept)
    stays = stays_of(opening, symbols.changes)
    of_file, others = _parted(stays, lambda stay: stay.joined is None and stay.symbol in tape.rows)
    stayed, gone = _parted(of_file, _is_there)
    joined, loaded = (_loaded(joining, tape, some) for some in _parted(others, _is_there))
    left = [*_left(tape, gone), *([] if loaded is None else _left(loaded.tape, stays))]
    rows: Ints = np.array([tape.rows[stay.symbol] for stay in stayed], dtype=np.int64)
    made = tape.with_symbols(rows, None if joined is None else joined.tape, symbols.changes, left)
    made.opening = opening
    data.joined = {} if joined is None else dict.fromkeys(joined.symbols, joined.data)
    data.replace_tape(made)


def _is_there(stay: Stay) -> bool:
    """Whether the symbol is there at the end."""
    return stay.left is None


def _parted(stays: Sequence[Stay], chosen: Callable[[Stay], bool]) -> tuple[list[Stay], list[Stay]]:
    """Return the stays that are chosen, and the others."""
    return [stay for stay in stays if chosen(stay)], [stay for stay in stays if not chosen(stay)]


def _loaded(joining: JoiningSymbols, tape: Tape, stays: Sequence[Stay]) -> LoadedSymbols | None:
    """Load symbols for the session of a tape, and compute them to its close; None without any."""
    if not stays:
        return None
    day = tape.session.trading_day
    try:
        loaded = joining.load([stay.symbol for stay in stays], day)
    except DataMissingError as error:
        raise ExportError(f"{day} cannot be recomputed as it was played: {error}") from error
    loaded.computed(len(tape), len(tape))
    return loaded


def _left(tape: Tape, stays: Sequence[Stay]) -> list[LeftSymbol]:
    """Write the rows of those of a tape's symbols that left to disk, each cut where it left."""
    found: list[LeftSymbol] = []
    for stay in stays:
        if stay.left is None or stay.symbol not in tape.rows:
            continue
        row: Ints = np.array([tape.rows[stay.symbol]], dtype=np.int64)
        found += spooled(tape.cut(row, stay.left), stay.left)
    return found
