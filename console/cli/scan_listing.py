"""Listing of what scanners found on a day, as a table, CSV or JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from tapedeck.console.cli.decimals import decimals_of
from tapedeck.console.cli.terminal import Column, Terminal, number_column
from tapedeck.engine.export.scans_table import SCANS_HEADER, scan_rows
from tapedeck.engine.read.day_scans import DayScans
from tapedeck.engine.tape.scan_records import FoundSymbol, ScanOutcome, ScanRecord

_OUTCOMES: Final = {
    ScanOutcome.FAILED: "failed",
    ScanOutcome.OVERRAN: "overran its time",
    ScanOutcome.SKIPPED: "skipped",
}


def write_table(scans: DayScans, terminal: Terminal) -> None:
    """Write each run of a scanner as a table of ranks, symbols and values."""
    is_rounded = False
    for number, record in enumerate(scans.records):
        head = f"{scans.time_of(record):%H:%M:%S}".removesuffix(":00")
        terminal.write(f"{chr(10) * (number > 0)}{head} {record.scanner}: {_result(record)}")
        if record.found:
            is_rounded |= _write_found(record.found, terminal)
    if not scans.records:
        terminal.write("no scanner runs on this day")
    if is_rounded:
        terminal.write("\nnumbers are rounded; --format csv shows them in full")


def write_csv(scans: DayScans, terminal: Terminal) -> None:
    """Write what was found as the rows of an export's scans.csv."""
    terminal.write(",".join(SCANS_HEADER) + scan_rows(scans.session, scans.records).decode())


def write_json(scans: DayScans, terminal: Terminal) -> None:
    """Write the scans and their session as one JSON document; missing values are null."""
    session = scans.session
    document = {
        "trading_day": session.trading_day.isoformat(),
        "exchange": session.exchange,
        "zone": session.zone.key,
        "warnings": list(scans.warnings),
        "teardown_failures": list(scans.teardown_failures),
        "symbols": len(scans.universe.symbols),
        "left_out": [
            {"line": one.line, "symbol": one.text or None, "reason": one.reason}
            for one in scans.universe.left_out
        ],
        "scans": [
            {
                "time": scans.time_of(record).isoformat(),
                "scanner": record.scanner,
                "outcome": record.outcome.value,
                "error": record.error,
                "traceback": record.traceback or None,
                "seconds": round(record.seconds, 6),
                "found": [
                    {
                        "rank": one.rank,
                        "symbol": one.symbol,
                        "values": {
                            name: value if math.isfinite(value) else None for name, value in one.values
                        },
                    }
                    for one in record.found
                ],
            }
            for record in scans.records
        ],
    }
    terminal.write_json(document)


def write_remarks(scans: DayScans, terminal: Terminal) -> None:
    """Write the tracebacks of failures, and warnings, to stderr."""
    for record in scans.records:
        if record.traceback:
            terminal.remark(record.traceback.rstrip("\n"))
    for warning in (*scans.teardown_failures, *scans.warnings):
        terminal.remark(f"warning: {warning}")


def _result(record: ScanRecord) -> str:
    if record.outcome is ScanOutcome.DONE:
        return f"{len(record.found):,} found" if record.found else "nothing found"
    return f"{_OUTCOMES[record.outcome]}{f': {record.error}' if record.error else ''}"


def _write_found(found: Sequence[FoundSymbol], terminal: Terminal) -> bool:
    """Write a table of what one run found; return whether numbers are rounded in it."""
    names = list(dict.fromkeys(name for one in found for name, _ in one.values))
    columns: list[list[str]] = []
    is_rounded = False
    for name in names:
        values = [dict(one.values).get(name, math.nan) for one in found]
        decimals, is_exact = decimals_of([value for value in values if math.isfinite(value)])
        is_rounded |= not is_exact
        columns.append([f"{value:,.{decimals}f}" if math.isfinite(value) else "" for value in values])
    rows = [(str(one.rank), one.symbol, *(column[at] for column in columns)) for at, one in enumerate(found)]
    terminal.table([number_column("rank"), Column("symbol"), *map(number_column, names)], rows)
    return is_rounded
