"""Data of widgets from a view: plain arrays, for all symbols at once."""

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
from tapedeck.engine.store.coverage import Coverage
from tapedeck.engine.tape.bar_grid import CLOSE, FIELDS, Floats
from tapedeck.engine.tape.session_totals import last_values
from tapedeck.engine.tape.session_view import Bars, SessionView

TREND_POINTS: Final = 16
"""Points of a sparkline in the symbol table."""


def trend(closes: Floats, points: int = TREND_POINTS) -> Floats:
    """Return the last known close at `points` times spread over the session so far, shape (S, ≤ points)."""
    columns = closes.shape[1]
    if columns == 0:
        return closes
    edges = np.unique(np.linspace(0, columns, min(points, columns) + 1).astype(np.int64))
    parts = [last_values(closes[:, start:stop]) for start, stop in pairwise(edges.tolist())]
    return np.stack(parts, axis=1)


def symbol_rows(
    view: SessionView,
    *,
    indicators: Sequence[str],
    relative_volume: str | None,
    prices: Collection[str] = (),
    before: Mapping[str, Floats] | None = None,
) -> SymbolRows:
    """Return the rows of the symbol table; changes count from the prior close, as in conditions.

    `prices`: names of the indicators on the price scale. `before`: figures of the session before, by column.
    """
    before = before or {}
    missing = np.full(len(view.symbols), np.nan)
    values = {name: view.indicator_grid(name) for name in indicators}
    return SymbolRows(
        symbols=view.symbols,
        last=view.last_prices(),
        change_pct=view.day_figure("change_pct"),
        volume=view.volumes(),
        relative_volume=missing
        if relative_volume is None
        else last_values(view.indicator_grid(relative_volume)),
        quality=_scores(view),
        gaps=view.gap_counts().astype(np.float64) if view.has_scores else missing,
        trend=trend(view.bars_grid(view.base_interval)[CLOSE]),
        indicators={name: last_values(columns) for name, columns in values.items()},
        decimals=column_decimals(_filled(view.first_opens(), before.get("last"))),
        indicator_decimals={
            name: column_decimals(_filled(sizes_of(columns, view.slots), before.get(name)))
            for name, columns in values.items()
            if name not in prices
        },
        before=before,
    )


def _filled(sizes: Floats, before: Floats | None) -> Floats:
    """Return sizes of today's figures; where they are missing, those of the session before."""
    return sizes if before is None else np.where(np.isnan(sizes), np.abs(before), sizes)


def _scores(view: SessionView) -> Floats:
    """Return every symbol's score, NaN before the first one."""
    scores = view.quality_grid()
    if scores is None or not view.has_scores:
        return np.full(len(view.symbols), np.nan)
    return scores[:, -1]


def strip_data(played: SessionView, *, looked_at: int | None, ticks: Sequence[StripTick] = ()) -> StripData:
    """Return the timeline of a session as far as it was played; `looked_at`: frontier shown in the past."""
    present = played.present_grid(played.base_interval)
    session = played.session
    opens, closes = (
        f"{instant.astimezone(session.zone):%H:%M}"
        for instant in (session.regular_open, session.regular_close)
    )
    return StripData(
        slots=played.slots,
        frontier=played.frontier,
        complete=present.mean(axis=0) if len(present) else np.zeros(present.shape[1]),
        ticks=tuple(ticks),
        viewed_frontier=looked_at,
        opens=opens,
        closes=closes,
    )


def gap_map(view: SessionView) -> GapMapData:
    """Return the present and missing bars of the session."""
    return GapMapData(
        symbols=view.symbols,
        present=view.present_grid(view.base_interval),
        slots=view.slots,
        opened_at=view.opened_at(view.base_interval),
        zone=view.session.zone,
    )


def coverage_map(found: Coverage) -> CoverageData:
    """Return the coverage map: symbols by days."""
    pct = np.array([[day.pct for day in row.days] for row in found.symbols], dtype=np.float64)
    return CoverageData(tuple(row.symbol for row in found.symbols), found.days, pct)


def chart_data(
    view: SessionView,
    symbol: str,
    interval: Interval,
    *,
    history: Sequence[Bars] = (),
    overlays: Sequence[str] = (),
    levels: Mapping[str, float] | None = None,
    as_of: str = "",
) -> ChartData:
    """Return the candles of a symbol: earlier sessions, then this one up to the view's clock.

    `overlays`: names of indicators on the same interval, with values for this session only. `levels`: name →
    price.
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
        name: _padded(np.concatenate([blank, view.indicator_grid(name)[row]]), earlier + len(bars))
        for name in overlays
    }
    return ChartData(
        title=f"{symbol} {interval}",
        as_of=as_of,
        zone=view.session.zone,
        today=earlier,
        overlays=lines,
        levels=levels or {},
        is_daily=not interval.is_intraday,
        **columns,
    )


def _padded(values: Floats, length: int) -> Floats:
    """Return a series cut or padded with missing values: indicators may be a block behind their bars."""
    if len(values) >= length:
        return values[:length]
    return np.concatenate([values, np.full(length - len(values), np.nan)])
