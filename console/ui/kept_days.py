"""The sessions of this run that are over, on disk, so that earlier days can be looked at and exported."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from threading import Lock
from typing import Final, NamedTuple

from engine.errors import ExportError
from engine.export.spool import TapeSpool
from engine.intervals import Interval
from engine.quality.historical import HistoricalQuality
from engine.tape.session_record import SessionRecord
from engine.tape.tape import Tape

log = logging.getLogger(__name__)

# Tapes kept in memory besides the one that plays: the day looked at, and its neighbour.
_TAPES_HELD: Final = 2


class _Facts(NamedTuple):
    """What a session's record says besides its tape, which is on disk."""

    frontier: int
    state: str
    error: str | None
    historical_quality: Mapping[tuple[str, Interval], HistoricalQuality]
    digest: str


class KeptDays:
    """Keeps each session's tape in a folder; a `SessionSink`.

    A disk that takes no more does not end the run: from then on earlier days cannot be looked at, and
    `trouble` says why. Written by the recorder's thread; read by the console's.
    """

    def __init__(self, folder: Path) -> None:
        self._spool = TapeSpool(folder)
        self._lock = Lock()  # guards what follows
        self._facts: dict[date, _Facts] = {}
        self._tapes: OrderedDict[date, Tape] = OrderedDict()
        self.trouble: str | None = None

    def write_session(self, record: SessionRecord, digest: str) -> None:
        """Keep one session that is over."""
        day = record.tape.session.trading_day
        try:
            self._spool.write_session(record, digest)
        except ExportError as error:
            log.warning("%s cannot be kept to be looked at later: %s", day, error)
            self.trouble = f"{day} cannot be looked at later: {error}"
            return
        quality = dict(record.historical_quality)
        with self._lock:
            self._facts[day] = _Facts(record.frontier, record.state, record.error, quality, digest)

    def days(self) -> tuple[date, ...]:
        """Return the trading days that are there, oldest first."""
        with self._lock:
            return tuple(sorted(self._facts))

    def load(self, trading_day: date) -> Tape:
        """Return a day's tape; the last ones asked for stay in memory. Raises ExportError."""
        with self._lock:
            if trading_day in self._tapes:
                self._tapes.move_to_end(trading_day)
                return self._tapes[trading_day]
        tape = self._spool.load(trading_day)
        with self._lock:
            self._tapes[trading_day] = tape
            while len(self._tapes) > _TAPES_HELD:
                self._tapes.popitem(last=False)
        return tape

    def before(self, trading_day: date) -> date | None:
        """Return the last day that is there before another, None where there is none."""
        return max((day for day in self.days() if day < trading_day), default=None)

    def after(self, trading_day: date) -> date | None:
        """Return the first day that is there after another, None where there is none."""
        return min((day for day in self.days() if day > trading_day), default=None)

    def records(self) -> Iterator[tuple[SessionRecord, str]]:
        """Give every session as it was recorded, with its digest, oldest first, loaded one at a time."""
        for day in self.days():
            facts = self._facts[day]
            tape = self._spool.load(day)
            yield (
                SessionRecord(tape, facts.frontier, facts.state, facts.error, facts.historical_quality),
                facts.digest,
            )

    def clear(self) -> None:
        """Remove the tapes from disk; what cannot be removed is left, and logged."""
        try:
            self._spool.clear()
            self._spool.folder.rmdir()
        except (ExportError, OSError) as error:
            log.warning("the tapes of this run could not be removed: %s", error)
