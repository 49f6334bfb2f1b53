"""Final state of a run (session.json). The same tape gives the same bytes: no timings, no paths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.export.scans_json import scanner_numbers, scans_of
from tapedeck.engine.export.strategies_json import (
    account_numbers,
    json_number,
    notes_of,
    strategies_document,
)
from tapedeck.engine.export.text_columns import time_text
from tapedeck.engine.export.versions import library_versions
from tapedeck.engine.intervals import Interval
from tapedeck.engine.printable import printable_lines
from tapedeck.engine.read.snapshot import RunSummary
from tapedeck.engine.tape.bar_grid import FIELDS, Floats
from tapedeck.engine.tape.day_figures import DAY_FIGURES
from tapedeck.engine.tape.historical_value import HistoricalValue
from tapedeck.engine.tape.quote_grid import QUOTE_FIELDS
from tapedeck.engine.tape.session_record import SessionRecord, SessionSummary, kept_symbols, last_frontiers
from tapedeck.engine.tape.session_view import SessionView

# A JSON object.
Document = dict[str, Any]


def writable(summary: RunSummary) -> RunSummary:
    """Return a summary whose messages can be written to a file.

    They may name a path that is not UTF-8, whose bytes are then shown as escapes.
    """
    return replace(
        summary,
        error=None if summary.error is None else printable_lines(summary.error),
        warnings=tuple(printable_lines(text) for text in summary.warnings),
        notes=tuple(printable_lines(text) for text in summary.notes),
    )


def session_document(summary: RunSummary, last: SessionRecord | None, config: SessionConfig) -> Document:
    """Return the final state; `last`: the last session played, with all symbols that were in it, or None.

    `config`: of the run.
    """
    file_symbols = config.session_data_config.symbols
    return {
        "session_name": summary.session_name,
        "exchange": summary.exchange,
        "mode": summary.mode,
        "state": summary.state,
        "error": summary.error,
        "stamp": summary.stamp,
        "base_interval": summary.base,
        "derived_intervals": list(summary.derived),
        **strategies_document(config, summary),
        "sessions": [
            {
                "trading_day": session.trading_day,
                "slots": session.slots,
                "played": session.played,
                "bars": session.bars,
                "quality": None if session.quality_pct is None else json_number(session.quality_pct),
                "digest": session.digest,
                **symbol_changes(session, file_symbols),
                **scanner_numbers(session),
                **account_numbers(session),
            }
            for session in summary.sessions
        ],
        "last_session": None if last is None else _last_session(last),
        "symbols": {} if last is None else _symbols(last),
        "parameters": {name: dict(values) for name, values in summary.parameters.items()},
        "versions": library_versions(),
    }


def symbol_changes(session: SessionSummary, file_symbols: Sequence[str]) -> Document:
    """Return the symbols of a session beside those of the file; nothing if there are none.

    `kept`: those that it began with, as they joined an earlier one; `changes`: those that came and went.
    """
    kept = kept_symbols(session, file_symbols)
    changes = [asdict(change) for change in session.changes]
    return {name: found for name, found in (("kept", list(kept)), ("changes", changes)) if found}


def _last_session(record: SessionRecord) -> Document:
    view = SessionView(record.tape, record.frontier)
    session = view.session
    return {
        "trading_day": session.trading_day.isoformat(),
        "zone": session.zone.key,
        **_bounds(session),
        "is_early_close": session.is_early_close,
        "clock": time_text(view.clock_seconds, session.zone),
        "frontier": view.frontier,
        "slots": view.slots,
        **scans_of(record),
        **notes_of(record),
    }


def _bounds(session: TradingSession) -> Document:
    instants = {
        "regular_open": session.regular_open,
        "regular_close": session.regular_close,
        "break_start": session.break_start,
        "break_end": session.break_end,
    }
    return {
        name: None if instant is None else instant.astimezone(session.zone).isoformat()
        for name, instant in instants.items()
    }


def _symbols(record: SessionRecord) -> Document:
    """Return the state of each symbol, in the order of joining; one that left as it was then."""
    tape, frontier = record.tape, record.frontier
    ends = last_frontiers(tape, frontier)
    there = np.flatnonzero(ends == frontier).tolist()
    found = _states(SessionView(tape, frontier), there)
    for row in np.flatnonzero(ends < frontier).tolist():
        left = int(ends[row])
        found |= _states(SessionView(tape.cut(np.array([row], dtype=np.int64), left), left), [0])
    return {symbol: found[symbol] for symbol in tape.symbols}


def _states(view: SessionView, rows: Sequence[int]) -> Document:
    names = {name: view.indicator_interval(name) for name in view.indicator_names()}
    grids = {name: view.indicator_grid(name) for name in names}
    totals = {"last": view.last_prices(), **{name: view.day_figure(name) for name in DAY_FIGURES}}
    quotes = _quotes(view)
    return {
        view.symbols[row]: {
            "totals": {name: json_number(float(values[row])) for name, values in totals.items()},
            **({"quotes": quotes[row]} if quotes else {}),
            "quality": _quality(view, row),
            "intervals": {str(interval): _interval(view, row, interval) for interval in view.intervals},
            "indicators": {name: _last_value(grid[row]) for name, grid in grids.items()},
            "historical": _historical(view, row),
        }
        for row in rows
    }


def _quotes(view: SessionView) -> list[Document]:
    """Return the last quote of each symbol; empty if the session streams none."""
    quotes, made = view.last_quotes(), view.quotes_made()
    if quotes is None or made is None:
        return []
    return [
        {**dict(zip(QUOTE_FIELDS, map(json_number, values), strict=True)), "made": is_made}
        for values, is_made in zip(quotes.T.tolist(), made.tolist(), strict=True)
    ]


def _quality(view: SessionView, row: int) -> Document:
    symbol, opened_at, zone = view.symbols[row], view.slot_times.opened_at, view.session.zone
    measured = view.quality_measured
    return {
        "measured": measured,
        "percent": json_number(view.quality(symbol)),
        "expected": int(view.expected_counts(view.base_interval)[row]) if measured else None,
        "actual": int(view.present_grid(view.base_interval)[row].sum()) if measured else None,
        "gaps": [
            {
                "start": time_text(int(opened_at[gap.first]), zone),
                "end": time_text(int(opened_at[gap.last]), zone),
                "missing": gap.count,
            }
            for gap in view.gaps(symbol)
        ],
    }


def _interval(view: SessionView, row: int, interval: Interval) -> Document:
    present = view.present_grid(interval)[row]
    at = np.flatnonzero(present)
    derived = interval != view.base_interval
    return {
        "derived": derived,
        "base": str(view.base_interval) if derived else None,
        "expected": int(view.expected_counts(interval)[row]),
        "bars": len(at),
        "last_bar": _bar(view, row, interval, int(at[-1])) if len(at) else None,
    }


def _bar(view: SessionView, row: int, interval: Interval, column: int) -> Document:
    values = view.bars_grid(interval)[:, row, column].tolist()
    return {
        "timestamp": time_text(int(view.opened_at(interval)[column]), view.session.zone),
        **{field: json_number(value) for field, value in zip(FIELDS, values, strict=True)},
        "base_bars": int(view.base_bars_grid(interval)[row, column]),
        "slots": int(view.bucket_widths(interval)[column]),
    }


def _last_value(values: Floats) -> float | int | None:
    present = values[~np.isnan(values)]
    return json_number(float(present[-1])) if len(present) else None


def _historical(view: SessionView, row: int) -> Document:
    symbol = view.symbols[row]
    quality = {interval: q for (name, interval), q in view.historical_quality.items() if name == symbol}
    return {
        "indicators": {name: _trailing(view.historical_value(name), row) for name in view.historical_names()},
        "quality": {
            str(interval): {
                "measured": scored.measured,
                "percent": json_number(scored.percent),
                "expected": scored.expected,
                "actual": scored.actual,
            }
            for interval, scored in quality.items()
        },
    }


def _trailing(value: HistoricalValue, row: int) -> Document:
    """Return a trailing value: a number with the bars used for it, or both by minute of the session."""
    numbers, used = value.values[row].tolist(), value.used[row].tolist()
    return {
        "type": value.kind.value,
        "granularity": "minute" if value.per_minute else "daily",
        "value": [json_number(number) for number in numbers] if value.per_minute else json_number(numbers),
        "used": used,
        "asked": value.requested,
    }
