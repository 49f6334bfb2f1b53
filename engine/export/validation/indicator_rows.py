"""Checks indicators.csv: known names, their intervals, order, and their bars."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tapedeck.engine.export.manifest import INDICATORS_CSV
from tapedeck.engine.export.validation.bar_rows import BarsFound
from tapedeck.engine.export.validation.expectation import Expectation, ExpectedSession
from tapedeck.engine.export.validation.located_rows import Locator
from tapedeck.engine.export.validation.report import FindingLog
from tapedeck.engine.export.validation.row_order import in_order
from tapedeck.engine.export.validation.table_reader import Piece
from tapedeck.engine.tape.bar_grid import Ints


class IndicatorRows:
    """Locates and checks the rows of indicators.csv."""

    def __init__(self, expectation: Expectation, log: FindingLog) -> None:
        self._expectation = expectation
        self._log = log
        self._locator = Locator(INDICATORS_CSV, expectation, log)
        codes = {text: code for code, text in enumerate(expectation.indicator_intervals)}
        own = [codes.get(text, -1) for text in expectation.manifest.indicators.values()]
        self._own_interval: Ints = np.array([*own, -1], dtype=np.int64)

    def locate(self, piece: Piece) -> pd.DataFrame:
        """Return rows by position, without those that have unknown words."""
        known, locator = self._expectation, self._locator
        symbol = locator.words(piece, "symbol", known.symbols, "symbol")
        interval = locator.words(piece, "interval", known.indicator_intervals, "interval")
        name = locator.words(piece, "name", known.outputs, "indicator")
        seconds, session = locator.sessions(piece, "timestamp")
        column = locator.columns(piece, seconds, session, interval)
        self._check_intervals(piece, name, interval)
        self._check_values(piece)
        rows = pd.DataFrame(
            {
                "line": piece.lines,
                "session": session,
                "symbol": symbol,
                "interval": interval,
                "name": name,
                "column": column,
            }
        )
        positions = ["session", "symbol", "interval", "name", "column"]
        return rows.iloc[np.flatnonzero((rows[positions] >= 0).to_numpy().all(axis=1))]

    def check(self, rows: pd.DataFrame | None, bars: BarsFound, expected: ExpectedSession) -> None:
        """Check one session's rows against its bars; those of 1w have none."""
        if rows is None:
            return
        known, names = self._expectation, expected.symbols.names

        def describe(row: tuple[int, ...]) -> str:
            symbol, name, column, interval = row
            label = expected.time_text(int(expected.layouts[interval].labels[column]))
            return f"{names[symbol]} {known.outputs[name]} {label}"

        day = expected.session.trading_day
        rows = expected.symbols.numbered(rows, known.symbols, INDICATORS_CSV, day, self._log)
        keys = ("symbol", "name", "column", "interval")
        rows = in_order(rows, keys, INDICATORS_CSV, describe, self._log)
        for code, present in enumerate(bars.present):
            own = rows[rows["interval"] == code]
            missing = own[~present[own["symbol"].to_numpy(), own["column"].to_numpy()]]
            for line, symbol, column in zip(
                missing["line"].tolist(), missing["symbol"].tolist(), missing["column"].tolist(), strict=True
            ):
                label = expected.time_text(int(expected.layouts[code].labels[column]))
                bar = f"{names[symbol]} {known.intervals[code]} {label}"
                self._log.add(INDICATORS_CSV, line, f"has a value without a bar: {bar}")

    def _check_intervals(self, piece: Piece, name: Ints, interval: Ints) -> None:
        wrong = (name >= 0) & (interval >= 0) & (self._own_interval[name] != interval)
        for at in np.flatnonzero(wrong).tolist():
            output = self._expectation.outputs[name[at]]
            right = self._expectation.manifest.indicators[output]
            found = self._expectation.indicator_intervals[interval[at]]
            self._log.add(
                INDICATORS_CSV, int(piece.lines[at]), f"{output} is an indicator of {right}, not {found}"
            )

    def _check_values(self, piece: Piece) -> None:
        bad = np.isnan(piece.numbers("value"))
        if not bad.any():
            return
        texts = piece.texts("value")
        for at in np.flatnonzero(bad).tolist():
            message = f"invalid value {texts[at]!r}: it must be a number; missing values have no row"
            self._log.add(INDICATORS_CSV, int(piece.lines[at]), message)
