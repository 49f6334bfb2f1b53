"""Checks bars.csv session by session: order, hours, values, derived bars against base bars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tapedeck.engine.export.manifest import BARS_CSV
from tapedeck.engine.export.validation.bar_values import check_values
from tapedeck.engine.export.validation.derived_bars import check_derived
from tapedeck.engine.export.validation.expectation import Expectation, ExpectedSession
from tapedeck.engine.export.validation.located_rows import Locator
from tapedeck.engine.export.validation.report import FindingLog
from tapedeck.engine.export.validation.row_order import Describe, in_order
from tapedeck.engine.export.validation.table_reader import Piece
from tapedeck.engine.tape.bar_grid import FIELDS, Floats

Mask = NDArray[np.bool_]
NUMBERS = (*FIELDS, "base_bars", "quality")


@dataclass(frozen=True, slots=True)
class BarsFound:
    """Bars of a session in the file: per interval, base first, bool (S, m).

    `base_rows`: rows of the base interval, sorted by symbol and time.
    """

    present: tuple[Mask, ...]
    base_rows: pd.DataFrame

    @property
    def base(self) -> Mask:
        """The bars of the base interval."""
        return self.present[0]


class BarRows:
    """Locates and checks the rows of bars.csv."""

    def __init__(self, expectation: Expectation, log: FindingLog) -> None:
        self._expectation = expectation
        self._log = log
        self._locator = Locator(BARS_CSV, expectation, log)

    def locate(self, piece: Piece) -> pd.DataFrame:
        """Return rows by position, without those that have unknown words or invalid numbers."""
        known, locator = self._expectation, self._locator
        symbol = locator.words(piece, "symbol", known.symbols, "symbol")
        interval = locator.words(piece, "interval", known.intervals, "interval")
        seconds, session = locator.sessions(piece, "timestamp")
        column = locator.columns(piece, seconds, session, interval)
        positions = {"session": session, "symbol": symbol, "interval": interval, "column": column}
        numbers = {name: piece.numbers(name) for name in NUMBERS}
        self._check_numbers(piece, numbers)
        good = np.logical_and.reduce(
            [at >= 0 for at in positions.values()] + [np.isfinite(values) for values in numbers.values()]
        )
        rows = pd.DataFrame({"line": piece.lines, **positions, **numbers})
        return rows.iloc[np.flatnonzero(good)]

    def check(self, rows: pd.DataFrame | None, expected: ExpectedSession) -> BarsFound:
        """Check one session's rows, and return its bars."""
        symbols = len(expected.symbols.names)
        present = tuple(
            np.zeros((symbols, len(layout.labels)), dtype=np.bool_)
            for layout in expected.layouts[: len(self._expectation.intervals)]
        )
        if rows is None:
            rows = pd.DataFrame({name: [] for name in ("line", "symbol", "interval", "column", *NUMBERS)})
        else:
            day = expected.session.trading_day
            rows = expected.symbols.numbered(rows, self._expectation.symbols, BARS_CSV, day, self._log)
            rows = in_order(
                rows, ("symbol", "interval", "column"), BARS_CSV, self._describe(expected), self._log
            )
            rows = self._over(rows, expected)
            check_values(rows, BARS_CSV, self._log)
        for code, mask in enumerate(present):
            own = rows[rows["interval"] == code]
            mask[own["symbol"].to_numpy(dtype=np.int64), own["column"].to_numpy(dtype=np.int64)] = True
        base = rows[rows["interval"] == 0]
        self._check_base(base)
        check_derived(rows, expected, self._expectation, self._log)
        return BarsFound(present, base.sort_values(["symbol", "column"]))

    def _check_numbers(self, piece: Piece, numbers: Mapping[str, Floats]) -> None:
        for name, values in numbers.items():
            bad = np.flatnonzero(~np.isfinite(values)).tolist()
            texts = piece.texts(name) if bad else []
            for at in bad:
                self._log.add(BARS_CSV, int(piece.lines[at]), f"invalid number {texts[at]!r} of {name}")

    def _describe(self, expected: ExpectedSession) -> Describe:
        def describe(row: tuple[int, ...]) -> str:
            symbol, interval, column = row
            label = expected.time_text(int(expected.layouts[interval].labels[column]))
            return f"{expected.symbols.names[symbol]} {self._expectation.intervals[interval]} {label}"

        return describe

    def _over(self, rows: pd.DataFrame, expected: ExpectedSession) -> pd.DataFrame:
        """Report and drop bars that had not closed when their symbol left, or a partial session ended."""
        symbols = rows["symbol"].to_numpy(dtype=np.int64)
        over = np.stack([layout.over for layout in expected.layouts])
        early = rows["column"].to_numpy() >= over[rows["interval"].to_numpy(dtype=np.int64), symbols]
        for line, symbol in zip(
            rows["line"].to_numpy()[early].tolist(), symbols[early].tolist(), strict=True
        ):
            end = int(expected.symbols.frontiers[symbol])
            what = "the end of the partial session"
            if end < expected.frontier:
                what = f"when {expected.symbols.names[symbol]} left"
            clock = expected.time_text(int(expected.clock_times[min(end, expected.frontier)]))
            self._log.add(BARS_CSV, line, f"the bar closes after {clock}, {what}")
        return rows.iloc[np.flatnonzero(~early)]

    def _check_base(self, base: pd.DataFrame) -> None:
        for name, right in (("base_bars", 1), ("quality", 100)):
            wrong = base[base[name] != right]
            for line, value in zip(wrong["line"].tolist(), wrong[name].tolist(), strict=True):
                self._log.add(BARS_CSV, int(line), f"{name} of a base bar is {value:.15g}, not {right}")
