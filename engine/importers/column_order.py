"""Order of the columns of a table without names, from the values of its first rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from tapedeck.engine.importers.column_sample import ColumnSample
from tapedeck.engine.importers.file_rows import UnclearFileError
from tapedeck.engine.importers.text_kinds import is_missing

ORDERS: Final[tuple[tuple[str, ...], ...]] = (
    ("open", "high", "low", "close"),
    ("open", "close", "high", "low"),  # Bitfinex, KuCoin
    ("low", "high", "open", "close"),  # Coinbase
    ("high", "low", "open", "close"),  # IQFeed
)
"""Usual orders of the prices, the first the most usual."""
_PERIODS: Final = frozenset({"d", "w", "m", "h", "1", "5", "15", "30", "60", "240", "1440", "t", "i"})
_SHOWN: Final = 3
_LEAST_PAIRS: Final = 3
_LEAST_STEPS: Final = 8
_GROWING: Final = 0.95
_LEAN_TIME: Final = re.compile(r"\d{8} \d\d:\d\d")
_LEAN_UNIT: Final = 10_000
EXAMPLE: Final = "time,open,high,low,close,volume"


def find_order(file: Path, sample: ColumnSample) -> dict[str, str]:
    """Return role to column of a table whose columns are named "1", "2", ...

    The time comes first, or a symbol before it; a date may have the time of day beside it. Four prices follow
    in an order that the values allow, then the volume. Raises UnclearFileError with the first rows where
    the values do not fit exactly one order.
    """
    found, at = _leading(sample)
    if not {"time", "date"} & set(found):
        raise unclear_order(file, sample, "the first line holds no names, and no column of times is known")
    prices = sample.names[at : at + 4]
    fitting = [
        order for order in ORDERS if len(prices) == 4 and sample.is_price_set(_sorted_out(order, prices))
    ]
    if len(fitting) > 1 and _are_equal(sample, prices):
        fitting = fitting[:1]  # all prices of each row are the same, so any order is right
    if len(fitting) == 1 and _is_swap_likelier(sample, found, dict(zip(fitting[0], prices, strict=True))):
        fitting.append(_swapped(fitting[0]))
    rest = [name for name in sample.names[at + 4 :] if not _is_empty(sample, name)]
    if len(fitting) != 1:
        fault = "several orders fit" if fitting else "the values fit no usual order of the columns"
        ways = [found | dict(zip(order, prices, strict=True)) for order in fitting]
        ways = [way | ({"volume": rest[0]} if rest else {}) for way in ways]
        raise unclear_order(file, sample, f"the first line holds no names, and {fault}", ways)
    found |= dict(zip(fitting[0], prices, strict=True))
    if not rest:
        _check_unit(file, sample, found)
        return found
    _check_unit(file, sample, found | {"volume": rest[0]})
    likely = [name for name in rest[:2] if _is_like_volume(sample, name, found)]
    if rest[0] not in likely:
        fault = "the first line holds no names, and no column is surely the volume"
        raise unclear_order(file, sample, fault, [found | {"volume": name} for name in likely] or [found])
    return found | {"volume": rest[0]}


def unclear_order(
    file: Path, sample: ColumnSample, fault: str, readings: Sequence[Mapping[str, str]] = ()
) -> UnclearFileError:
    """Return the error for a table without names, with its first rows and the readings (role to column)."""
    rows = "\n".join(f"  {', '.join(row)}" for row in sample.rows(_SHOWN))
    example = "" if readings else f", such as --columns {EXAMPLE}"
    reason = f"{fault}. The first rows:\n{rows}\nName the columns by position{example}; - leaves one out"
    ways: list[dict[str, str | None]] = [
        {"--columns": positions_of(sample.names, reading)} for reading in readings
    ]
    return UnclearFileError(file, reason, ways)


def positions_of(names: Sequence[str], reading: Mapping[str, str]) -> str:
    """Return the value of --columns for a reading (role to column): `time,open,high,low,close,-,volume`."""
    roles = {name: role for role, name in reading.items()}
    words = [roles.get(name, "-") for name in names]
    while words and words[-1] == "-":
        words.pop()
    return ",".join(words)


def _leading(sample: ColumnSample) -> tuple[dict[str, str], int]:
    # Symbol, period, date and time before the prices; and the place behind them.
    found: dict[str, str] = {}
    for at, name in enumerate(sample.names):
        kind = sample.kind(name)
        if kind in ("instant", "time"):
            return found | {"time": name}, at + 1
        if kind == "day":
            after = sample.names[at + 1] if at + 1 < len(sample.names) else None
            prices = sample.names[at + 1 : at + 5]
            if after is None or sample.kind(after) != "clock" or _is_any_order(sample, prices):
                return found | {"date": name}, at + 1
            return found | {"date": name, "time": after}, at + 2
        if "symbol" not in found and _is_symbol(sample, name):
            found["symbol"] = name
        elif not set(map(str.casefold, sample.texts(name))) <= _PERIODS:
            break
    return {}, 0


def _is_any_order(sample: ColumnSample, prices: tuple[str, ...]) -> bool:
    # Whether the column behind the date is the first price: whole numbers may look like times of day.
    return len(prices) == 4 and any(sample.is_price_set(_sorted_out(order, prices)) for order in ORDERS)


def _is_symbol(sample: ColumnSample, name: str) -> bool:
    texts = sample.texts(name)
    return bool(texts) and all(
        any(letter.isalpha() for letter in text) and not any(letter.isspace() for letter in text)
        for text in texts
    )


def _sorted_out(order: tuple[str, ...], prices: tuple[str, ...]) -> list[str]:
    return [prices[order.index(role)] for role in ORDERS[0]]


def _are_equal(sample: ColumnSample, prices: tuple[str, ...]) -> bool:
    first, *others = (np.nan_to_num(sample.numbers(name)) for name in prices)
    return all(np.array_equal(first, other) for other in others)


def _is_empty(sample: ColumnSample, name: str) -> bool:
    return all(is_missing(text) for text in sample.texts(name))


def _swapped(order: tuple[str, ...]) -> tuple[str, ...]:
    other = {"open": "close", "close": "open"}
    return tuple(other.get(role, role) for role in order)


def _is_swap_likelier(sample: ColumnSample, found: dict[str, str], prices: dict[str, str]) -> bool:
    # Open and close may change places in any order that the values allow. A bar opens near the close of the
    # one before: where the other way round is nearer, as with close, high, low, open, the order is in doubt.
    opens, closes = sample.numbers(prices["open"]), sample.numbers(prices["close"])
    direction = sample.direction(found.get("date", found.get("time", "")))
    if direction < 0:
        opens, closes = opens[::-1], closes[::-1]
    straight, crossed = np.abs(opens[1:] - closes[:-1]), np.abs(closes[1:] - opens[:-1])
    known = np.isfinite(straight + crossed)
    if not direction or "symbol" in found or int(known.sum()) < _LEAST_PAIRS:
        return False
    return float(straight[known].sum()) > float(crossed[known].sum())


def _is_like_volume(sample: ColumnSample, name: str, found: Mapping[str, str]) -> bool:
    return (
        sample.is_numeric(name)
        and not _is_like_price(sample, name, found["close"])
        and not _is_running_total(sample, name, found)
    )


def _is_running_total(sample: ColumnSample, name: str, found: Mapping[str, str]) -> bool:
    # The volume of the day so far, which grows from bar to bar: not that of one bar.
    values = sample.numbers(name) * sample.direction(found.get("date", found.get("time", "")))
    steps = np.diff(values)
    if "symbol" in found or len(steps) < _LEAST_STEPS or not np.isfinite(steps).all():
        return False
    return bool(steps.all()) and float((steps > 0).mean()) >= _GROWING


def _check_unit(file: Path, sample: ColumnSample, found: Mapping[str, str]) -> None:
    # LEAN's files of days and hours hold whole prices, 10,000 times those of the market.
    times = sample.texts(found.get("time", found.get("date", "")))
    prices = np.concatenate([sample.numbers(found[role]) for role in ORDERS[0]])
    prices = prices[np.isfinite(prices)]
    is_lean_time = bool(times) and all(map(_LEAN_TIME.fullmatch, times))
    if is_lean_time and len(prices) and (prices >= _LEAN_UNIT).all() and (prices % 100 == 0).mean() >= 0.9:
        fault = (
            "times and whole prices are like those of LEAN's files, which are in units of 1/10,000: import "
            "its zip files with `tapedeck import lean`, or divide the prices. Naming the columns keeps the "
            "prices as they are"
        )
        raise UnclearFileError(file, fault, [{"--columns": positions_of(sample.names, found)}])


def _is_like_price(sample: ColumnSample, name: str, close: str) -> bool:
    # An adjusted close or a VWAP behind the close; volumes are whole numbers, or of another size.
    if not sample.is_numeric(name):
        return False
    values = sample.numbers(name)
    if bool((np.floor(values) == values)[np.isfinite(values)].all()):
        return False
    ratios = sample.numbers(name) / np.where(sample.numbers(close) == 0, np.nan, sample.numbers(close))
    ratios = ratios[np.isfinite(ratios)]
    return bool(len(ratios)) and bool(((ratios > 0.2) & (ratios < 5)).all())
