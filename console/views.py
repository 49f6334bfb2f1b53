"""What the panels show, as tables of plain values, of all symbols and without a screen."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from console.panel_names import PANELS
from console.ui.screen_data import Table, Value, table_text
from engine.clock.slots import utc_from_epoch
from engine.errors import ConfigError, ConfigProblem, nearest
from engine.system import SystemManager
from engine.tape.bar_grid import FIELDS, OPEN
from engine.tape.changes import change_pct
from engine.tape.session_view import SessionView

Rows = list[tuple[Value, ...]]


def view_text(system: SystemManager, panel: str, form: str) -> str:
    """Return a panel's content as csv, markdown or json; ConfigError for a panel that there is not."""
    return table_text(view_table(system, panel), form)


def headed_view_text(system: SystemManager, panel: str, form: str) -> str:
    """Return a panel's content under its name and the run's clock, to be told from others beside it."""
    now, text = system.snapshot(), view_text(system, panel, form)
    clock = _time(now.clock, None if now.view is None else now.view.session.zone)
    if form == "json":
        document = {"view": panel, "clock": clock, "rows": json.loads(text)}
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    heading = f"{panel}, {clock or 'before the first session'}"
    return f"## {heading}\n\n{text}" if form == "markdown" else f"# {heading}\n{text}"


def view_table(system: SystemManager, panel: str) -> Table:
    """Return a panel's content at the run's clock; no rows where no session is loaded."""
    if panel not in _MAKERS:
        message = f"{panel!r} is no panel: {', '.join(PANELS)}."
        raise ConfigError("view", [ConfigProblem("panel", panel, message, nearest(panel, PANELS))])
    headings, rows = _MAKERS[panel](system)
    return Table.of(headings, rows)


def _session(system: SystemManager) -> tuple[list[str], Rows]:
    now = system.snapshot()
    zone = None if now.view is None else now.view.session.zone
    rows: Rows = [
        ("session_name", now.session_name),
        ("state", now.state.value),
        ("mode", now.mode),
        ("exchange", now.exchange),
        ("trading_day", None if now.trading_day is None else now.trading_day.isoformat()),
        ("clock", _time(now.clock, zone)),
        ("regular_open", _time(now.regular_open, zone)),
        ("regular_close", _time(now.regular_close, zone)),
        ("is_early_close", str(now.is_early_close).lower()),
        ("slots_over", now.frontier),
        ("slots", now.slots),
        ("session", now.session),
        ("sessions", now.sessions),
        ("base", str(now.base)),
        ("stopped_at", None if now.stopped_at is None else now.stopped_at.text),
        ("error", now.error),
        ("stamp", now.stamp),
    ]
    return ["field", "value"], rows


def _symbols(system: SystemManager) -> tuple[list[str], Rows]:
    view = system.session_data.view()
    names = () if view is None else view.indicator_names()
    headings = ["symbol", "last", "change_pct", "volume", *names, "quality", "gaps"]
    if view is None:
        return headings, []
    return headings, [_symbol(system, view, symbol, names) for symbol in view.symbols]


def _symbol(
    system: SystemManager, view: SessionView, symbol: str, names: tuple[str, ...]
) -> tuple[Value, ...]:
    totals = view.totals(symbol)
    change = None
    if totals is not None:
        opens = view.bars_grid(system.snapshot().base)[OPEN, view.row(symbol)]
        first = opens[~np.isnan(opens)][:1]
        change = float(change_pct(first, np.array([totals.last]))[0])
    return (
        symbol,
        None if totals is None else totals.last,
        change,
        None if totals is None else totals.volume,
        *(view.indicator(symbol, name) for name in names),
        view.quality(symbol) if view.quality_measured else None,
        len(view.gaps(symbol)),
    )


def _bars(system: SystemManager) -> tuple[list[str], Rows]:
    headings = ["symbol", "interval", "timestamp", *FIELDS, "base_bars"]
    view, tape = system.session_data.view(), system.tape
    rows: Rows = []
    if view is None or tape is None:
        return headings, rows
    for symbol in view.symbols:
        for interval in tape.intervals:
            bars = view.bars(symbol, interval)
            times = [_time(utc_from_epoch(at), view.session.zone) for at in bars.opened_at.tolist()]
            columns = [getattr(bars, name).tolist() for name in (*FIELDS, "base_bars")]
            there = np.flatnonzero(~np.isnan(bars.close)).tolist()
            rows += [(symbol, str(interval), times[at], *(column[at] for column in columns)) for at in there]
    return headings, rows


def _indicators(system: SystemManager) -> tuple[list[str], Rows]:
    view, tape = system.session_data.view(), system.tape
    rows: Rows = []
    if view is not None and tape is not None:
        for symbol in view.symbols:
            for name in view.indicator_names():
                interval = str(view.indicator_interval(name))
                rows.append((symbol, name, "session", interval, view.indicator(symbol, name)))
            for name in tape.historical:
                shown = system.explain(symbol, name, view.frontier)
                rows.append((symbol, name, "historical", str(shown.interval), shown.value))
    return ["symbol", "name", "kind", "interval", "value"], rows


def _quality(system: SystemManager) -> tuple[list[str], Rows]:
    headings = ["symbol", "interval", "kind", "quality", "gaps", "missing"]
    view, tape = system.session_data.view(), system.tape
    rows: Rows = []
    if view is None or tape is None:
        return headings, rows
    for symbol in view.symbols:
        gaps = view.gaps(symbol)
        score = view.quality(symbol) if view.quality_measured else None
        missing = sum(gap.count for gap in gaps)
        rows += [(symbol, str(interval), "session", score, len(gaps), missing) for interval in tape.intervals]
        for (owner, interval), quality in system.session_data.historical_quality.items():
            if owner == symbol:
                lost = None if quality.expected is None else quality.expected - quality.actual
                score_before = quality.percent if quality.measured else None
                rows.append((symbol, str(interval), "historical", score_before, None, lost))
    return headings, rows


def _events(system: SystemManager) -> tuple[list[str], Rows]:
    view = system.session_data.view()
    zone = None if view is None else view.session.zone
    rows: Rows = [
        (
            event.number,
            event.kind.value,
            None if event.trading_day is None else event.trading_day.isoformat(),
            _time(event.clock, zone),
            event.symbol,
            event.text,
        )
        for event in system.events()
    ]
    return ["number", "kind", "trading_day", "timestamp", "symbol", "text"], rows


def _metrics(system: SystemManager) -> tuple[list[str], Rows]:
    return ["name", "count", "min_ms", "mean_ms", "p95_ms", "max_ms", "total_s"], list(_metric_rows(system))


def _metric_rows(system: SystemManager) -> Iterator[tuple[Value, ...]]:
    for name, timer in system.metrics.timers().items():
        figures = (1e3 * seconds for seconds in (timer.min_s, timer.mean_s, timer.p95_s, timer.max_s))
        yield name, timer.count, *figures, timer.total_s
    for name, number in system.metrics.counts().items():
        yield name, number, None, None, None, None, None


def _time(instant: datetime | None, zone: ZoneInfo | None) -> str | None:
    """Return an instant in the exchange's time, ISO 8601 with its offset."""
    return None if instant is None else instant.astimezone(zone).isoformat()


_MAKERS: Final[Mapping[str, Callable[[SystemManager], tuple[list[str], Rows]]]] = {
    "session": _session,
    "symbols": _symbols,
    "bars": _bars,
    "indicators": _indicators,
    "quality": _quality,
    "events": _events,
    "metrics": _metrics,
}
