"""Events of what strategies did in a run: fills and notes, whose texts are made when they are listed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

from tapedeck.engine.broker.account_record import AccountRecord, StrategyNote
from tapedeck.engine.broker.money import MoneyScale
from tapedeck.engine.broker.orders import BUY, Side
from tapedeck.engine.broker.records import Fill
from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.tape.tape import Tape

_LEAST_DECIMALS: Final = 2
_MOST_DECIMALS: Final = 6

Happened = Fill | StrategyNote


class AccountEvent(NamedTuple):
    """A fill or a note of a slot. `number`: that of its event. `symbol`, `side`: None for notes."""

    number: int
    slots: SessionSlots
    slot: int
    symbol: str | None
    text: str
    side: Side | None


class AccountEvents:
    """Fills and notes of the sessions of a run in their order. One thread at a time.

    `kept`: the most that wait to be taken; the latest stay.
    """

    def __init__(self, kept: int) -> None:
        self._waiting: deque[tuple[int, SessionSlots, MoneyScale, Happened]] = deque(maxlen=kept)
        self._fills = self._notes = 0

    def begin_session(self) -> None:
        """Begin a session, whose account is empty."""
        self._fills = self._notes = 0

    def advance(self, tape: Tape, number: int) -> int:
        """Take what happened up to the tape's frontier, from `number` + 1 on; return the last number."""
        if tape.account is None:
            return number
        record = tape.account.record
        for one in self._new(record, tape.frontier):
            number += 1
            self._waiting.append((number, tape.slots, record.scale, one))
        return number

    def take(self) -> Iterator[AccountEvent]:
        """Yield what waits, in the order of the numbers, and drop it."""
        while self._waiting:
            yield _event(*self._waiting.popleft())

    def _new(self, record: AccountRecord, frontier: int) -> list[Happened]:
        """Return the fills and notes since the last call, by slot; fills of a slot before its notes."""
        fills, notes = self._fills, self._notes
        while self._fills < len(record.fills) and record.fills[self._fills].slot < frontier:
            self._fills += 1
        while self._notes < len(record.notes) and record.notes[self._notes].slot < frontier:
            self._notes += 1
        found: list[Happened] = [*record.fills[fills : self._fills], *record.notes[notes : self._notes]]
        return sorted(found, key=lambda one: one.slot)


def _event(number: int, slots: SessionSlots, scale: MoneyScale, one: Happened) -> AccountEvent:
    if isinstance(one, Fill):
        return AccountEvent(number, slots, one.slot, one.symbol, fill_text(one, scale), one.side)
    return AccountEvent(number, slots, one.slot, None, note_text(one), None)


def fill_text(fill: Fill, scale: MoneyScale) -> str:
    """Return a fill in words: `cross buys 100 at 168.42: enter`."""
    verb = "buys" if fill.side is BUY else "sells"
    reason = f": {fill.reason}" if fill.reason else ""
    shares = plain_number(scale.shares(fill.lots), 0)
    return f"{fill.strategy} {verb} {shares} at {plain_number(fill.price)}{reason}"


def note_text(note: StrategyNote) -> str:
    """Return a note in words: `cross: spread is wide 0.25`."""
    value = "" if note.value is None else f" {plain_number(note.value, 0)}"
    return f"{note.strategy}: {note.text}{value}"


def plain_number(value: float, least_decimals: int = _LEAST_DECIMALS) -> str:
    """Return a number with at most six decimals, without zeros at its end beyond `least_decimals`."""
    whole, _, decimals = f"{value:,.{_MOST_DECIMALS}f}".partition(".")
    kept = decimals.rstrip("0").ljust(least_decimals, "0")
    return f"{whole}.{kept}" if kept else whole
