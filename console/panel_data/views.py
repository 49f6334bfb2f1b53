"""Tables of `--view` and key scripts: panel contents of all symbols, without a screen."""

from __future__ import annotations

import json

import numpy as np

from tapedeck.console.panel_data.panel_tables import (
    INDICATORS,
    QUALITY,
    events_table,
    indicators_table,
    local_time,
    metrics_table,
    quality_table,
    symbol_headings,
    symbols_table,
)
from tapedeck.console.panel_data.registry import table_maker, view_names
from tapedeck.console.panel_data.tables import Row, Table, table_text
from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.errors import ConfigError, ConfigProblem, nearest
from tapedeck.engine.read.events import events_known_at
from tapedeck.engine.read.snapshot import Snapshot
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.bar_grid import FIELDS


def view_text(system: SystemManager, panel: str, form: str) -> str:
    """Return a panel's content as csv, markdown or json; ConfigError for an unknown panel."""
    return table_text(view_table(system, panel), form)


def headed_view_text(system: SystemManager, panel: str, form: str) -> str:
    """Return a panel's content, below a line with its name and the run's clock."""
    now = system.snapshot()
    text = table_text(view_table(system, panel, now), form)
    clock = local_time(now.clock, None if now.view is None else now.view.session.zone)
    if form == "json":
        document = {"view": panel, "clock": clock, "rows": json.loads(text)}
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    heading = f"{panel}, {clock or 'before the first session'}"
    return f"## {heading}\n\n{text}" if form == "markdown" else f"# {heading}\n{text}"


def view_table(system: SystemManager, panel: str, now: Snapshot | None = None) -> Table:
    """Return a panel's content now, or of a snapshot; without rows before the first session."""
    known = view_names()
    if panel not in known:
        message = f"unknown panel {panel!r}: use {', '.join(known)}."
        raise ConfigError("view", [ConfigProblem("panel", panel, message, nearest(panel, known))])
    table = table_maker(panel)(system, now or system.snapshot())
    assert isinstance(table, Table)
    return table


def session(_system: SystemManager, now: Snapshot) -> Table:
    """Return the state of the run and its session, one field per row."""
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


def symbols(system: SystemManager, now: Snapshot) -> Table:
    """Return prices, figures of the day, quotes, indicators and quality of all symbols."""
    view = now.view
    if view is None:
        quotes = system.config.session_data_config.wants_quotes
        return Table.of(symbol_headings(has_quotes=quotes), [])
    return symbols_table(view, view.symbols)


def bars(_system: SystemManager, now: Snapshot) -> Table:
    """Return all bars of the session, by symbol and interval."""
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
            present = np.flatnonzero(~np.isnan(bars.close)).tolist()
            rows += [
                (symbol, str(interval), times[at], *(column[at] for column in columns)) for at in present
            ]
    return Table.of(headings, rows)


def indicators(_system: SystemManager, now: Snapshot) -> Table:
    """Return the indicators of all symbols."""
    view = now.view
    return Table.of(INDICATORS, []) if view is None else indicators_table(view, view.symbols)


def quality(_system: SystemManager, now: Snapshot) -> Table:
    """Return scores and gaps of all symbols."""
    view = now.view
    return Table.of(QUALITY, []) if view is None else quality_table(view, view.symbols)


def events(system: SystemManager, now: Snapshot) -> Table:
    """Return the events known at a snapshot."""
    view, known, missing = now.view, system.events(), system.unlisted_gaps()
    known = known if view is None else events_known_at(known, view)
    note = f"{missing} earlier missing runs are not listed: see each day's quality" if missing else ""
    return events_table(known, None if view is None else view.session.zone, note=note)


def metrics(system: SystemManager, _now: Snapshot) -> Table:
    """Return timers and counters of the run."""
    return metrics_table(system.metrics)
