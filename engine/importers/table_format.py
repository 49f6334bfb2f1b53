"""What a user says of tables of bars: whose, of what length, in which columns, timed how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

from tapedeck.engine.errors import BarImportError, nearest
from tapedeck.engine.importers.bar_times import EPOCH_UNITS, Label, TimeFormat
from tapedeck.engine.importers.column_roles import check_roles
from tapedeck.engine.importers.file_rows import check_base
from tapedeck.engine.importers.symbols import symbol_fault
from tapedeck.engine.importers.zones import find_zone
from tapedeck.engine.intervals import Interval


@dataclass(frozen=True, slots=True)
class TableFormat:
    """What a user says of the tables to import: whose bars, of what length, in which columns, timed how.

    `symbol` None means: as a column says, else as the file is called.
    """

    interval: Interval
    symbol: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    times: TimeFormat = field(default_factory=TimeFormat)


def make_format(
    interval: Interval,
    *,
    symbol: str | None,
    columns: Mapping[str, str] | None,
    zone: str | None,
    time_format: str | None,
    label: Label,
) -> TableFormat:
    """Return a checked format; BarImportError says which of its parts cannot be, and what could."""
    check_base(interval)
    check_roles(columns or {})
    if label not in get_args(Label):
        raise BarImportError(f"label {label!r}: a time names a bar's open or its close")
    if label == "close" and not interval.is_intraday:
        raise BarImportError(
            "label close: daily bars are named by the date of their trading day; leave it out"
        )
    if time_format is not None and "%" not in time_format and time_format not in EPOCH_UNITS:
        near = nearest(time_format, EPOCH_UNITS)
        hint = f" Did you mean {near!r}?" if near else ""
        raise BarImportError(
            f"time format {time_format!r}: allowed are {', '.join(EPOCH_UNITS)} for epochs, or patterns like "
            f"'%m/%d/%Y %H:%M'; left out, ISO 8601 and epochs are recognised.{hint}"
        )
    times = TimeFormat(time_format, find_zone(zone) if zone is not None else None, label)
    owner = _symbol(symbol) if symbol is not None else None
    return TableFormat(interval, owner, dict(columns or {}), times)


def _symbol(text: str) -> str:
    symbol = text.strip().upper()
    if fault := symbol_fault(symbol):
        raise BarImportError(fault)
    return symbol
