"""Report of an import: counts, series, notes and rejected rows, as text or as a JSON document."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from math import isnan
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from tapedeck.console.cli.decimals import decimals_of
from tapedeck.console.cli.invocation import Invocation
from tapedeck.console.cli.terminal import Column, Terminal, number_column
from tapedeck.engine.importers.report import ImportReport, SeriesReport, length_text
from tapedeck.engine.intervals import Interval

_MAX_ROWS_SHOWN: Final = 20
_ROWS_BESIDE_QUESTION: Final = 3
_MAX_SERIES_SHOWN: Final = 20


def write_report(report: ImportReport, invocation: Invocation, rejects: Path | None) -> None:
    """Write what an import read and stored: counts, first rejected rows, notes, and a line per symbol."""
    location = None if report.is_dry_run else invocation.settings.store
    if invocation.as_json:
        invocation.terminal.write_json(_document(report, location))
        return
    terminal = invocation.terminal
    if report.question is not None and not (report.series or report.quotes):
        return  # nothing was understood yet: the question says it all
    terminal.write(report.summary(_MAX_ROWS_SHOWN if report.question is None else _ROWS_BESIDE_QUESTION))
    if report.is_dry_run:
        _write_reading(report, terminal)
    _write_series(report.series, "bars", report, terminal)
    _write_series(report.quotes, "quotes", report, terminal)
    if rejects is not None:
        terminal.write(f"rejected rows: {rejects}")
    if location is not None:
        terminal.write(f"store: {location}")
    if report.stored_nothing and not report.interrupted and report.question is None:
        terminal.write(_advice(report))


def _write_reading(report: ImportReport, terminal: Terminal) -> None:
    if report.columns:
        terminal.write("\ncolumns as understood:")
        width = max(map(len, report.columns))
        for role, source in report.columns.items():
            terminal.write(f"  {role:{width}}  {source}")
    if report.first_bars:
        _write_first_bars(report, terminal)
    if report.first_quotes:
        _write_first_quotes(report, terminal)


def _write_first_bars(report: ImportReport, terminal: Terminal) -> None:
    zone = ZoneInfo(report.zone)
    bars = report.first_bars
    symbols = {bar.symbol for bar in bars}
    price, _ = decimals_of([value for bar in bars for value in bar.prices], fewest=2)
    volume, _ = decimals_of([bar.volume for bar in bars])
    headings = [
        *([Column("symbol")] if len(symbols) > 1 else []),
        Column("opens"),
        *map(number_column, ("open", "high", "low", "close", "volume")),
    ]
    rows = [
        (
            bar.symbol,
            _moment(bar.opened_at, bar.interval, zone),
            *(f"{value:,.{price}f}" for value in bar.prices),
            f"{bar.volume:,.{volume}f}",
        )
        for bar in bars
    ]
    whose = f" of {bars[0].symbol}" if len(symbols) == 1 else ""
    times = f", times are {report.zone}" if bars[0].interval.is_intraday else ""
    terminal.write(f"\nfirst bars{whose}{times}:\n")
    terminal.table(headings, [row[-len(headings) :] for row in rows])


def _write_first_quotes(report: ImportReport, terminal: Terminal) -> None:
    zone = ZoneInfo(report.zone)
    quotes = report.first_quotes
    symbols = {quote.symbol for quote in quotes}
    prices = [value for quote in quotes for value in (quote.bid, quote.ask) if not isnan(value)]
    sizes = [value for quote in quotes for value in (quote.bid_size, quote.ask_size) if not isnan(value)]
    price, _ = decimals_of(prices, fewest=2)
    size, _ = decimals_of(sizes)
    headings = [
        *([Column("symbol")] if len(symbols) > 1 else []),
        Column("opens"),
        *map(number_column, ("bid", "ask", "bid size", "ask size")),
    ]
    rows = [
        (
            quote.symbol,
            _moment(quote.opened_at, quote.interval, zone),
            *("" if isnan(value) else f"{value:,.{price}f}" for value in (quote.bid, quote.ask)),
            *("" if isnan(value) else f"{value:,.{size}f}" for value in (quote.bid_size, quote.ask_size)),
        )
        for quote in quotes
    ]
    whose = f" of {quotes[0].symbol}" if len(symbols) == 1 else ""
    times = f", times are {report.zone}" if quotes[0].interval.is_intraday else ""
    terminal.write(f"\nfirst quotes{whose}{times}:\n")
    terminal.table(headings, [row[-len(headings) :] for row in rows])


def _write_series(found: Sequence[SeriesReport], noun: str, report: ImportReport, terminal: Terminal) -> None:
    if not found:
        return
    zone = ZoneInfo(report.zone)
    is_daily = not any(series.interval.is_intraday for series in found)
    is_told = report.is_dry_run and (report.first_bars or report.first_quotes)
    terminal.write("" if is_daily or is_told else f"\ntimes are {report.zone}\n")
    headings = [Column("symbol"), number_column(noun), *map(Column, ("first", "last", "step"))]
    if not is_daily:
        headings.append(Column("hours"))
    if len({series.interval for series in found}) > 1:
        headings.insert(1, Column("interval"))
    rows = [_cells(series, zone) | {noun: f"{series.bars:,}"} for series in found[:_MAX_SERIES_SHOWN]]
    terminal.table(headings, [[row[column.heading] for column in headings] for row in rows])
    rest = len(found) - _MAX_SERIES_SHOWN
    if rest > 0:
        terminal.write(f"… and {rest:,} more (all with --json)")
    terminal.write("")


def _cells(series: SeriesReport, zone: ZoneInfo) -> dict[str, str]:
    return {
        "symbol": series.symbol,
        "interval": str(series.interval),
        "first": _moment(series.first, series.interval, zone),
        "last": _moment(series.last, series.interval, zone),
        "step": "" if series.step is None else length_text(series.step),
        "hours": _hours(series) or "",
    }


def _moment(seconds: int, interval: Interval, zone: ZoneInfo) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    if not interval.is_intraday:
        return f"{moment:%Y-%m-%d}"
    return f"{moment.astimezone(zone):{'%Y-%m-%d %H:%M' if interval.seconds >= 60 else '%Y-%m-%d %H:%M:%S'}}"


def _hours(series: SeriesReport) -> str | None:
    if series.hours is None:
        return None
    return "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in series.hours)


def _advice(report: ImportReport) -> str:
    """Return what to try where no row is good."""
    head = "no row is good" if report.is_dry_run else "nothing was stored: no row is good"
    reasons = [row.reason for row in report.rejected]
    if reasons and all("--replace" in reason for reason in reasons):
        return f"{head}; all of them are stored with other values, which --replace overwrites"
    if reasons and all("boundary" in reason for reason in reasons):
        return f"{head}; the times are not whole minutes or days: try --interval 1s, or correct the times"
    return f"{head}; see the reasons above, and try --interval, --zone or --column with --dry-run"


def _document(report: ImportReport, location: Path | None) -> dict[str, object]:
    zone = ZoneInfo(report.zone)
    return {
        "store": None if location is None else str(location),
        "dry_run": report.is_dry_run,
        "files": report.files,
        "rows_read": report.rows_read,
        "written": report.written,
        "unchanged": report.unchanged,
        "replaced": report.replaced,
        "gaps": report.gaps,
        "rejected_count": report.rejected_count,
        "rejected": [
            {"file": str(row.file), "line": row.line, "reason": row.reason, "text": row.text}
            for row in report.rejected
        ],
        "skipped": [{"file": str(entry.file), "reason": entry.reason} for entry in report.skipped],
        "interrupted": report.interrupted,
        "zone": report.zone,
        "series": [_series_document(series, zone, "bars") for series in report.series],
        "columns": dict(report.columns),
        "notes": list(report.notes),
        "first_bars": [
            {
                "symbol": bar.symbol,
                "timestamp": _stamp(bar.opened_at, bar.interval, zone),
                "open": bar.open,
                "high": bar.high,
                "low": bar.low,
                "close": bar.close,
                "volume": bar.volume,
            }
            for bar in report.first_bars
        ],
        **(_quotes_document(report, zone) if report.quotes or report.left_out else {}),
        **({"advice": _advice(report)} if report.stored_nothing and not report.interrupted else {}),
    }


def _quotes_document(report: ImportReport, zone: ZoneInfo) -> dict[str, object]:
    return {
        "quotes": [_series_document(series, zone, "quotes") for series in report.quotes],
        "earlier": report.earlier,
        "left_out": report.left_out,
        "first_quotes": [
            {
                "symbol": quote.symbol,
                "timestamp": _stamp(quote.opened_at, quote.interval, zone),
                "bid": _known(quote.bid),
                "ask": _known(quote.ask),
                "bid_size": _known(quote.bid_size),
                "ask_size": _known(quote.ask_size),
            }
            for quote in report.first_quotes
        ],
    }


def _known(value: float) -> float | None:
    return None if isnan(value) else value


def _series_document(series: SeriesReport, zone: ZoneInfo, noun: str) -> dict[str, object]:
    return {
        "symbol": series.symbol,
        "interval": str(series.interval),
        noun: series.bars,
        "first": _stamp(series.first, series.interval, zone),
        "last": _stamp(series.last, series.interval, zone),
        "step_s": series.step,
        "hours": _hours(series),
    }


def _stamp(seconds: int, interval: Interval, zone: ZoneInfo) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.astimezone(zone).isoformat() if interval.is_intraday else moment.date().isoformat()
