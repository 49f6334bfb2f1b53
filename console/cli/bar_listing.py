"""Listing of a day's bars as a table, CSV or JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from tapedeck.console.cli.day_bars import DayBars
from tapedeck.console.cli.decimals import decimals_of
from tapedeck.console.cli.terminal import Cell, Column, Terminal, number_column
from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.tape.bar_grid import FIELDS

CSV_COLUMNS: Final = ("symbol", "interval", "timestamp", *FIELDS, "base_bars", "hours")


def write_table(found: DayBars, terminal: Terminal) -> None:
    """Write the bars as a table, with exchange time and fixed decimals."""
    session = found.session
    terminal.write(
        f"{found.symbol} {found.interval} of {session.trading_day}, times are {session.zone.key}\n"
    )
    price, is_exact = decimals_of(found.values[:4].ravel().tolist(), fewest=2)
    volume, is_whole = decimals_of(found.values[4].tolist())
    rows: list[tuple[str | Cell, ...]] = [
        (
            f"{opened:%H:%M:%S}" if found.interval.seconds < 60 else f"{opened:%H:%M}",
            *(f"{value:,.{price}f}" for value in values[:4]),
            f"{values[4]:,.{volume}f}",
            f"{base_bars:,}",
            Cell("" if is_regular else "extended", "yellow"),
        )
        for opened, values, base_bars, is_regular in _bars(found)
    ]
    headings = (*FIELDS, f"{found.source} bars")
    has_extended = not found.is_regular.all()
    columns = [
        Column("open time"),
        *map(number_column, headings),
        *([Column("hours")] if has_extended else []),
    ]
    terminal.table(columns, [row[: len(columns)] for row in rows])
    regular = int(found.is_regular.sum())
    made = "" if found.interval == found.source else f", derived from {found.source}"
    outside = f", {len(found) - regular:,} bars outside them" if has_extended else ""
    terminal.write(f"\n{regular:,} of {found.expected:,} bars of regular hours{made}{outside}")
    if not (is_exact and is_whole):
        terminal.write("numbers are rounded; --format csv shows them in full")


def write_csv(found: DayBars, terminal: Terminal) -> None:
    """Write the bars as CSV: ISO 8601 with the exchange's offset, numbers in their shortest exact form."""
    import csv  # noqa: PLC0415 - one format of three
    import io  # noqa: PLC0415 - as above

    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for opened, values, base_bars, is_regular in _bars(found):
        numbers = map(_shortest, values)
        hours = "regular" if is_regular else "extended"
        writer.writerow([found.symbol, found.interval, opened.isoformat(), *numbers, base_bars, hours])
    terminal.write(buffer.getvalue().removesuffix("\n"))


def write_json(found: DayBars, terminal: Terminal) -> None:
    """Write the bars and their session as one JSON document."""
    session = found.session
    rows = [
        {
            "timestamp": opened.isoformat(),
            **dict(zip(FIELDS, values, strict=True)),
            "base_bars": base_bars,
            "regular_hours": is_regular,
        }
        for opened, values, base_bars, is_regular in _bars(found)
    ]
    document = {
        "symbol": found.symbol,
        "interval": str(found.interval),
        "source": str(found.source),
        "exchange": session.exchange,
        "zone": session.zone.key,
        "trading_day": session.trading_day.isoformat(),
        "expected": found.expected,
        "bars": rows,
    }
    terminal.write_json(document)


def _bars(found: DayBars) -> Iterator[tuple[datetime, list[float], int, bool]]:
    """Yield each bar's open in exchange time, values, number of base bars, and whether in regular hours."""
    zone = found.session.zone
    columns = (found.opened_at, found.values.T, found.base_bars, found.is_regular)
    for opened, values, base_bars, is_regular in zip(*(column.tolist() for column in columns), strict=True):
        yield utc_from_epoch(opened).astimezone(zone), values, base_bars, is_regular


def _shortest(value: float) -> str:
    return repr(value).removesuffix(".0")
