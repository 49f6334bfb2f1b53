"""Format of a table of bars: interval, symbol, columns and times, as the user describes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

from tapedeck.engine.config.exchanges import resolve_exchange
from tapedeck.engine.errors import BarImportError, did_you_mean, nearest
from tapedeck.engine.importers.column_roles import ChosenColumns, check_roles, read_positions
from tapedeck.engine.importers.file_rows import check_base
from tapedeck.engine.importers.text_numbers import Decimal
from tapedeck.engine.importers.time_format import DATE_ORDERS, EPOCH_UNITS, Label, TimeFormat
from tapedeck.engine.importers.zones import find_zone
from tapedeck.engine.intervals import Interval
from tapedeck.engine.symbols import symbol_fault


@dataclass(frozen=True, slots=True)
class TableFormat:
    """Checked format of the tables to import.

    `symbol` None: the symbol is that of a column, else of the file's name. `columns`: those that the user
    names. `decimal`: the decimal mark of the numbers; None recognises it. `skip_lines`: lines of a text
    before the table.
    """

    interval: Interval
    symbol: str | None = None
    columns: ChosenColumns = field(default_factory=ChosenColumns)
    times: TimeFormat = field(default_factory=TimeFormat)
    decimal: Decimal | None = None
    skip_lines: int = 0


def make_format(
    interval: Interval,
    *,
    symbol: str | None = None,
    columns: Mapping[str, str] | None = None,
    positions: str | None = None,
    skip_lines: str | None = None,
    zone: str | None = None,
    time_format: str | None = None,
    label: Label | None = None,
    exchange: str | None = None,
    decimal: Decimal | None = None,
) -> TableFormat:
    """Return a checked format; BarImportError names the invalid part and what is allowed."""
    check_base(interval)
    chosen = _columns(columns or {}, positions)
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
    return TableFormat(interval, owner, chosen, times, decimal, _line_count(skip_lines or "0"))


def _columns(names: Mapping[str, str], positions: str | None) -> ChosenColumns:
    check_roles(names)
    if names and positions:
        raise BarImportError(
            "--column and --columns exclude each other: name columns, or give all by position"
        )
    return ChosenColumns(dict(names), read_positions(positions) if positions else ())


def _line_count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise BarImportError(f"invalid number of lines {text!r}: use a whole number up to 999999, such as 3")
    return int(text)


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
