"""From a view to what widgets draw: plain arrays, for all symbols at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from tapedeck.console.app.decimals import column_decimals, sizes_of
from tapedeck.console.app.widgets import (
    ChartData,
    CoverageData,
    GapMapData,
    StripData,
    StripTick,
    SymbolRows,
)
from tapedeck.engine.intervals import Interval
from tapedeck.engine.quality.gap_grids import gap_counts, gap_starts
from tapedeck.engine.store.coverage import Coverage
from tapedeck.engine.tape.bar_grid import CLOSE, FIELDS, OPEN, VOLUME, Floats
from tapedeck.engine.tape.changes import change_pct
from tapedeck.engine.tape.session_view import Bars, SessionView
from tapedeck.engine.tape.tape import Tape

TREND_POINTS: Final = 16
"""Points of a sparkline in the symbol table."""


def last_values(values: Floats) -> Floats:
    """Return the last value of each row that is not missing, shape (S,), NaN where all are."""
    rows, columns = values.shape
    if columns == 0:
        return np.full(rows, np.nan)
    last: Floats = values[:, -1].copy()
    missing = np.flatnonzero(np.isnan(last))
    if len(missing):  # few, as a rule: only they are searched
        there = ~np.isnan(values[missing])
        at = columns - 1 - np.argmax(there[:, ::-1], axis=1)
        last[missing] = values[missing, at]
    return last


def first_values(values: Floats) -> Floats:
    """Return the first value of each row that is not missing, shape (S,), NaN where all are."""
    return last_values(values[:, ::-1])


def gap_slots(tape: Tape) -> list[int]:
    """Return all slots played so far in which a gap begins; none where gaps are not looked for."""
    if tape.scores is None or tape.base.full:
        return []
    starts: list[int] = np.flatnonzero(gap_starts(tape.base.present[:, : tape.frontier])).tolist()
    return starts


def trend(closes: Floats, points: int = TREND_POINTS) -> Floats:
    """Return the last known close at `points` moments spread over the session so far, shape (S, ≤ points)."""
    columns = closes.shape[1]
    if columns == 0:
        return closes
    edges = np.unique(np.linspace(0, columns, min(points, columns) + 1).astype(np.int64))
    parts = [last_values(closes[:, start:stop]) for start, stop in pairwise(edges.tolist())]
    return np.stack(parts, axis=1)


def symbol_rows(
    view: SessionView,
    base: Interval,
    *,
    indicators: Sequence[str],
    relative_volume: str | None,
    prices: Collection[str] = (),
) -> SymbolRows:
    """Return the symbol table's rows; changes count from the session's first open, as in conditions.

    `prices` names the indicators that stand on the price scale.
    """
    grid = view.bars_grid(base)
    present = view.present_grid(base)
    closes = grid[CLOSE]
    last = last_values(closes)
    scores = view.quality_grid()
    missing = np.full(len(view.symbols), np.nan)
    opens = first_values(grid[OPEN])
    values = {name: view.indicator_grid(name) for name in indicators}
    return SymbolRows(
        symbols=view.symbols,
        last=last,
        change_pct=change_pct(opens, last),
        volume=np.where(present.any(axis=1), np.nansum(grid[VOLUME], axis=1), np.nan),
        relative_volume=missing
        if relative_volume is None
        else last_values(view.indicator_grid(relative_volume)),
        quality=missing if scores is None else scores[:, -1],
        gaps=gap_counts(present).astype(np.float64) if view.quality_measured else missing,
        trend=trend(closes),
        indicators={name: last_values(columns) for name, columns in values.items()},
        decimals=column_decimals(opens),
        indicator_decimals={
            name: column_decimals(sizes_of(columns, view.slots))
            for name, columns in values.items()
            if name not in prices
        },
    )


def strip_data(
    view: SessionView,
    base: Interval,
    *,
    known: int,
    looked_at: int | None,
    ticks: Sequence[StripTick] = (),
) -> StripData:
    """Return the timeline of a session played up to slot `known`; `view` is of the whole of that."""
    present = view.present_grid(base)
    session = view.session
    opens, closes = (
        f"{instant.astimezone(session.zone):%H:%M}"
        for instant in (session.regular_open, session.regular_close)
    )
    return StripData(
        slots=view.slots,
        frontier=known,
        complete=present.mean(axis=0) if len(present) else np.zeros(present.shape[1]),
        ticks=tuple(ticks),
        viewed_frontier=looked_at,
        opens=opens,
        closes=closes,
    )


def gap_map(view: SessionView, base: Interval) -> GapMapData:
    """Return which bars of the session there are."""
    return GapMapData(
        symbols=view.symbols,
        present=view.present_grid(base),
        slots=view.slots,
        opened_at=view.opened_at(base),
        zone=view.session.zone,
    )


def coverage_map(found: Coverage) -> CoverageData:
    """Return what is stored, symbols by days."""
    pct = np.array([[day.pct for day in row.days] for row in found.symbols], dtype=np.float64)
    return CoverageData(tuple(row.symbol for row in found.symbols), found.days, pct)


def chart_data(
    view: SessionView,
    symbol: str,
    interval: Interval,
    *,
    history: Sequence[Bars] = (),
    overlays: Sequence[str] = (),
    as_of: str = "",
) -> ChartData:
    """Return the candles of a symbol: those of earlier sessions, then today's up to the view's clock.

    `overlays` names indicators on the same interval; they have values for today only.
    """
    bars = view.bars(symbol, interval)
    earlier = sum(len(day) for day in history)
    columns = {
        name: np.concatenate([*(getattr(day, name) for day in history), getattr(bars, name)])
        for name in ("opened_at", *FIELDS)
    }
    row = view.row(symbol)
    blank = np.full(earlier, np.nan)
    lines: Mapping[str, Floats] = {
        name: _fitted(np.concatenate([blank, view.indicator_grid(name)[row]]), earlier + len(bars))
        for name in overlays
    }
    return ChartData(
        title=f"{symbol} {interval}",
        as_of=as_of,
        zone=view.session.zone,
        today=earlier,
        overlays=lines,
        is_daily=not interval.is_intraday,
        **columns,
    )


def _fitted(values: Floats, length: int) -> Floats:
    """Return a series cut or filled up with missing values: indicators may be a block behind their bars."""
    if len(values) >= length:
        return values[:length]
    return np.concatenate([values, np.full(length - len(values), np.nan)])
