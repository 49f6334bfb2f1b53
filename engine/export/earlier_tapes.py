"""Sessions of a run that are over: the last ones in memory, those before on disk, all of them given back."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from threading import Lock
from typing import Final

from engine.errors import ExportError
from engine.export.spool import TapeSpool
from engine.intervals import Interval
from engine.quality.historical import HistoricalQuality
from engine.tape.session_record import SessionRecord
from engine.tape.tape import Tape

log = logging.getLogger(__name__)

MEMORY_BYTES: Final = 256 * 2**20
"""What the tapes in memory may hold together, unless told otherwise."""

# Tapes read back from disk that stay at hand: the day that is looked at, and its neighbours.
_AT_HAND: Final = 3


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a session's record says besides its tape."""

    frontier: int
    state: str
    error: str | None
    historical_quality: Mapping[tuple[str, Interval], HistoricalQuality]
    digest: str


class EarlierTapes:
    """Keeps each session of a run; a `SessionSink`.

    Tapes stay in memory up to `memory_bytes`; from there on the oldest go to `folder`, which is made when the
    first one does: to write every tape of a run costs a tenth of its full speed and more. A disk that takes
    no more does not end the run: those days cannot be looked at any more, and `trouble` says why.
    Written by the recorder's thread; anyone may read.
    """

    def __init__(self, folder: Path, memory_bytes: int = MEMORY_BYTES) -> None:
        self._folder = folder
        self._memory_bytes = memory_bytes
        self._lock = Lock()  # guards what follows
        self._facts: dict[date, _Facts] = {}
        self._held: OrderedDict[date, Tape] = OrderedDict()
        self._held_bytes = 0
        self._at_hand: OrderedDict[date, Tape] = OrderedDict()
        self._spool: TapeSpool | None = None
        self.trouble: str | None = None

    # The recorder's thread

    def write_session(self, record: SessionRecord, digest: str) -> None:
        """Keep one session that is over."""
        day, tape = record.tape.session.trading_day, record.tape
        quality = dict(record.historical_quality)
        with self._lock:
            self._facts[day] = _Facts(record.frontier, record.state, record.error, quality, digest)
            self._held[day] = tape
            self._held_bytes += tape.nbytes
        while self._held_bytes > self._memory_bytes:
            self._move_to_disk()

    def _move_to_disk(self) -> None:
        """Write the oldest tape in memory; readers find it in memory until it is on disk."""
        day, tape = next(iter(self._held.items()))
        try:
            if self._spool is None:
                self._spool = TapeSpool(self._folder)
            facts = self._facts[day]
            self._spool.write_session(_record(facts, tape), facts.digest)
        except ExportError as error:
            log.warning("%s cannot be kept to be looked at later: %s", day, error)
            self.trouble = f"{day} cannot be looked at later: {error}"
            with self._lock:
                del self._facts[day]
        with self._lock:
            del self._held[day]
            self._held_bytes -= tape.nbytes

    # Anyone

    def days(self) -> tuple[date, ...]:
        """Return the trading days that are there, oldest first."""
        with self._lock:
            return tuple(sorted(self._facts))

    def before(self, trading_day: date) -> date | None:
        """Return the last day that is there before another, None where there is none."""
        return max((day for day in self.days() if day < trading_day), default=None)

    def after(self, trading_day: date) -> date | None:
        """Return the first day that is there after another, None where there is none."""
        return min((day for day in self.days() if day > trading_day), default=None)

    def tape(self, trading_day: date) -> Tape:
        """Return a day's tape as far as it was played; ExportError where it is not there or damaged."""
        tape = self._in_memory(trading_day)
        if tape is not None:
            return tape
        tape = self._read(trading_day)
        with self._lock:
            self._at_hand[trading_day] = tape
            while len(self._at_hand) > _AT_HAND:
                self._at_hand.popitem(last=False)
        return tape

    def records(self) -> Iterator[tuple[SessionRecord, str]]:
        """Give every session as it was recorded, with its digest, oldest first, read one at a time.

        Raises ExportError where a day is damaged, or could not be kept.
        """
        if self.trouble is not None:
            raise ExportError(f"{self.trouble} So the days that are over cannot be exported.")
        with self._lock:  # a day may be given up meanwhile; reading it then says so
            played = [(day, self._facts[day]) for day in sorted(self._facts)]
        for day, facts in played:
            tape = self._in_memory(day)
            tape = self._read(day) if tape is None else tape
            yield _record(facts, tape), facts.digest

    def clear(self) -> None:
        """Let go of all tapes, those on disk too; what cannot be removed is left, and logged."""
        with self._lock:
            self._facts.clear()
            self._held.clear()
            self._at_hand.clear()
            self._held_bytes = 0
        if self._spool is None:
            return
        try:
            self._spool.clear()
            self._folder.rmdir()
        except (ExportError, OSError) as error:
            log.warning("the tapes of this run could not be removed: %s", error)

    # Within

    def _in_memory(self, trading_day: date) -> Tape | None:
        with self._lock:
            if trading_day in self._at_hand:
                self._at_hand.move_to_end(trading_day)
                return self._at_hand[trading_day]
            return self._held.get(trading_day)

    def _read(self, trading_day: date) -> Tape:
        if trading_day not in self._facts or self._spool is None:
            raise ExportError(f"no tape of {trading_day} is kept.{self._nearest(trading_day)}")
        return self._spool.load(trading_day)

    def _nearest(self, trading_day: date) -> str:
        days = self.days()
        if not days:
            return " No session has ended yet."
        nearest = min(days, key=lambda day: abs((day - trading_day).days))
        return f" Days from {days[0]} to {days[-1]} are; the nearest is {nearest}."


def _record(facts: _Facts, tape: Tape) -> SessionRecord:
    return SessionRecord(tape, facts.frontier, facts.state, facts.error, facts.historical_quality)
