"""Hints for columns that are missing: only those whose values fit, in the syntax of the options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from pathlib import Path
from typing import Final

from tapedeck.engine.errors import BarImportError
from tapedeck.engine.importers.column_names import PRICES, USUAL, is_ticker
from tapedeck.engine.importers.column_order import ORDERS, positions_of
from tapedeck.engine.importers.column_sample import ColumnSample
from tapedeck.engine.importers.file_rows import UnclearFileError, UnreadableFileError

_MOST_WAYS: Final = 4
_MOST_TRIED: Final = 9
_WIDEST: Final = 2.0


def missing_columns(
    file: Path, sample: ColumnSample, found: Mapping[str, str], missing: Sequence[str]
) -> BarImportError:
    """Return the error for a table without columns for the roles `missing`; `found` maps the others.

    It is an UnclearFileError with ways where columns fit by their values, else an UnreadableFileError.
    """
    shown = ", ".join(map(repr, sample.names[:30])) or "none"
    reason = f"no column found for {', '.join(missing)}; the columns are {shown}"
    if set(PRICES) <= set(missing) and _is_wide(sample, found):
        raise UnreadableFileError(
            file,
            f"{reason}. Is this one column per symbol? A bar needs open, high, low and close: write a row "
            "for each time and symbol",
        )
    readings = _readings(sample, found, missing)
    if readings:
        ways = [way for reading in readings for way in _ways(sample, found, reading)]
        return UnclearFileError(file, reason, ways)
    return UnreadableFileError(
        file,
        f"{reason}, and the values of none fit. Name them with --column, such as --column {missing[0]}=NAME, "
        "or all by position with --columns",
    )


def _is_wide(sample: ColumnSample, found: Mapping[str, str]) -> bool:
    # Columns of numbers that are all called like symbols: AAPL, MSFT.
    names = [name for name in sample.names if sample.is_numeric(name) and name not in found.values()]
    return len(names) > 1 and all(map(is_ticker, names))


def _readings(sample: ColumnSample, found: Mapping[str, str], missing: Sequence[str]) -> list[dict[str, str]]:
    # Columns for all missing roles whose values fit; none where there are too many such readings.
    free = [name for name in sample.names if name not in found.values()]
    times: list[dict[str, str]] = [{}]
    if "time" in missing:
        times = _times(sample, free)
    prices = [role for role in missing if role != "time"]
    numeric = [name for name in free if sample.is_numeric(name) and name not in _times_of(times)][
        :_MOST_TRIED
    ]
    fits = []
    for names in permutations(numeric, len(prices)):
        reading = dict(zip(prices, names, strict=True))
        columns = {**found, **reading}
        if sample.is_price_set([columns[role] for role in PRICES], _WIDEST):
            fits.append(reading)
    usual = [reading for reading in fits if _is_usual(sample, found, reading)]
    readings = [time | reading for time in times for reading in usual or fits]
    return readings if len(readings) <= _MOST_WAYS else []


def _times(sample: ColumnSample, free: Sequence[str]) -> list[dict[str, str]]:
    # The column of the time, or those of a date and of the time of day; none where no column fits.
    order = [name for kind in ("instant", "time", "day") for name in free if sample.kind(name) == kind]
    if not order:
        return []
    clocks = [name for name in free if sample.kind(name) == "clock" and not sample.is_numeric(name)]
    if sample.kind(order[0]) == "day" and clocks:
        return [{"date": order[0], "time": clocks[0]}]
    return [{"time": order[0]}]


def _is_usual(sample: ColumnSample, found: Mapping[str, str], reading: Mapping[str, str]) -> bool:
    # Whether open, high, low and close stand side by side in a usual order.
    columns = {**found, **reading}
    places = {sample.names.index(columns[role]): role for role in PRICES}
    return max(places) - min(places) == 3 and tuple(places[i] for i in sorted(places)) in ORDERS


def _times_of(readings: Sequence[Mapping[str, str]]) -> set[str]:
    return {name for reading in readings for name in reading.values()}


def _ways(sample: ColumnSample, found: Mapping[str, str], reading: Mapping[str, str]) -> list[dict[str, str]]:
    # By position for several columns: with the volume, as that is not looked for then; one way for each that
    # it may be.
    if len(reading) == 1:
        [(role, name)] = reading.items()
        return [{"--column": f"{role}={name}"}]
    columns = {**found, **reading}
    named = sample.first_named(USUAL["volume"], columns.values())
    left = [name for name in sample.names if name not in columns.values() and sample.is_numeric(name)]
    volumes = [named] if named is not None else left[:_MOST_WAYS]
    ways = [columns | {"volume": name} for name in volumes] or [columns]
    return [{"--columns": positions_of(sample.names, way)} for way in ways]
