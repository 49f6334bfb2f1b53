"""Jumps of prices from row to row, which tell that the rows of one symbol are those of several.

Many quotes of a symbol may have the same second, so that repeated times tell nothing, as they do of bars.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from tapedeck.engine.importers.file_rows import FileRows, UnclearFileError
from tapedeck.engine.store.bar_store import BarColumns
from tapedeck.engine.store.quote_columns import unpacked

_JUMP: Final = float(np.log(1.25))
_FEWEST: Final = 10
_LEAST_SHARE: Final = 0.1


class PriceJumps:
    """Counts of the steps between successive quotes of a symbol in a file, and of those that are jumps.

    A jump is a change of a quarter and more of bid and ask alike: a single side may stand far off while no
    one quotes it.
    """

    def __init__(self) -> None:
        self._steps: dict[str, int] = {}
        self._jumps: dict[str, int] = {}

    def add(self, symbol: str, bars: BarColumns) -> None:
        """Take the next rows of a symbol into account: packed quotes in the order of the file."""
        quotes = unpacked(bars)
        whole = (quotes.bid > 0) & (quotes.ask > 0)
        bid, ask = np.log(quotes.bid[whole]), np.log(quotes.ask[whole])
        is_jump = (np.abs(np.diff(bid)) >= _JUMP) & (np.abs(np.diff(ask)) >= _JUMP)
        self._steps[symbol] = self._steps.get(symbol, 0) + len(is_jump)
        self._jumps[symbol] = self._jumps.get(symbol, 0) + int(is_jump.sum())

    def check(self, file: Path, is_allowed: bool) -> None:
        """Raise UnclearFileError where the rows of a symbol are evidently those of several."""
        for symbol, jumps in self._jumps.items():
            if not is_allowed and jumps >= max(_FEWEST, _LEAST_SHARE * self._steps[symbol]):
                raise UnclearFileError(
                    file,
                    f"several symbols? bid and ask of {jumps:,} rows of {symbol} are a quarter and more from "
                    "those of the row before. If a column holds the symbols, name it with --column "
                    "symbol=NAME; --as-is stores the rows as they are",
                    [{"--as-is": ""}],
                )


def is_column(rows: FileRows) -> bool:
    """Whether a column of the file tells the symbols."""
    return rows.reading is None or rows.reading.columns.get("symbol", "").startswith("column ")
