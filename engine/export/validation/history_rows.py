"""Checks history.csv: symbols and intervals of the session file, days and weeks of the calendar, values."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cache

import numpy as np
import pandas as pd

from tapedeck.engine.clock.slots import epoch_seconds
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.errors import CalendarError, did_you_mean, nearest
from tapedeck.engine.export.manifest import HISTORY_CSV, Manifest
from tapedeck.engine.export.validation.bar_values import check_values
from tapedeck.engine.export.validation.report import FindingLog
from tapedeck.engine.export.validation.session_symbols import interrupted_symbols
from tapedeck.engine.export.validation.table_reader import Piece
from tapedeck.engine.intervals import DAY, WEEK
from tapedeck.engine.tape.bar_grid import FIELDS


class HistoryRows:
    """Checks the rows of history.csv, piece by piece, and at the end weeks against days.

    Raises ValueError if the manifest's section `historical` is invalid.
    """

    def __init__(self, manifest: Manifest, time: TimeManager, log: FindingLog) -> None:
        self._time, self._log = time, log
        self._symbols = manifest.symbols
        self._kept = {
            (symbol, str(interval))
            for entry in manifest.historical.data
            for interval in entry.intervals
            for symbol in manifest.symbols
            if interval >= DAY and entry.applies_to(symbol)
        }
        self._interrupted = interrupted_symbols(manifest)
        self._last = max((session.trading_day for session in manifest.sessions), default=manifest.first_day)
        # A timestamp stands in the rows of many symbols.
        self._day_at = cache(self._read_day)
        self._before: dict[tuple[str, str], tuple[date, int]] = {}
        self._found: list[pd.DataFrame] = []

    def check(self, pieces: Iterator[Piece]) -> None:
        """Check all rows of the file."""
        for piece in pieces:
            self._check_piece(piece)
        if self._found:
            self._check_weeks(pd.concat(self._found, ignore_index=True))

    def _check_piece(self, piece: Piece) -> None:
        numbers = {name: piece.numbers(name) for name in FIELDS}
        for name, values in numbers.items():
            for at in np.flatnonzero(~np.isfinite(values)).tolist():
                text = piece.texts(name)[at]
                self._log.add(HISTORY_CSV, int(piece.lines[at]), f"invalid number {text!r} of {name}")
        keys = zip(
            piece.lines.tolist(),
            piece.texts("symbol"),
            piece.texts("interval"),
            piece.texts("timestamp"),
            strict=True,
        )
        days = [self._day_of(*key) for key in keys]
        rows = pd.DataFrame(
            {
                "line": piece.lines,
                "symbol": piece.texts("symbol"),
                "interval": piece.texts("interval"),
                "day": days,
                **numbers,
            }
        )
        good = rows[rows["day"].notna() & np.isfinite(rows[list(FIELDS)].to_numpy()).all(axis=1)]
        check_values(good, HISTORY_CSV, self._log)
        self._found.append(good)

    def _day_of(self, line: int, symbol: str, interval: str, timestamp: str) -> date | None:
        """Return the trading day of a bar, the first of its week on 1w; None, with a finding, for a fault."""
        fault, day = self._name_fault(symbol, interval), None
        if fault is None:
            day, fault = self._day_at(interval, timestamp)
        if day is not None:
            fault = self._order_fault(line, symbol, interval, day)
        if fault is not None:
            self._log.add(HISTORY_CSV, line, fault)
            return None
        return day

    def _name_fault(self, symbol: str, interval: str) -> str | None:
        if symbol not in self._symbols:
            return f"unknown symbol {symbol!r}.{did_you_mean(nearest(symbol, self._symbols))}"
        if (symbol, interval) not in self._kept:
            return f"{interval!r} of {symbol} is not in historical.data of the session file"
        return None

    def _read_day(self, interval: str, text: str) -> tuple[date | None, str | None]:
        """Return the trading day of a bar that opens at a timestamp, or the fault."""
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None, f"invalid timestamp {text!r}: use ISO 8601"
        if moment.tzinfo is None:
            return None, f"timestamp {text!r} has no offset from UTC"
        written = moment.astimezone(self._time.zone)
        if written.isoformat() != text:
            return None, f"timestamp {text} is not in exchange time, which is {written.isoformat()}"
        # Some sessions open on the evening before their trading day.
        for day in (written.date(), written.date() + timedelta(days=1)):
            if self._opens(day) == epoch_seconds(moment):
                return (day, None) if interval == str(DAY) else self._week_of(day)
        return None, f"no session opens at {text}"

    def _opens(self, day: date) -> int | None:
        try:
            if not self._time.is_trading_day(day):
                return None
        except CalendarError:  # the calendar does not reach so far
            return None
        return epoch_seconds(self._time.get_trading_session(day).regular_open)

    def _week_of(self, day: date) -> tuple[date | None, str | None]:
        """Return the first trading day of a week, or the fault of another one."""
        monday = day - timedelta(days=day.weekday())
        first = self._time.get_first_trading_date(monday)
        return (day, None) if day == first else (None, f"no bar of 1w opens on {day}: its week has {first}")

    def _order_fault(self, line: int, symbol: str, interval: str, day: date) -> str | None:
        monday = self._last - timedelta(days=self._last.weekday())
        limit = self._last if interval == str(DAY) else monday
        if day >= limit:
            what = "is not before" if interval == str(DAY) else "is not of a week before that of"
            return f"the bar of {day} {what} the last session, {self._last}"
        before = self._before.get((symbol, interval))
        if before is not None and day <= before[0]:
            what = "duplicate" if day == before[0] else "is out of order:"
            return f"{what} {symbol} {interval} {day}, after {before[0]} in line {before[1]}"
        self._before[symbol, interval] = (day, line)
        return None

    def _check_weeks(self, rows: pd.DataFrame) -> None:
        """Compare weeks with the days in the file, where these reach back to the week's Monday."""
        days = rows[rows["interval"] == str(DAY)].assign(monday=lambda part: part["day"].map(_monday))
        weeks = rows[rows["interval"] == str(WEEK)].assign(monday=lambda part: part["day"].map(_monday))
        begins = days.groupby("symbol")["day"].min()
        made = days.groupby(["symbol", "monday"]).agg(
            open=("open", "first"),
            high=("high", "max"),
            low=("low", "min"),
            close=("close", "last"),
            volume=("volume", lambda part: part.cumsum().iloc[-1]),
        )
        for week in weeks.to_dict("records"):
            symbol, monday = week["symbol"], week["monday"]
            is_whole = symbol not in self._interrupted and symbol in begins.index
            if not is_whole or begins[symbol] > week["day"]:
                continue  # the file has not all days of the week
            if (symbol, monday) not in made.index:
                self._log.add(HISTORY_CSV, week["line"], f"{symbol} 1w {week['day']} has no bars of 1d")
                continue
            right = made.loc[(symbol, monday)]
            for name in FIELDS:
                if week[name] != right[name]:
                    self._log.add(
                        HISTORY_CSV,
                        week["line"],
                        f"{name} is {week[name]:.15g}, but {right[name]:.15g} by the days of the week",
                    )


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
