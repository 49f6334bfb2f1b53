"""Checks the last quotes in session.json against quotes.csv."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tapedeck.engine.export.manifest import QUOTES_CSV, SESSION_JSON
from tapedeck.engine.export.validation.expectation import ExpectedSession
from tapedeck.engine.export.validation.quote_rows import FIELDS
from tapedeck.engine.export.validation.report import FindingLog

_Quote = dict[str, object]


class WrittenQuotes:
    """Compares `quotes` of each symbol in session.json with the last rows of quotes.csv.

    `are_streamed`: whether the session file streams quotes; if not, there must be none.
    """

    def __init__(self, folder: Path, log: FindingLog, *, are_streamed: bool) -> None:
        self._log = log
        self._are_streamed = are_streamed
        self._symbols = _symbols(folder / SESSION_JSON)

    def check(self, rows: pd.DataFrame, expected: ExpectedSession) -> None:
        """Check the last session; `rows`: its quotes, sorted by symbol and time."""
        held = rows.groupby("symbol").tail(1)
        last = {int(row["symbol"]): row for row in held.to_dict("records")}
        for row, symbol in enumerate(expected.symbols.names):
            if symbol not in self._symbols:
                continue  # its totals are missing, too, which is reported
            written = self._symbols[symbol].get("quotes")
            if not self._are_streamed:
                if written is not None:
                    self._report(symbol, "are there, but the session file streams no quotes")
                continue
            if not isinstance(written, Mapping) or not isinstance(written.get("made"), bool):
                self._report(symbol, f"must have {', '.join(FIELDS)} and made")
                continue
            quote: _Quote = dict.fromkeys(FIELDS)
            if row in last:
                own = last[row]
                quote = {name: None if np.isnan(own[name]) else float(own[name]) for name in FIELDS}
                quote["made"] = bool(own["made"])
            found = {name: written.get(name) for name in quote}
            if found != quote:
                self._report(symbol, f"are {found}, but {quote} by {QUOTES_CSV}")

    def _report(self, symbol: str, message: str) -> None:
        self._log.add(SESSION_JSON, None, f"symbols: quotes of {symbol} {message}")


def _symbols(path: Path) -> Mapping[str, Mapping[str, Any]]:
    """Return the symbols' objects; empty where the file cannot be read, which is reported elsewhere."""
    try:
        symbols = json.loads(path.read_bytes())["symbols"]
        return {symbol: one for symbol, one in symbols.items() if isinstance(one, Mapping)}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}
