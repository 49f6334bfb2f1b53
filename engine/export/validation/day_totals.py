"""Checks the last price and the day's figures in session.json against bars.csv."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from tapedeck.engine.export.manifest import SESSION_JSON
from tapedeck.engine.export.validation.expectation import ExpectedSession
from tapedeck.engine.export.validation.report import FindingLog

_BY_PRIOR_CLOSE: Final = ("change", "change_pct", "gap_pct")


class DayTotals:
    """Compares `totals` of session.json with the base bars of the last two sessions of an export."""

    def __init__(self, folder: Path, log: FindingLog) -> None:
        self._log = log
        self._written = _written_totals(folder / SESSION_JSON)
        self._closes: Mapping[str, float] = {}

    def check(self, base: pd.DataFrame, expected: ExpectedSession, *, is_last: bool) -> None:
        """Take a session's base bars, sorted by symbol and time; at the last session, compare."""
        names, frontiers = expected.symbols.names, expected.symbols.frontiers
        bars = {names[int(row)]: base[base["symbol"] == row] for row in base["symbol"].unique().tolist()}
        if is_last and self._written is not None:
            for symbol in names:
                self._compare(symbol, bars.get(symbol), self._closes.get(symbol))
        # The last bar of a symbol that left is not its close.
        stayed = {symbol for symbol, end in zip(names, frontiers, strict=True) if end == expected.frontier}
        self._closes = {
            symbol: float(own["close"].iloc[-1]) for symbol, own in bars.items() if symbol in stayed
        }

    def _compare(self, symbol: str, bars: pd.DataFrame | None, close_before: float | None) -> None:
        written = self._written.get(symbol) if self._written is not None else None
        if not isinstance(written, Mapping):
            self._log.add(SESSION_JSON, None, f"symbols: the totals of {symbol} are missing")
            return
        # Without bars of the day before, it may be the close of a 1d bar, which no export has.
        prior = close_before if close_before is not None else _number(written.get("prev_close"))
        for name, value in _figures(bars, prior).items():
            found = written.get(name)
            if found != value:
                self._log.add(
                    SESSION_JSON,
                    None,
                    f"symbols: {name} of {symbol} is {found!r}, but {value!r} by bars.csv",
                )


def _written_totals(path: Path) -> Mapping[str, Any] | None:
    """Return `totals` by symbol, None where the file cannot be read, which is reported elsewhere."""
    try:
        symbols = json.loads(path.read_bytes())["symbols"]
        return {symbol: values["totals"] for symbol, values in symbols.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def _figures(bars: pd.DataFrame | None, prior: float | None) -> dict[str, float | None]:
    """Return the figures by their definitions, from the bars of one symbol; None where they are missing."""
    figures: dict[str, float | None] = dict.fromkeys(
        ("last", *_BY_PRIOR_CLOSE, "day_open", "day_high", "day_low", "day_volume", "change_open_pct")
    )
    figures["prev_close"] = prior
    if bars is None:
        return figures
    first, last = float(bars["open"].iloc[0]), float(bars["close"].iloc[-1])
    return {
        "last": last,
        "prev_close": prior,
        "change": None if prior is None else last - prior,
        "change_pct": _percent(prior, last),
        "gap_pct": _percent(prior, first),
        "day_open": first,
        "day_high": float(bars["high"].max()),
        "day_low": float(bars["low"].min()),
        "day_volume": float(bars["volume"].cumsum().iloc[-1]),
        "change_open_pct": _percent(first, last),
    }


def _percent(reference: float | None, price: float) -> float | None:
    if not reference:
        return None
    change = (price / reference - 1.0) * 100.0
    return change if math.isfinite(change) else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
