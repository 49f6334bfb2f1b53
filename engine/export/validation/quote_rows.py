"""Checks quotes.csv session by session: order, hours, values, held quotes, and made ones against bars.csv."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from tapedeck.engine.export.manifest import QUOTES_CSV, ManifestSession
from tapedeck.engine.export.validation.expectation import Expectation, ExpectedSession
from tapedeck.engine.export.validation.located_rows import Locator
from tapedeck.engine.export.validation.report import FindingLog
from tapedeck.engine.export.validation.row_order import in_order
from tapedeck.engine.export.validation.table_reader import Piece
from tapedeck.engine.tape.bar_grid import Floats, Ints, Mask

SIDES: Final = ("bid", "ask")
FIELDS: Final = (*SIDES, *(f"{side}_size" for side in SIDES))
_MADE: Final = ("false", "true")


class QuoteRows:
    """Locates and checks the rows of quotes.csv. `is_there`: whether the export has the file."""

    def __init__(self, expectation: Expectation, log: FindingLog, *, is_there: bool) -> None:
        self._expectation = expectation
        self._log = log
        self._locator = Locator(QUOTES_CSV, expectation, log)
        self._is_there = is_there

    def locate(self, piece: Piece) -> pd.DataFrame:
        """Return rows by position, without those that have unknown words or invalid numbers."""
        locator = self._locator
        symbol = locator.words(piece, "symbol", self._expectation.symbols, "symbol")
        seconds, session = locator.sessions(piece, "timestamp")
        column = locator.columns(piece, seconds, session, np.zeros(len(seconds), dtype=np.int64))
        made = locator.words(piece, "made", _MADE, "value of made")
        positions = {"session": session, "symbol": symbol, "column": column, "made": made}
        numbers = {name: self._numbers(piece, name) for name in FIELDS}
        good = np.logical_and.reduce(
            [at >= 0 for at in positions.values()] + [~np.isinf(values) for values in numbers.values()]
        )
        rows = pd.DataFrame({"line": piece.lines, **positions, **numbers})
        return rows.iloc[np.flatnonzero(good)]

    def check(
        self,
        rows: pd.DataFrame | None,
        base: pd.DataFrame,
        played: ManifestSession,
        expected: ExpectedSession,
    ) -> pd.DataFrame:
        """Check one session's rows, and return them, sorted by symbol and time.

        `base`: its base bars, sorted by symbol and time.
        """
        if rows is None:
            rows = pd.DataFrame({name: [] for name in ("line", "symbol", "column", "made", *FIELDS)})
        day, symbols = expected.session.trading_day, expected.symbols
        rows = symbols.numbered(rows, self._expectation.symbols, QUOTES_CSV, day, self._log)

        def describe(row: tuple[int, ...]) -> str:
            symbol, column = row
            return f"{symbols.names[symbol]} {expected.time_text(int(expected.base.labels[column]))}"

        rows = in_order(rows, ("symbol", "column"), QUOTES_CSV, describe, self._log)
        rows = self._over(rows, expected)
        if not self._is_there:
            return rows
        if len(rows) != played.quotes:
            message = f"{day} has {len(rows)} quotes, but {played.quotes} in the manifest"
            self._log.add(QUOTES_CSV, None, message)
        self._check_values(rows)
        bars = dict(iter(base.groupby("symbol")))
        quotes = dict(iter(rows.groupby("symbol")))
        for row in range(len(symbols.names)):
            self._check_symbol(row, quotes.get(row), bars.get(row), expected)
        return rows

    def _numbers(self, piece: Piece, name: str) -> Floats:
        """Return a column: NaN for empty fields, infinity for invalid ones, which are findings."""
        values, empty = piece.numbers(name), piece.empty(name)
        bad = ~np.isfinite(values) & ~empty
        texts = piece.texts(name) if bad.any() else []
        for at in np.flatnonzero(bad).tolist():
            self._log.add(QUOTES_CSV, int(piece.lines[at]), f"invalid number {texts[at]!r} of {name}")
        return np.where(bad, np.inf, values)

    def _over(self, rows: pd.DataFrame, expected: ExpectedSession) -> pd.DataFrame:
        """Report and drop quotes of slots that were not over when their symbol left, or the session ended."""
        ends = expected.base.over[rows["symbol"].to_numpy(dtype=np.int64)]
        early = rows["column"].to_numpy(dtype=np.int64) >= ends
        for line, symbol in zip(rows["line"][early].tolist(), rows["symbol"][early].tolist(), strict=True):
            end = int(expected.base.over[int(symbol)])
            what = "the end of the partial session"
            if end < expected.frontier:
                what = f"when {expected.symbols.names[int(symbol)]} left"
            clock = expected.time_text(int(expected.clock_times[end]))
            self._log.add(QUOTES_CSV, int(line), f"the slot ends after {clock}, {what}")
        return rows.iloc[np.flatnonzero(~early)]

    def _check_values(self, rows: pd.DataFrame) -> None:
        """Report values that cannot be, each row for itself."""
        sides = rows[list(SIDES)].to_numpy(dtype=np.float64)
        faults: dict[str, Mask] = {
            "has neither bid nor ask: a slot without a quote has no row": np.isnan(sides).all(axis=1)
        }
        for side in SIDES:
            price, size = (rows[name].to_numpy(dtype=np.float64) for name in (side, f"{side}_size"))
            faults[f"{side} must be above 0"] = price <= 0
            faults[f"{side}_size must not be below 0"] = size < 0
            faults[f"{side}_size is there, but {side} is missing"] = np.isnan(price) & ~np.isnan(size)
        lines = rows["line"].to_numpy()
        for text, where in faults.items():
            for at in np.flatnonzero(where).tolist():
                self._log.add(QUOTES_CSV, int(lines[at]), text)

    def _check_symbol(
        self, row: int, quotes: pd.DataFrame | None, bars: pd.DataFrame | None, expected: ExpectedSession
    ) -> None:
        name, end = expected.symbols.names[row], int(expected.base.over[row])
        if quotes is None:
            if bars is not None and end == len(expected.base.labels):
                day = expected.session.trading_day
                message = f"{name} has bars on {day}, but no quotes: at least made ones must be there"
                self._log.add(QUOTES_CSV, None, message)
            return
        self._check_held(name, quotes, end, expected)
        made = quotes["made"].to_numpy(dtype=np.int64)
        for at in np.flatnonzero(made != made[0]).tolist():
            line = int(quotes["line"].iloc[at])
            message = f"made is {_MADE[made[at]]}, but {_MADE[made[0]]} in the rows of {name} before"
            self._log.add(QUOTES_CSV, line, f"{message}: it must be the same over the session")
        is_made = quotes.iloc[np.flatnonzero(made == 1)]
        if len(is_made):
            self._check_made(name, is_made, bars, expected)

    def _check_held(self, name: str, quotes: pd.DataFrame, end: int, expected: ExpectedSession) -> None:
        """Report slots without a row after a symbol's first, and sides that are lost again."""
        columns, lines = quotes["column"].to_numpy(dtype=np.int64), quotes["line"].to_numpy()
        lacking = np.diff(columns, append=end) - 1
        for at in np.flatnonzero(lacking > 0).tolist():
            count = int(lacking[at])
            first = expected.time_text(int(expected.base.labels[columns[at] + 1]))
            slots = "slot has" if count == 1 else "slots have"
            message = f"after this row of {name}, {count} {slots} no row, from {first} on: a quote is held"
            self._log.add(QUOTES_CSV, int(lines[at]), message)
        for side in SIDES:
            missing = quotes[side].isna().to_numpy()
            for at in np.flatnonzero(missing[1:] & ~missing[:-1]).tolist():
                message = f"{side} is missing, but was there in the row of {name} before: a quote is held"
                self._log.add(QUOTES_CSV, int(lines[at + 1]), message)

    def _check_made(
        self, name: str, quotes: pd.DataFrame, bars: pd.DataFrame | None, expected: ExpectedSession
    ) -> None:
        """Compare made quotes with the closes of the last bars; `quotes`: all of them made."""
        columns, lines = quotes["column"].to_numpy(dtype=np.int64), quotes["line"].to_numpy()
        slots: Ints = np.empty(0, dtype=np.int64)
        closes = np.empty(0)
        if bars is not None:
            slots, closes = bars["column"].to_numpy(dtype=np.int64), bars["close"].to_numpy()
        places = np.searchsorted(slots, columns, side="right") - 1
        if len(slots) and slots[0] < columns[0]:
            first = expected.time_text(int(expected.base.labels[slots[0]]))
            message = f"is the first made quote of {name}, which has a bar at {first}"
            self._log.add(QUOTES_CSV, int(lines[0]), message)
        has_bar = places >= 0
        last = np.full(len(columns), np.nan)
        last[has_bar] = closes[places[has_bar]]
        values = quotes[list(FIELDS)].to_numpy()
        sides, sizes = values[:, : len(SIDES)], values[:, len(SIDES) :]
        differs = has_bar & (sides != last[:, None]).any(axis=1)
        is_sized = has_bar & ~differs & ~np.isnan(sizes).all(axis=1)
        for at in np.flatnonzero(~has_bar | differs | is_sized).tolist():
            message = "is made, so it must have no sizes"
            if not has_bar[at]:
                message = f"is made, but {name} has no bar up to there"
            elif differs[at]:
                bid, ask = (f"{value:.15g}" for value in sides[at])
                message = f"is made, so bid and ask must be the last close, {last[at]:.15g}: {bid}, {ask}"
            self._log.add(QUOTES_CSV, int(lines[at]), message)
