"""Checks session.csv: a row for each clock time of each session, and the calendar's hours."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from tapedeck.engine.export.manifest import SESSION_CSV
from tapedeck.engine.export.validation.dated_rows import Record, locate_by_date, records
from tapedeck.engine.export.validation.expectation import Expectation, ExpectedSession
from tapedeck.engine.export.validation.report import FindingLog
from tapedeck.engine.export.validation.table_reader import Piece


class ClockRows:
    """Locates and checks the rows of session.csv."""

    def __init__(self, expectation: Expectation, log: FindingLog) -> None:
        self._expectation = expectation
        self._log = log

    def locate(self, piece: Piece) -> pd.DataFrame:
        """Return rows by session."""
        return locate_by_date(piece, SESSION_CSV, self._expectation.days, self._log)

    def check(self, rows: pd.DataFrame | None, expected: ExpectedSession, *, is_last: bool) -> None:
        """Check one session's rows; the last row of the run has its final state."""
        day, required = expected.session.trading_day, expected.frontier + 1
        count = 0 if rows is None else len(rows)
        if count != required:
            self._log.add(
                SESSION_CSV,
                None,
                f"{day} has {count} rows, but k = 0 to {expected.frontier} needs {required}",
            )
        if rows is None:
            return
        times = [expected.time_text(second) for second in expected.clock_times[:required].tolist()]
        place = {text: k for k, text in enumerate(times)}
        constant = self._constant_fields(expected)
        before = -1
        for row in records(rows):
            line, text = row["line"], row["timestamp"]
            k = place.get(text)
            if k is None:
                self._log.add(SESSION_CSV, line, f"timestamp {text!r} is not a clock time of {day}")
                continue
            self._check_step(line, text, k, before, times)
            before = max(before, k)
            ends = is_last and k == expected.frontier
            self._check_fields(line, row, {**constant, **self._fields_at(expected, k, ends=ends)})

    def _check_step(self, line: int, text: str, k: int, before: int, times: list[str]) -> None:
        if k > before + 1:
            missing = times[before + 1]
            self._log.add(
                SESSION_CSV, line, f"{k - before - 1} rows are missing before {text}, {missing} first"
            )
        elif k <= before:
            self._log.add(SESSION_CSV, line, f"is out of order or duplicate: {text} after {times[before]}")

    def _check_fields(self, line: int, row: Record, required: dict[str, str]) -> None:
        for name, right in required.items():
            if row[name] != right:
                self._log.add(SESSION_CSV, line, f"{name} is {row[name]!r}, but should be {right!r}")

    def _constant_fields(self, expected: ExpectedSession) -> dict[str, str]:
        session = expected.session
        opened, closed = (
            moment.astimezone(session.zone).strftime("%H:%M")
            for moment in (session.regular_open, session.regular_close)
        )
        return {
            "system_mode": self._expectation.manifest.mode,
            "trading_hours_open": opened,
            "trading_hours_close": closed,
            "is_early_close": "true" if session.is_early_close else "false",
        }

    def _fields_at(self, expected: ExpectedSession, k: int, *, ends: bool) -> dict[str, str]:
        clock = datetime.fromtimestamp(int(expected.clock_times[k]), expected.session.zone)
        fields = {
            "session_time": clock.strftime("%H:%M:%S"),
            "active_symbols": str(expected.symbols.active[k]),
            "session_active": "true" if k < len(expected.base.labels) else "false",
            "system_state": self._expectation.manifest.state if ends else "running",
        }
        return fields if ends else {**fields, "error": ""}
