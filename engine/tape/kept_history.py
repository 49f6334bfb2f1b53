"""Kept history: the bars of days and weeks before a session that its file asks for, as exported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

import numpy as np

from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.bar_grid import Floats, Ints
from tapedeck.engine.tape.history import History


class KeptPart(NamedTuple):
    """Bars of some symbols: `values` float64 (5, rows, columns), the last ones; `rows` int64: those taken."""

    values: Floats
    rows: Ints


@dataclass(frozen=True, slots=True)
class KeptBars:
    """Bars of one interval, 1d or 1w, before a session.

    `opened_at`: int64 (m,), regular open of each bar's first session, seconds UTC; `first`: int64 (S,), each
    symbol's first column that is kept; `parts`: the bars of all symbols, in the order of rows. Days are views
    of the run's own bars, also after symbols have joined.
    """

    interval: Interval
    opened_at: Ints
    first: Ints
    parts: tuple[KeptPart, ...]

    def values(self, start: int, stop: int) -> Floats:
        """Return the bars of rows [start, stop), float64 (5, rows, m), NaN for a missing bar."""
        columns = len(self.opened_at)
        [*parts] = self.parts
        if len(parts) == 1 and parts[0].values.shape[2] == columns:
            return parts[0].values[:, parts[0].rows[start:stop]]
        made = np.full((5, max(0, min(stop, len(self.first)) - start), columns), np.nan)
        at = -start
        for values, all_rows in parts:
            rows = all_rows[max(0, -at) : max(0, stop - start - at)]
            begin = max(0, at)
            made[:, begin : begin + len(rows), columns - values.shape[2] :] = values[:, rows]
            at += len(all_rows)
        return made

    def copied(self) -> KeptBars:
        """Return a copy whose array holds these symbols alone."""
        symbols = len(self.first)
        values = np.ascontiguousarray(self.values(0, symbols))
        return replace(self, parts=(KeptPart(values, np.arange(symbols, dtype=np.int64)),))

    @property
    def nbytes(self) -> int:
        """Size of the arrays that the bars are in."""
        return sum(part.values.nbytes for part in self.parts)


def kept_history(history: History, requested: Mapping[Interval, Ints], before: date) -> tuple[KeptBars, ...]:
    """Return the days and weeks before a day that a session file keeps, without those that have no bars.

    `requested`: trading days per symbol, int64 (S,), by interval.
    """
    found = []
    for interval, depths in requested.items():
        if interval.is_intraday or history.daily is None:
            continue
        deepest = history.days(interval, int(depths.max()), before)
        if not deepest:
            continue
        [held] = deepest
        columns = held.grid.shape[1]
        first = np.full(len(depths), columns, dtype=np.int64)
        for depth in np.unique(depths[depths > 0]).tolist():
            days = history.days(interval, depth, before)
            first[depths == depth] = columns - sum(day.grid.shape[1] for day in days)
        opens = history.daily.regular_opens(held.opened_at)
        rows = np.arange(len(depths), dtype=np.int64)
        found.append(KeptBars(interval, opens, first, (KeptPart(held.grid.values, rows),)))
    return tuple(found)


def gathered_kept(pieces: Sequence[tuple[tuple[KeptBars, ...], Ints]]) -> tuple[KeptBars, ...]:
    """Return the kept history of rows of one or more tapes of one session.

    All end with the last day or week before it; they may differ in depth, and one may have none.
    """
    intervals = dict.fromkeys(kept.interval for history, _ in pieces for kept in history)
    return tuple(
        _gathered([(_of_interval(history, interval), rows) for history, rows in pieces])
        for interval in intervals
    )


def _of_interval(history: Sequence[KeptBars], interval: Interval) -> KeptBars | None:
    return next((kept for kept in history if kept.interval == interval), None)


def _gathered(pieces: Sequence[tuple[KeptBars | None, Ints]]) -> KeptBars:
    deepest = max((kept for kept, _ in pieces if kept is not None), key=lambda kept: len(kept.opened_at))
    columns = len(deepest.opened_at)
    firsts: list[Ints] = []
    parts: list[KeptPart] = []
    for kept, rows in pieces:
        if kept is None:
            firsts.append(np.full(len(rows), columns, dtype=np.int64))
            parts.append(KeptPart(np.empty((5, 1, 0)), np.zeros(len(rows), dtype=np.int64)))
        else:
            firsts.append(kept.first[rows] + columns - len(kept.opened_at))
            parts += _parts_of(kept, rows)
    return KeptBars(deepest.interval, deepest.opened_at, np.concatenate(firsts), tuple(_merged(parts)))


def _parts_of(kept: KeptBars, rows: Ints) -> list[KeptPart]:
    """Return the parts that have the given ascending rows."""
    ends = np.cumsum([len(part.rows) for part in kept.parts])
    edges = np.searchsorted(rows, [0, *ends.tolist()])
    return [
        KeptPart(part.values, part.rows[rows[start:stop] - (end - len(part.rows))])
        for part, end, start, stop in zip(kept.parts, ends.tolist(), edges[:-1], edges[1:], strict=True)
        if start < stop
    ]


def _merged(parts: Sequence[KeptPart]) -> list[KeptPart]:
    """Return parts, with neighbours that are of one array as one."""
    merged: list[KeptPart] = []
    for part in parts:
        if merged and merged[-1].values is part.values:
            merged[-1] = KeptPart(part.values, np.concatenate([merged[-1].rows, part.rows]))
        elif len(part.rows):
            merged.append(part)
    return merged
