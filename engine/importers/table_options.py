"""Options that describe a table of bars, for the importers of CSV and Parquet files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, Required, TypedDict

from tapedeck.engine.default_exchange import DEFAULT_EXCHANGE
from tapedeck.engine.importers.importer import ImporterOption
from tapedeck.engine.importers.time_format import Label
from tapedeck.engine.intervals import Interval


class TableOptions(TypedDict, total=False):
    """Values of TABLE_OPTIONS.

    `columns` maps time, date, open, high, low, close, volume, symbol (of quotes bid, ask, bid_size, ask_size)
    to column names; the usual names need no map, and `positions` ("time,open,high,low,close,-,volume")
    replaces it where columns have no names.
    `skip_lines` is the number of lines before the table, as text. `symbol` is that of all bars; else a column
    or the name of the file gives it. `zone` (an IANA name) is the time zone of times without an offset, and
    decides the date of daily bars that carry an instant. `time_format` is an epoch unit, an order of dates
    (ymd, dmy, mdy) or a strptime pattern, where the rows do not tell. `label` is the end of the bar that its
    time names. `exchange` (a group or code) is the one whose sessions hold daily bars that carry an instant,
    and that the rows are compared with. `decimal` is the decimal mark.
    """

    interval: Required[Interval]
    symbol: str | None
    columns: Mapping[str, str] | None
    positions: str | None
    skip_lines: str | None
    zone: str | None
    time_format: str | None
    label: Label | None
    exchange: str | None
    decimal: Literal[".", ","] | None


TABLE_OPTIONS: Final = (
    ImporterOption("--interval", "interval", "1s, 1m or 1d.", "I", "interval", is_required=True),
    ImporterOption(
        "--symbol", "symbol", "Symbol of all bars; default: its column, else the name of the file.", "S"
    ),
    ImporterOption(
        "--column",
        "columns",
        "Column of time, date, open, ..., symbol, bid, ask, bid_size, ask_size; volume=Up+Down.",
        "ROLE=NAME",
        kind="pairs",
    ),
    ImporterOption(
        "--columns", "positions", "All columns by position: time,open,high,low,close,-,volume.", "LIST"
    ),
    ImporterOption("--skip-lines", "skip_lines", "Leave out lines before the table.", "N"),
    ImporterOption(
        "--zone", "zone", "Time zone of times without an offset, and of the dates of daily bars.", "ZONE"
    ),
    ImporterOption(
        "--time-format",
        "time_format",
        "s, ms, us, ns; dmy, mdy, ymd; or a pattern like '%m/%d/%Y %H:%M'.",
        "F",
    ),
    ImporterOption(
        "--label",
        "label",
        "Times name the open or the close of the bar; default: open, asked if the rows look like closes.",
        "END",
        kind="choice",
        choices=("open", "close"),
    ),
    ImporterOption(
        "--exchange", "exchange", f"Exchange of the bars, a group or code; default: {DEFAULT_EXCHANGE}.", "E"
    ),
    ImporterOption(
        "--decimal", "decimal", "Decimal mark of the numbers.", "MARK", kind="choice", choices=(".", ",")
    ),
)
