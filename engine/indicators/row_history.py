"""Row history: the history of a tape's rows, which may have been loaded at different times."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.bar_grid import FIELDS, BarGrid, Floats, Ints

HistoryOf = Callable[[Interval], Sequence[BarGrid]]


class RowHistory:
    """For each row of a tape, a source of history and the row in it.

    Sources are called when grids are asked for. One that no row refers to any more is let go, so this stays
    as small as the tape, however often its rows change.
    """

    __slots__ = ("_rows", "_source", "_sources")

    def __init__(self, sources: Sequence[HistoryOf], source: Ints, rows: Ints) -> None:
        used, self._source = np.unique(source, return_inverse=True)
        self._sources = tuple(sources[at] for at in used.tolist())
        self._rows = rows

    @classmethod
    def of(cls, history_of: HistoryOf, symbols: int) -> RowHistory:
        """Return the history of all rows of one source."""
        return cls([history_of], np.zeros(symbols, dtype=np.int64), np.arange(symbols))

    def of_rows(self, rows: Ints) -> RowHistory:
        """Return the history of some rows."""
        return RowHistory(self._sources, self._source[rows], self._rows[rows])

    def followed_by(self, other: RowHistory) -> RowHistory:
        """Return the history of these rows, then those of another."""
        return RowHistory(
            (*self._sources, *other._sources),
            np.concatenate([self._source, other._source + len(self._sources)]),
            np.concatenate([self._rows, other._rows]),
        )

    def grids(self, interval: Interval) -> Sequence[BarGrid]:
        """Return the grids of an interval, as a `HistoryOf`, with copies of the rows.

        Sources end with the same session, and may begin with different ones: their rows have no bars before.
        """
        places = [np.flatnonzero(self._source == at) for at in range(len(self._sources))]
        found = [source(interval) for source in self._sources]
        if len(found) == 1:
            return [grid.of_rows(self._rows) for grid in found[0]]
        depth = max((len(grids) for grids in found), default=0)
        return [self._joined(back, found, places) for back in range(depth, 0, -1)]

    def _joined(self, back: int, found: Sequence[Sequence[BarGrid]], places: Sequence[Ints]) -> BarGrid:
        """Return one grid of all rows from the grids that stand at `back`, counted from the last one, 1."""
        having = [(grids[-back], at) for grids, at in zip(found, places, strict=True) if len(grids) >= back]
        columns = max(grid.shape[1] for grid, _ in having)
        values: Floats = np.full((len(FIELDS), len(self._rows), columns), np.nan)
        for grid, at in having:
            values[:, at, columns - grid.shape[1] :] = grid.values[:, self._rows[at]]
        return BarGrid.loaded(values)
