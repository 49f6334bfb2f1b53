"""Options that describe a table of bars, for the importers of CSV and Parquet files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Required, TypedDict

from tapedeck.engine.importers.importer import ImporterOption
from tapedeck.engine.intervals import Interval

if TYPE_CHECKING:
    from tapedeck.engine.importers.bar_times import Label  # imports numpy, which help texts do without


class TableOptions(TypedDict, total=False):
    """Values of TABLE_OPTIONS.

    `columns` maps time, date, open, high, low, close, volume, symbol to column names; the usual names need no
    map, and `positions` ("time,open,high,low,close,-,volume") replaces it where columns have no names.
    `skip_lines` is the number of lines before the table, as text.
    `symbol` is that of all bars; else a column or the name of the file gives it. `zone` (an IANA name)
    is the time zone of times without an offset. `time_format` is an epoch unit or a strptime pattern, needed
    where times are neither ISO 8601 nor epochs. `label` is the end of the bar that its time names.
    """

    interval: Required[Interval]
    symbol: str | None
    columns: Mapping[str, str] | None
    positions: str | None
    skip_lines: str | None
    zone: str | None
    time_format: str | None
    label: Label


TABLE_OPTIONS: Final = (
    ImporterOption("--interval", "interval", "1s, 1m or 1d.", "I", "interval", is_required=True),
    ImporterOption(
        "--symbol", "symbol", "Symbol of all bars; default: its column, else the name of the file.", "S"
    ),
    ImporterOption(
        "--column",
        "columns",
        "Column of time, date, open, ..., symbol; volume=Up+Down.",
        "ROLE=NAME",
        kind="pairs",
    ),
    ImporterOption(
        "--columns", "positions", "All columns by position: time,open,high,low,close,-,volume.", "LIST"
    ),
    ImporterOption("--skip-lines", "skip_lines", "Leave out lines before the table.", "N"),
    ImporterOption("--zone", "zone", "Time zone of times without a UTC offset.", "ZONE"),
    ImporterOption("--time-format", "time_format", "s, ms, us, ns, or a pattern like '%m/%d/%Y %H:%M'.", "F"),
    ImporterOption(
        "--label",
        "label",
        "Times name the open or the close of the bar.",
        "END",
        kind="choice",
        default="open",
        choices=("open", "close"),
    ),
)
