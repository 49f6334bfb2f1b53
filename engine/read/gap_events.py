"""Gaps of one session as they become known: when they begin, and when they end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.quality.gaps_and_scores import gap_runs, gaps_begin
from tapedeck.engine.read.event import Event, EventKind
from tapedeck.engine.tape.bar_grid import Ints, Mask
from tapedeck.engine.tape.tape import Tape


class GapTracker:
    """Numbers the gaps of a session as its frontier moves on, and lists them when somebody asks.

    Numbering is counting alone, so that a run which nobody watches hardly pays for it. A session that is over
    keeps one bit a slot.
    """

    def __init__(self, tape: Tape) -> None:
        self._slots = tape.slots
        self._symbols = tape.symbols
        self._tape: Tape | None = tape
        self._packed: np.ndarray | None = None
        self._looked = 0
        self._numbers: list[range] = []
        self._listed: dict[tuple[int, int], Event] = {}
        self._times: dict[int, str] = {}  # of many gaps few times of day

    @property
    def count(self) -> int:
        """How many gaps are known."""
        return sum(len(numbers) for numbers in self._numbers)

    def advance(self, frontier: int, number: int) -> tuple[int, bool]:
        """Look at the slots up to `frontier`, numbering new gaps from `number` + 1 on.

        Returns the last number given, and whether any gap has begun or ended.
        """
        start = self._looked
        if self._tape is None or frontier <= start:
            return number, False
        present = self._tape.base.present
        block = present[:, start:frontier]
        before = present[:, start - 1] if start else np.ones(len(present), dtype=np.bool_)
        self._looked = frontier
        begun = int(np.count_nonzero(gaps_begin(block, before)))
        if begun:
            self._numbers.append(range(number + 1, number + 1 + begun))
        # A gap ends where a run of bars begins, or at the close.
        ended = gaps_begin(~block, ~before).any() or (frontier == len(self._slots) and not block[:, -1].all())
        return number + begun, bool(begun or ended)

    def finish(self) -> None:
        """Let go of the tape; what is needed of it is kept in little room."""
        self._packed = np.packbits(self._present(), axis=1)
        self._tape = None

    def gaps(self, most: int) -> list[Event]:
        """Return the last gaps that are known, `most` of them, in the order of their numbers."""
        runs = gap_runs(self._present())
        # Slot by slot, and row by row within one: the order in which they were numbered.
        order = np.lexsort((runs.rows, runs.first))[-most:]
        numbers = [number for known in self._numbers for number in known][-most:]
        columns = (runs.rows[order].tolist(), runs.first[order].tolist(), runs.last[order].tolist())
        listed = {}
        for number, row, first, last in zip(numbers, *columns, strict=True):
            key = (number, -1 if self._goes_on(last) else last)
            listed[key] = self._listed.get(key) or self._event(number, row, first, last)
        self._listed = listed
        return list(listed.values())

    def _present(self) -> Mask:
        """Return which slots that were looked at have a bar, bool (S, slots)."""
        if self._tape is not None:
            return self._tape.base.present[:, : self._looked]
        assert self._packed is not None  # `finish` has packed what the tape had
        return np.unpackbits(self._packed, axis=1, count=self._looked).astype(np.bool_)

    def _event(self, number: int, row: int, first: int, last: int) -> Event:
        place = int(self._slots.closed_at[first])
        clock, day = utc_from_epoch(place), self._slots.session.trading_day
        known_last = None if self._goes_on(last) else last
        text = self._text(first, last)
        return Event(number, EventKind.GAP, first, day, clock, self._symbols[row], text, place, known_last)

    def _text(self, first: int, last: int) -> str:
        begun = self._time(self._slots.opened_at, first)
        if self._goes_on(last):
            return _no_bar_since(begun)
        if first == last:
            return f"1 bar missing, {begun}"
        return f"{last - first + 1} bars missing, {begun} to {self._time(self._slots.opened_at, last)}"

    def _goes_on(self, last: int) -> bool:
        """Whether the end of a gap is not known yet, its last slot being the last that was looked at."""
        return last == self._looked - 1 and self._looked < len(self._slots)

    def _time(self, instants: Ints, slot: int) -> str:
        seconds = int(instants[slot])
        text = self._times.get(seconds)
        if text is None:
            text = self._times[seconds] = _time_of_day(seconds, self._slots.session)
        return text


def as_known_at(event: Event, tape: Tape, frontier: int) -> Event:
    """Return an event as it was known at an earlier frontier: a gap that went on then has no end.

    `tape`: the one that is looked at. Events of other sessions, and of other kinds, stay as they are.
    """
    is_over = event.last is None or frontier > event.last + 1 or frontier == len(tape)
    if is_over or event.slot is None or event.trading_day != tape.session.trading_day:
        return event
    begun = _time_of_day(int(tape.slots.opened_at[event.slot]), tape.session)
    return replace(event, text=_no_bar_since(begun), last=None)


def _no_bar_since(begun: str) -> str:
    return f"no bar since {begun}"


def _time_of_day(seconds: int, session: TradingSession) -> str:
    local = utc_from_epoch(seconds).astimezone(session.zone)
    return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
