"""Symbols of a table's rows: from its column of symbols, from an option, or from the file's name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tapedeck.engine.importers.file_rows import SeriesRows, UnclearFileError, UnnamedFileError
from tapedeck.engine.importers.symbols import symbol_of
from tapedeck.engine.store.bar_diff import take
from tapedeck.engine.store.bar_store import BarColumns, Ints
from tapedeck.engine.symbols import symbol_fault

FROM_NAME: Final = "the name of the file"
"""Source of symbols, as in `RowSymbols.source`."""

# Web services answer with a status in a column `s`, the same for every row.
_STATUS_COLUMNS: Final = ("s", "status")
_STATUSES: Final = frozenset({"OK", "NO_DATA", "SUCCESS", "ERROR", "DELAYED"})
_SHOWN: Final = 5


class RowSymbols:
    """Symbols of the rows of one file, decided over all its parts.

    `column`: name of the column of symbols, or None; `is_chosen`: the user named it. `given`: the symbol that
    the user gave to all rows. Raises UnnamedFileError where nothing tells the symbol.
    """

    def __init__(self, file: Path, *, column: str | None, is_chosen: bool, given: str | None) -> None:
        self._file = file
        self._column = column
        self._given = given
        self._may_be_status = not is_chosen and (column or "").strip().casefold() in _STATUS_COLUMNS
        self._is_status: bool | None = None
        self._values: set[str] = set()
        self._named: str | None = None
        if column is None and given is None:
            self._by_name()

    @property
    def source(self) -> str:
        """Source of the symbols in words; valid from the first call of `of` on."""
        if self._given is not None:
            return "--symbol"
        return FROM_NAME if self._column is None or self._is_status else f"column {self._column!r}"

    def of(self, count: int, texts: pa.Array | None) -> pa.DictionaryArray:
        """Return the symbol of each of the next `count` rows, in capitals; one of a column may be invalid.

        `texts`: the column of symbols, None without one. Raises UnclearFileError where the column has several
        symbols and the user gave one.
        """
        if self._column is None or texts is None:
            return _repeated(self._given or self._by_name(), count)
        symbols = pc.utf8_upper(pc.utf8_trim_whitespace(texts)).dictionary_encode()
        values = symbols.dictionary.to_pylist()
        if self._may_be_status and self._is_only_status(values):
            return _repeated(self._given or self._by_name(), count)
        if self._given is None:
            return symbols
        self._values.update(value for value in values if value)
        if len(self._values - {self._given}) > 1 or (len(self._values) > 1 and self._given in self._values):
            raise self._several()
        return _repeated(self._given, count)

    def _is_only_status(self, values: Sequence[str]) -> bool:
        is_status = _STATUSES.issuperset(values)
        if self._is_status is not None and self._is_status != is_status:
            raise UnclearFileError(
                self._file,
                f"column {self._column!r} has statuses such as OK in some rows and other words in other rows",
                [{"--column": f"symbol={self._column}"}],
            )
        self._is_status = is_status
        return is_status

    def _by_name(self) -> str:
        if self._named is not None:
            return self._named
        found = symbol_of(self._file)
        if not found.symbol:
            guesses = found.guesses or ("SYMBOL",)
            raise UnnamedFileError(
                self._file,
                f"no clear symbol in the file's name {self._file.name!r}; name it with --symbol",
                [{"--symbol": guess} for guess in guesses],
            )
        self._named = found.symbol
        return found.symbol

    def _several(self) -> UnclearFileError:
        shown = ", ".join(sorted(self._values)[:_SHOWN])
        return UnclearFileError(
            self._file,
            f"column {self._column!r} has several symbols ({shown}), and --symbol names one. Leave it out to "
            "import each row under its own symbol",
            [{"--symbol": None}],
        )


def symbol_faults(symbols: pa.DictionaryArray) -> dict[int, str]:
    """Return the reasons of rows with an invalid symbol, by position."""
    names = enumerate(symbols.dictionary.to_pylist())
    bad = {place: fault for place, name in names if (fault := symbol_fault(name))}
    places = symbols.indices.to_numpy()
    return {int(i): bad[int(places[i])] for i in np.flatnonzero(np.isin(places, list(bad)))} if bad else {}


def by_symbol(
    symbols: pa.DictionaryArray, bars: BarColumns, rows: Ints, sound: Ints, instants: Ints | None = None
) -> list[SeriesRows]:
    """Return the bars at the positions `sound`, split by symbol; `rows` are their positions in the file.

    `instants`: see SeriesRows, one for each of `bars`.
    """
    places, names = symbols.indices.to_numpy()[sound], symbols.dictionary.to_pylist()
    order = np.argsort(places, kind="stable")
    bounds = np.searchsorted(places[order], np.arange(len(names) + 1))
    runs = [sound[order[first:last]] for first, last in pairwise(bounds)]
    return [
        SeriesRows(name, take(bars, run), rows[run], instants[run] if instants is not None else None)
        for name, run in zip(names, runs, strict=True)
        if len(run)
    ]


def column_of_symbols(columns: Mapping[str, tuple[Sequence[str], Sequence[str]]]) -> str | None:
    """Return the first column that tells rows apart, and whose texts can be symbols; None without one.

    Numbers can be symbols in a column called a number of instruments, such as `instrument_id`. `columns`: for
    each column, the texts of some rows, and those of as many other rows with the same times.
    """
    for is_number in (False, True):
        for column, (ours, theirs) in columns.items():
            if is_number and not column.casefold().endswith("id"):
                continue
            pairs = [(one.strip(), other.strip()) for one, other in zip(ours, theirs, strict=True)]
            can_be = str.isdigit if is_number else _can_be_symbol
            if all(one != other and can_be(one) and can_be(other) for one, other in pairs):
                return column
    return None


def _can_be_symbol(word: str) -> bool:
    return symbol_fault(word) is None and any(letter.isalpha() for letter in word)


def _repeated(symbol: str, count: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), [symbol])
