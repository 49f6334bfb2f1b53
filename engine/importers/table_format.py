"""Format of a table of bars: interval, symbol, columns and times, as the user describes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

from tapedeck.engine.config.exchanges import resolve_exchange
from tapedeck.engine.errors import BarImportError, did_you_mean, nearest
from tapedeck.engine.importers.column_roles import check_roles
from tapedeck.engine.importers.file_rows import check_base
from tapedeck.engine.importers.text_numbers import Decimal
from tapedeck.engine.importers.time_format import DATE_ORDERS, EPOCH_UNITS, Label, TimeFormat
from tapedeck.engine.importers.zones import find_zone
from tapedeck.engine.intervals import Interval
from tapedeck.engine.symbols import symbol_fault


@dataclass(frozen=True, slots=True)
class TableFormat:
    """Checked format of the tables to import.

    `symbol` None: the symbol is that of a column, else of the file's name. `columns` maps roles to columns.
    `decimal`: the decimal mark of the numbers; None recognises it.
    """

    interval: Interval
    symbol: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    times: TimeFormat = field(default_factory=TimeFormat)
    decimal: Decimal | None = None


def make_format(
    interval: Interval,
    *,
    symbol: str | None = None,
    columns: Mapping[str, str] | None = None,
    zone: str | None = None,
    time_format: str | None = None,
    label: Label | None = None,
    exchange: str | None = None,
    decimal: Decimal | None = None,
) -> TableFormat:
    """Return a checked format; BarImportError names the invalid part and what is allowed."""
    check_base(interval)
    check_roles(columns or {})
    if label is not None and label not in get_args(Label):
        raise BarImportError(f"invalid label {label!r}: use open or close")
    if decimal is not None and decimal not in get_args(Decimal):
        raise BarImportError(f"invalid decimal mark {decimal!r}: use a point or a comma")
    if exchange is not None:
        resolve_exchange(exchange)
    if time_format is not None and "%" not in time_format:
        _check_word(time_format)
    times = TimeFormat(time_format, find_zone(zone) if zone is not None else None, label, exchange, interval)
    owner = _symbol(symbol) if symbol is not None else None
    return TableFormat(interval, owner, dict(columns or {}), times, decimal)


def _check_word(time_format: str) -> None:
    words = [*EPOCH_UNITS, *DATE_ORDERS]
    if time_format not in words:
        hint = did_you_mean(nearest(time_format, words))
        raise BarImportError(
            f"invalid time format {time_format!r}: use {', '.join(EPOCH_UNITS)} for epochs, "
            f"{', '.join(DATE_ORDERS)} for the order of dates, or a pattern like '%m/%d/%Y %H:%M'; ISO 8601, "
            f"epochs and the usual layouts are recognised without one.{hint}"
        )


def _symbol(text: str) -> str:
    symbol = text.strip().upper()
    if fault := symbol_fault(symbol):
        raise BarImportError(fault)
    return symbol
