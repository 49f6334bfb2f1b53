"""Format of a table of bars: interval, symbol, columns and times, as the user describes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

from tapedeck.engine.errors import BarImportError, did_you_mean, nearest
from tapedeck.engine.importers.bar_times import EPOCH_UNITS, Label, TimeFormat
from tapedeck.engine.importers.column_roles import check_roles
from tapedeck.engine.importers.file_rows import check_base
from tapedeck.engine.importers.zones import find_zone
from tapedeck.engine.intervals import Interval
from tapedeck.engine.symbols import symbol_fault


@dataclass(frozen=True, slots=True)
class TableFormat:
    """Checked format of the tables to import.

    `symbol` None: the symbol is that of a column, else of the file's name. `columns` maps roles to columns.
    """

    interval: Interval
    symbol: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    times: TimeFormat = field(default_factory=TimeFormat)


def make_format(
    interval: Interval,
    *,
    symbol: str | None = None,
    columns: Mapping[str, str] | None = None,
    zone: str | None = None,
    time_format: str | None = None,
    label: Label = "open",
) -> TableFormat:
    """Return a checked format; BarImportError names the invalid part and what is allowed."""
    check_base(interval)
    check_roles(columns or {})
    if label not in get_args(Label):
        raise BarImportError(f"invalid label {label!r}: use open or close")
    if label == "close" and not interval.is_intraday:
        raise BarImportError(
            "label close is invalid for daily bars: their time is the date of the trading day; leave it out"
        )
    if time_format is not None and "%" not in time_format and time_format not in EPOCH_UNITS:
        hint = did_you_mean(nearest(time_format, EPOCH_UNITS))
        raise BarImportError(
            f"invalid time format {time_format!r}: use {', '.join(EPOCH_UNITS)} for epochs, or a pattern "
            f"like '%m/%d/%Y %H:%M'; ISO 8601 and epochs are recognised without one.{hint}"
        )
    times = TimeFormat(time_format, find_zone(zone) if zone is not None else None, label)
    owner = _symbol(symbol) if symbol is not None else None
    return TableFormat(interval, owner, dict(columns or {}), times)


def _symbol(text: str) -> str:
    symbol = text.strip().upper()
    if fault := symbol_fault(symbol):
        raise BarImportError(fault)
    return symbol
