"""Location of rows: position of each row's symbol, interval, session, and slot or bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import numpy as np
import pandas as pd

from tapedeck.engine.errors import did_you_mean, nearest
from tapedeck.engine.export.validation.expectation import Expectation
from tapedeck.engine.export.validation.report import FindingLog
from tapedeck.engine.export.validation.table_reader import Piece
from tapedeck.engine.tape.bar_grid import Ints

Locate = Callable[[Piece], pd.DataFrame]


class Locator:
    """Finds positions for one file. Unknown words become -1, with a finding for each row."""

    def __init__(self, file: str, expectation: Expectation, log: FindingLog) -> None:
        self._file = file
        self._expectation = expectation
        self._log = log

    def words(self, piece: Piece, column: str, known: Sequence[str], what: str) -> Ints:
        """Return the position in `known` of each row's word; `what`: the kind of words."""
        codes, texts = piece.codes(column)
        positions = {word: at for at, word in enumerate(known)}
        found = np.array([positions.get(text, -1) for text in texts], dtype=np.int64)[codes]
        for row in np.flatnonzero(found < 0).tolist():
            text = texts[codes[row]]
            hint = did_you_mean(nearest(text, known))
            self._log.add(self._file, int(piece.lines[row]), f"unknown {what} {text!r}.{hint}")
        return found

    def sessions(self, piece: Piece, column: str) -> tuple[Ints, Ints]:
        """Return the instant (seconds UTC) of each row, and the position of its session."""
        codes, texts = piece.codes(column)
        answers = [self._read_time(text) for text in texts]
        seconds = np.array([answer[0] for answer in answers], dtype=np.int64)[codes]
        session = np.array([answer[1] for answer in answers], dtype=np.int64)[codes]
        faulty = (
            np.array([bool(answer[2]) for answer in answers])[codes] if answers else np.zeros(0, dtype=bool)
        )
        for row in np.flatnonzero(faulty).tolist():
            self._log.add(self._file, int(piece.lines[row]), answers[codes[row]][2])
        return seconds, session

    def _read_time(self, text: str) -> tuple[int, int, str]:
        """Return instant, session, and the fault of the text or an empty string."""
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return 0, -1, f"invalid timestamp {text!r}: use ISO 8601"
        if moment.tzinfo is None:
            return 0, -1, f"timestamp {text!r} has no offset from UTC"
        expectation = self._expectation
        seconds = int(moment.timestamp())
        session = expectation.session_at(seconds)
        if session < 0:
            return seconds, -1, f"timestamp {text} is outside the hours of all sessions of the export"
        written = datetime.fromtimestamp(seconds, expectation.zone).isoformat()
        fault = "" if written == text else f"timestamp {text} is not in exchange time, which is {written}"
        return seconds, session, fault

    def columns(self, piece: Piece, seconds: Ints, session: Ints, interval: Ints) -> Ints:
        """Return the slot or bucket of each row's interval that opens at its time, or -1."""
        found = np.full(len(seconds), -1, dtype=np.int64)
        known = (session >= 0) & (interval >= 0)
        for at in np.unique(session[known]).tolist():
            expected = self._expectation.session(at)
            for code in np.unique(interval[known & (session == at)]).tolist():
                rows = np.flatnonzero(known & (session == at) & (interval == code))
                labels = expected.layouts[code].labels
                places = np.minimum(np.searchsorted(labels, seconds[rows]), len(labels) - 1)
                hit = labels[places] == seconds[rows]
                found[rows[hit]] = places[hit]
                for row in rows[~hit].tolist():
                    name = self._expectation.indicator_intervals[code]
                    message = (
                        f"no bar of {name} opens at {expected.time_text(int(seconds[row]))} in this session"
                    )
                    self._log.add(self._file, int(piece.lines[row]), message)
        return found


class SessionCursor:
    """Returns a file's rows session by session, reading only as far as needed."""

    def __init__(
        self, file: str, pieces: Iterator[Piece], locate: Locate, days: Sequence[str], log: FindingLog
    ) -> None:
        self._file = file
        self._rows = (locate(piece) for piece in pieces)
        self._ahead: pd.DataFrame | None = None
        self._days = days
        self._log = log

    def take(self, index: int) -> pd.DataFrame | None:
        """Return the rows of the session at `index`, or None; call in order.

        A row of an earlier session among them is a finding, and is left out.
        """
        parts: list[pd.DataFrame] = []
        while (rows := self._next()) is not None:
            session = rows["session"].to_numpy()
            later = np.flatnonzero(session > index)
            stop = int(later[0]) if len(later) else len(rows)
            here = rows.iloc[:stop]
            self._report_late(here[session[:stop] < index], index)
            own = here[session[:stop] == index]
            if len(own):
                parts.append(own)
            if len(later):
                self._ahead = rows.iloc[stop:]
                break
        return pd.concat(parts, ignore_index=True) if parts else None

    def finish(self) -> None:
        """Read the remaining rows, so that their faults are reported; they belong to no session."""
        while self._next() is not None:
            continue

    def _next(self) -> pd.DataFrame | None:
        rows, self._ahead = self._ahead, None
        return next(self._rows, None) if rows is None else rows

    def _report_late(self, rows: pd.DataFrame, index: int) -> None:
        for line, session in zip(rows["line"].tolist(), rows["session"].tolist(), strict=True):
            message = f"is out of order: a row of {self._days[session]} is among those of {self._days[index]}"
            self._log.add(self._file, line, message)
