"""Recorded day: the journal's entry of a trading day, with its feed, clock, and how far it came."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.symbol_changes import ChangeKind, SymbolChange

DAY_COLUMNS: Final = (
    "trading_day, interval, symbols, source, since, until, closes, start, anchor, speed, last_sequence, "
    "is_reconciled, is_exported, is_stored"
)
"""Columns of a day in the journal's database."""


@dataclass(frozen=True, slots=True)
class ClockAnchor:
    """The clock of a replay: market time `start` at wall time `anchor`, seconds UTC, and its speed."""

    start: float
    anchor: float
    speed: float


@dataclass(frozen=True, slots=True)
class RecordedDay:
    """A trading day's recording: its symbols (sorted), feed, bounds, and how far it came.

    `symbols`: those of the session file. `kept`: those that the session began with beside them, `changes`:
    those that joined and left, both in order.
    `since`, `until`: bounds of its bars, `closes`: the regular close, seconds UTC. `clock`: of a replay, else
    None. `last_sequence`: that of the last arrival before the end; None while the session takes bars.
    `is_stored`: the store has all its bars for certain.
    """

    trading_day: date
    interval: Interval
    symbols: tuple[str, ...]
    source: str
    since: int
    until: int
    closes: int
    clock: ClockAnchor | None = None
    last_sequence: int | None = None
    is_reconciled: bool = False
    is_exported: bool = False
    is_stored: bool = False
    kept: tuple[str, ...] = ()
    changes: tuple[SymbolChange, ...] = ()

    @property
    def all_symbols(self) -> tuple[str, ...]:
        """All symbols that were recorded on the day: also those that joined, or left."""
        joined = (change.symbol for change in self.changes if change.kind is ChangeKind.JOINED)
        return tuple(dict.fromkeys((*self.symbols, *self.kept, *joined)))

    @property
    def is_ended(self) -> bool:
        """Whether the session takes no more bars."""
        return self.last_sequence is not None


def key_of(day: RecordedDay) -> tuple[str, str, str]:
    """Return the key of a day in the journal: trading day, interval, symbols."""
    return day.trading_day.isoformat(), str(day.interval), json.dumps(sorted(day.symbols))


def day_of(row: tuple[Any, ...]) -> RecordedDay:
    """Return the day of a row of `DAY_COLUMNS`."""
    trading_day, interval, symbols, source, since, until, closes, start, anchor, speed, last, *marks = row
    is_reconciled, is_exported, is_stored = map(bool, marks)
    return RecordedDay(
        date.fromisoformat(trading_day),
        Interval.parse(interval),
        tuple(json.loads(symbols)),
        source,
        since,
        until,
        closes,
        None if start is None else ClockAnchor(start, anchor, speed),
        last,
        is_reconciled,
        is_exported,
        is_stored,
    )
