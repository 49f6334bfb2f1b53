"""Views: the panels as tables of plain values, of all symbols and without a screen."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from tapedeck.console.panel_data.panel_names import PANELS
from tapedeck.console.panel_data.panel_tables import (
    INDICATORS,
    QUALITY,
    events_table,
    indicators_table,
    local_time,
    metrics_table,
    quality_table,
    symbols_table,
)
from tapedeck.console.panel_data.tables import Row, Table, table_text
from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.errors import ConfigError, ConfigProblem, nearest
from tapedeck.engine.read.events import events_known_at
from tapedeck.engine.read.snapshot import Snapshot
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.bar_grid import FIELDS


def view_text(system: SystemManager, panel: str, form: str) -> str:
    """Return a panel's content as csv, markdown or json; ConfigError for a panel that there is not."""
    return table_text(view_table(system, panel), form)


def headed_view_text(system: SystemManager, panel: str, form: str) -> str:
    """Return a panel's content under its name and the run's clock, to be told from others beside it."""
    now = system.snapshot()
    text = table_text(view_table(system, panel, now), form)
    clock = local_time(now.clock, None if now.view is None else now.view.session.zone)
    if form == "json":
        document = {"view": panel, "clock": clock, "rows": json.loads(text)}
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    heading = f"{panel}, {clock or 'before the first session'}"
    return f"## {heading}\n\n{text}" if form == "markdown" else f"# {heading}\n{text}"


def view_table(system: SystemManager, panel: str, now: Snapshot | None = None) -> Table:
    """Return a panel's content at the run's clock, or of a snapshot; no rows where no session is loaded."""
    if panel not in _MAKERS:
        message = f"{panel!r} is no panel: {', '.join(PANELS)}."
        raise ConfigError("view", [ConfigProblem("panel", panel, message, nearest(panel, PANELS))])
    return _MAKERS[panel](system, now or system.snapshot())


def _session(_system: SystemManager, now: Snapshot) -> Table:
    zone = None if now.view is None else now.view.session.zone
    rows: list[Row] = [
        ("session_name", now.session_name),
        ("state", now.state.value),
        ("mode", now.mode),
        ("exchange", now.exchange),
        ("trading_day", None if now.trading_day is None else now.trading_day.isoformat()),
        ("clock", local_time(now.clock, zone)),
        ("regular_open", local_time(now.regular_open, zone)),
        ("regular_close", local_time(now.regular_close, zone)),
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
    return Table.of(["field", "value"], rows)


def _symbols(_system: SystemManager, now: Snapshot) -> Table:
    view = now.view
    if view is None:
        return Table.of(["symbol", "last", "change_pct", "volume", "quality", "gaps"], [])
    return symbols_table(view, view.symbols)


def _bars(_system: SystemManager, now: Snapshot) -> Table:
    headings = ["symbol", "interval", "timestamp", *FIELDS, "base_bars"]
    view = now.view
    rows: list[Row] = []
    if view is None:
        return Table.of(headings, rows)
    for symbol in view.symbols:
        for interval in view.intervals:
            bars = view.bars(symbol, interval)
            times = [local_time(utc_from_epoch(at), view.session.zone) for at in bars.opened_at.tolist()]
            columns = [getattr(bars, name).tolist() for name in (*FIELDS, "base_bars")]
            there = np.flatnonzero(~np.isnan(bars.close)).tolist()
            rows += [(symbol, str(interval), times[at], *(column[at] for column in columns)) for at in there]
    return Table.of(headings, rows)


def _indicators(_system: SystemManager, now: Snapshot) -> Table:
    view = now.view
    return Table.of(INDICATORS, []) if view is None else indicators_table(view, view.symbols)


def _quality(_system: SystemManager, now: Snapshot) -> Table:
    view = now.view
    return Table.of(QUALITY, []) if view is None else quality_table(view, view.symbols)


def _events(system: SystemManager, now: Snapshot) -> Table:
    view, events, missing = now.view, system.events(), system.unlisted_gaps()
    known = events if view is None else events_known_at(events, view)
    note = f"{missing} earlier gaps are not listed: each day's quality has them" if missing else ""
    return events_table(known, None if view is None else view.session.zone, note=note)


_MAKERS: Final[Mapping[str, Callable[[SystemManager, Snapshot], Table]]] = {
    "session": _session,
    "symbols": _symbols,
    "bars": _bars,
    "indicators": _indicators,
    "quality": _quality,
    "events": _events,
    "metrics": lambda system, _now: metrics_table(system.metrics),
}
