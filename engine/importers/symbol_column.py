"""Symbols of a table's rows: from its column of symbols, from an option, or from the file's name."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tapedeck.engine.importers.file_rows import SeriesRows, UnreadableFileError
from tapedeck.engine.importers.symbols import symbol_of
from tapedeck.engine.store.bar_diff import take
from tapedeck.engine.store.bar_store import BarColumns, Ints
from tapedeck.engine.symbols import symbol_fault


def row_symbols(
    file: Path, count: int, column: tuple[str, pa.Array] | None, given: str | None
) -> pa.DictionaryArray:
    """Return the symbol of each of `count` rows, in capitals; it may be invalid where a column holds it.

    `column`: name and texts of the column of symbols, None where the table has none. `given`: the symbol that
    the user named. Raises UnreadableFileError where the column contradicts it, or where the file's name is
    no valid symbol.
    """
    if column is None:
        symbol = given or symbol_of(file)
        if fault := symbol_fault(symbol):
            raise UnreadableFileError(file, f"no symbol in its name ({fault}); give one")
        return pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), [symbol])
    name, texts = column
    symbols = pc.utf8_upper(pc.utf8_trim_whitespace(texts)).dictionary_encode()
    others = set(symbols.dictionary.to_pylist()) - {given}
    if given is not None and others:
        raise UnreadableFileError(
            file,
            f"its column {name!r} has the symbols {', '.join(sorted(others)[:5])}, not {given}: "
            "leave the symbol out to import each row under its own",
        )
    return symbols


def symbol_faults(symbols: pa.DictionaryArray) -> dict[int, str]:
    """Return the reasons of rows with an invalid symbol, by position."""
    names = enumerate(symbols.dictionary.to_pylist())
    bad = {place: fault for place, name in names if (fault := symbol_fault(name))}
    places = symbols.indices.to_numpy()
    return {int(i): bad[int(places[i])] for i in np.flatnonzero(np.isin(places, list(bad)))} if bad else {}


def by_symbol(symbols: pa.DictionaryArray, bars: BarColumns, rows: Ints, sound: Ints) -> list[SeriesRows]:
    """Return the bars at the positions `sound`, split by symbol; `rows` are their positions in the file."""
    places, names = symbols.indices.to_numpy()[sound], symbols.dictionary.to_pylist()
    order = np.argsort(places, kind="stable")
    bounds = np.searchsorted(places[order], np.arange(len(names) + 1))
    runs = [sound[order[first:last]] for first, last in pairwise(bounds)]
    return [
        SeriesRows(name, take(bars, run), rows[run])
        for name, run in zip(names, runs, strict=True)
        if len(run)
    ]
