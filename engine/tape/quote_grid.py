"""Grid of a session's quotes: bid and ask of each symbol as they stood at the end of each slot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from tapedeck.engine.tape.bar_grid import CLOSE, BarGrid, Floats, Ints, Mask, canonical
from tapedeck.engine.tape.held_values import taken
from tapedeck.engine.tape.row_selection import gathered

BID: Final = 0
ASK: Final = 1
BID_SIZE: Final = 2
ASK_SIZE: Final = 3
QUOTE_FIELDS: Final = ("bid", "ask", "bid_size", "ask_size")
SIDES: Final = ((BID, BID_SIZE), (ASK, ASK_SIZE))
"""Price and size of each side."""


class QuoteGrid:
    """Quotes of S symbols over n slots.

    `came`: float64 (4, S, n), in the order of `QUOTE_FIELDS`: the last quote within each slot, NaN where none
    came; a side without a price is missing, with its size. Written by the owner of the base bars.
    `values`: float64 (4, S, n): the last quote up to the end of each slot, each side for itself; NaN before
    the first one. Written by the data processor, block by block (`hold`).
    `made`: bool (S,), True for each symbol of which no quote came in the whole session: its bid and ask are
    the close of the last bar, its sizes missing. `written_to`: end of the slots that `write_quotes` has
    written.
    """

    __slots__ = ("came", "made", "values", "written_to")

    def __init__(
        self, came: Floats, values: Floats | None = None, made: Mask | None = None, *, written_to: int = 0
    ) -> None:
        self.came = came
        self.values: Floats = np.full(came.shape, np.nan) if values is None else values
        self.made: Mask = _without_quotes(came) if made is None else made
        self.written_to = written_to

    @classmethod
    def empty(cls, symbols: int, slots: int) -> QuoteGrid:
        """Return a grid without quotes: all of its symbols are made."""
        return cls(np.full((len(QUOTE_FIELDS), symbols, slots), np.nan))

    def write_quotes(self, rows: Ints, slots: Ints, quotes: Floats) -> None:
        """Write the last quotes of slots, over earlier ones. Grid's owner only.

        `rows`, `slots`: int64 (m,); `quotes`: float64 (4, m). Of several for one slot the last counts. Only
        for slots that were not held yet, of symbols that are not made, or of which nothing was held
        (`is_late` tells which); others are corrected.
        """
        self.came[:, rows, slots] = canonical(quotes.copy())
        self.made[rows[~np.isnan(quotes[: ASK + 1]).all(axis=0)]] = False
        self.written_to = max(self.written_to, int(slots.max(initial=-1)) + 1)

    def is_late(self, rows: Ints, slots: Ints, held: int) -> Mask:
        """Return which quotes cannot be written in place where the slots below `held` are held; bool (m,).

        Those of these slots, and all of a symbol that is made: its first quote changes each slot before it.
        """
        late: Mask = (slots < held) | self.made[rows] if held else np.zeros(len(rows), dtype=np.bool_)
        return late

    def correct(self, base: BarGrid, rows: Ints, slots: Ints, quotes: Floats, held: int) -> None:
        """Write quotes of any slots, as `write_quotes`, and compute their symbols again, up to slot `held`.

        Whether these are made is decided anew. Only before the grid is read.
        """
        chosen: Ints = np.unique(rows)
        part = QuoteGrid(self.came[:, chosen], made=self.made[chosen])
        part.write_quotes(np.searchsorted(chosen, rows), slots, quotes)
        part = QuoteGrid(part.came)
        part.hold(base.of_rows(chosen), 0, held)
        self.put_rows(chosen, part)

    def hold(self, base: BarGrid, start: int, stop: int) -> None:
        """Compute `values` of the slots [start, stop); all before are computed. Data processor only."""
        for price, size in SIDES:
            prices = self.came[price, :, start:stop]
            if self.made.any():
                prices = np.where(self.made[:, None], base.values[CLOSE, :, start:stop], prices)
            at = np.where(np.isnan(prices), -1, np.arange(stop - start))
            np.maximum.accumulate(at, axis=1, out=at)
            for field, source in ((price, prices), (size, self.came[size, :, start:stop])):
                held = taken(source, at)
                if start:
                    np.copyto(held, self.values[field, :, start - 1, None], where=at < 0)
                self.values[field, :, start:stop] = held

    def of_rows(self, rows: Ints) -> QuoteGrid:
        """Return a grid with copies of the quotes that came of some rows, of which nothing is held."""
        return QuoteGrid(self.came[:, rows], made=self.made[rows])

    @classmethod
    def gathered(cls, pieces: Sequence[tuple[QuoteGrid, Ints]]) -> QuoteGrid:
        """Return a grid with copies of rows of one or more grids over the same slots."""
        return cls(
            gathered([(grid.came, rows) for grid, rows in pieces], axis=1),
            gathered([(grid.values, rows) for grid, rows in pieces], axis=1),
            gathered([(grid.made, rows) for grid, rows in pieces]),
            written_to=max(grid.written_to for grid, _ in pieces),
        )

    def copied(self, came: Floats, values: Floats) -> QuoteGrid:
        """Return a grid with other arrays, and a copy of `made`."""
        return QuoteGrid(came, values, self.made.copy(), written_to=self.written_to)

    def put_rows(self, rows: Ints, part: QuoteGrid) -> None:
        """Write the rows of a smaller grid over `rows`. Only before the grid is read."""
        self.came[:, rows], self.values[:, rows], self.made[rows] = part.came, part.values, part.made

    def end_at(self, slot: int) -> None:
        """Remove the quotes from a slot on. Only before the grid is read."""
        self.came[:, :, slot:] = np.nan
        self.values[:, :, slot:] = np.nan

    @property
    def nbytes(self) -> int:
        """Size of the arrays in bytes."""
        return self.came.nbytes + self.values.nbytes + self.made.nbytes


def _without_quotes(came: Floats) -> Mask:
    return np.asarray(np.isnan(came[: ASK + 1]).all(axis=(0, 2)), dtype=np.bool_)
