"""Rows of scans.csv: the symbols that scanners found, with the values that were looked at."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Final

from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.export.text_columns import csv_field, number_text, text_field, time_text
from tapedeck.engine.tape.scan_records import FoundSymbol, ScanRecord
from tapedeck.engine.tape.scan_summary import by_time

SCANS_HEADER: Final = ("session_date", "time", "scanner", "rank", "symbol", "name", "value")
_NO_VALUE: Final = ","


def scan_rows(session: TradingSession, scans: Iterable[ScanRecord]) -> bytes:
    """Return the rows of a session's scans, each preceded by its line break.

    One row per value of a found symbol, by time, scanner and rank. Missing values have no row; a symbol
    without any has one row without name and value.
    """
    return "".join(
        f"\n{session.trading_day},{time_text(scan.clock, session.zone)},{scan.scanner},"
        f"{found.rank},{csv_field(found.symbol)},{value}"
        for scan in by_time(scans)
        for found in scan.found
        for value in _values(found)
    ).encode()


def _values(found: FoundSymbol) -> Iterator[str]:
    """Yield the fields `name` and `value` of each row of a found symbol, at least one."""
    known = [(name, float(value)) for name, value in found.values if not math.isnan(value)]
    if not known:
        yield _NO_VALUE
    for name, value in known:
        # The names of a class may have any characters.
        yield f"{text_field(name)},{number_text(value)}"
