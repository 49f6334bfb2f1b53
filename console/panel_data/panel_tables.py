"""Tables of the panels as plain values, for keys, scripts and batch jobs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from tapedeck.console.panel_data.tables import Row, Table
from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.intervals import DAY, MINUTE
from tapedeck.engine.metrics.performance import PerformanceMetrics
from tapedeck.engine.read.events import Event
from tapedeck.engine.tape.bar_grid import Floats, Ints, Mask
from tapedeck.engine.tape.day_figures import DAY_FIGURES
from tapedeck.engine.tape.quote_figures import QUOTE_FIGURES, quote_figure
from tapedeck.engine.tape.session_view import SessionView

INDICATORS: Final = ("symbol", "name", "kind", "interval", "value")
QUALITY: Final = ("symbol", "interval", "kind", "quality", "gaps", "missing", "first", "last")
EVENTS: Final = ("number", "kind", "trading_day", "timestamp", "symbol", "text")
METRICS: Final = ("name", "count", "min_ms", "mean_ms", "p95_ms", "max_ms", "total_s")
MADE: Final = "made"
"""Heading of the column that tells whether a symbol's quotes are made, true or false."""
_UNLISTED: Final = "note"


def local_time(instant: datetime | None, zone: ZoneInfo | None) -> str | None:
    """Return an instant in the exchange's time, ISO 8601 with its offset."""
    return None if instant is None else instant.astimezone(zone).isoformat()


def symbols_table(view: SessionView, symbols: Sequence[str]) -> Table:
    """Return last, figures of the day, all indicators, quality, runs of missing bars, and missing bars.

    One row per symbol, in their order. If the session streams quotes, with the last ones, and whether they
    are made.
    """
    names = view.indicator_names()
    figures = {"last": view.last_prices(), **{name: view.day_figure(name) for name in DAY_FIGURES}}
    quotes, made = view.last_quotes(), view.quotes_made()
    if quotes is not None:
        figures |= {name: quote_figure(quotes, name) for name in QUOTE_FIGURES}
    missing = view.missing_counts()
    rows = [_symbol(view, symbol, [*figures.values()], made, names, missing) for symbol in symbols]
    return Table.of(symbol_headings(names, has_quotes=view.has_quotes), rows)


def symbol_headings(indicators: Sequence[str] = (), *, has_quotes: bool = False) -> tuple[str, ...]:
    """Return the headings of `symbols_table`."""
    quotes = (*QUOTE_FIGURES, MADE) if has_quotes else ()
    return ("symbol", "last", *DAY_FIGURES, *quotes, *indicators, "quality", "gaps", "missing")


def _symbol(
    view: SessionView,
    symbol: str,
    figures: Sequence[Floats],
    made: Mask | None,
    names: Sequence[str],
    missing: Ints,
) -> Row:
    row, measured = view.row(symbol), view.has_scores
    return (
        symbol,
        *(float(values[row]) for values in figures),
        *(() if made is None else (str(bool(made[row])).lower(),)),
        *(view.indicator(symbol, name) for name in names),
        view.quality(symbol) if measured else None,
        len(view.gaps(symbol)) if measured else None,
        int(missing[row]) if measured else None,
    )


def indicators_table(view: SessionView, symbols: Sequence[str]) -> Table:
    """Return session and historical indicators of symbols at the time of a view."""
    rows: list[Row] = []
    for symbol in symbols:
        for name in view.indicator_names():
            interval = str(view.indicator_interval(name))
            rows.append((symbol, name, "session", interval, view.indicator(symbol, name)))
        for name in view.historical_names():
            interval = str(MINUTE if view.historical_value(name).per_minute else DAY)
            rows.append((symbol, name, "historical", interval, view.historical(symbol, name).value))
    return Table.of(INDICATORS, rows)


def quality_table(view: SessionView, symbols: Sequence[str]) -> Table:
    """Return scores of symbols, of session and history, and each gap: `first` and `last` missing slot."""
    rows = [row for symbol in symbols for row in _quality(view, symbol)]
    return Table.of(QUALITY, rows)


def _quality(view: SessionView, symbol: str) -> Iterator[Row]:
    gaps = view.gaps(symbol) if view.has_scores else ()
    known: Row = (None, None, None)
    if view.has_scores:
        known = (view.quality(symbol), len(gaps), sum(gap.count for gap in gaps))
    for interval in view.intervals:
        yield symbol, str(interval), "session", *known, None, None
    for (owner, interval), quality in view.historical_quality.items():
        if owner == symbol:
            missing = None if quality.expected is None else quality.expected - quality.actual
            percent = quality.percent if quality.measured else None
            yield symbol, str(interval), "historical", percent, None, missing, None, None
    base, zone, opened_at = str(view.base_interval), view.session.zone, view.slot_times.opened_at
    for gap in gaps:
        ends = (local_time(utc_from_epoch(int(opened_at[slot])), zone) for slot in (gap.first, gap.last))
        yield symbol, base, "gap", None, None, gap.count, *ends


def events_table(events: Sequence[Event], zone: ZoneInfo | None, *, note: str = "") -> Table:
    """Return events in their order; `note`: text of a first row, about events not listed."""
    rows: list[Row] = [(None, _UNLISTED, None, None, None, note)] if note else []
    rows += [
        (
            event.number,
            event.kind.value,
            None if event.trading_day is None else event.trading_day.isoformat(),
            local_time(event.clock, zone),
            event.symbol,
            event.text,
        )
        for event in events
    ]
    return Table.of(EVENTS, rows)


def metrics_table(metrics: PerformanceMetrics) -> Table:
    """Return timers and counters of the run."""
    return Table.of(METRICS, list(_metrics(metrics)))


def _metrics(metrics: PerformanceMetrics) -> Iterator[Row]:
    for name, timer in metrics.timers().items():
        figures = (1e3 * seconds for seconds in (timer.min_s, timer.mean_s, timer.p95_s, timer.max_s))
        yield name, timer.count, *figures, timer.total_s
    for name, number in metrics.counts().items():
        yield name, number, None, None, None, None, None
