"""Walked again: what strategies may not know yet, as they walk a session again after a kill."""

from __future__ import annotations

from typing import Final

import numpy as np

from tapedeck.engine.feeds.recorder_messages import Arrived, QuotesArrived

_PAST_THE_CLOSE: Final = 2**31
_Message = Arrived | QuotesArrived


class WalkedAgain:
    """Holds what strategies did not know when they walked the first `stop` slots, in the order received.

    What has come since the start may be known from `stop` on. A first quote changes all slots of its symbol,
    so quotes are held, whatever their slots. Rows are those of the recorder.
    """

    def __init__(self, stop: int = 0) -> None:
        self.stop = stop
        self._frontier = 0
        self._held: list[tuple[int, _Message]] = []  # with the slot before which it is known
        self._leaving: set[int] = set()  # rows

    @property
    def is_over(self) -> bool:
        """Whether all may be known."""
        return self._frontier >= self.stop

    def take(self, message: _Message) -> _Message | None:
        """Take bars or quotes, and return those that may be known now, or None."""
        known_at = self.stop if message.known_at is None else message.known_at
        is_held = ~np.isin(message.rows, list(self._leaving))
        if isinstance(message, Arrived):
            is_held &= message.slots < known_at
        if known_at <= self._frontier or not is_held.any():
            return message
        self._held.append((known_at, message.part(is_held)))
        return None if is_held.all() else message.part(~is_held)

    def has_due(self, frontier: int) -> bool:
        """Whether `due` would return anything, or further ones may be known from now on."""
        return self._frontier < min(frontier, self.stop) and (
            frontier >= self.stop or any(known_at <= frontier for known_at, _ in self._held)
        )

    def due(self, frontier: int) -> list[_Message]:
        """Return what may be known once `frontier` slots are walked, and not before."""
        self._frontier = frontier
        due = [message for known_at, message in self._held if known_at <= frontier]
        self._held = [one for one in self._held if one[0] > frontier]
        return due

    def leave(self, row: int) -> list[_Message]:
        """Hold nothing of a symbol that is about to leave, as strategies do not see it any more."""
        self._leaving.add(row)
        held, self._held = self._held, []
        due = []
        for known_at, message in held:
            is_leaving = message.rows == row
            if is_leaving.any():
                due.append(message.part(is_leaving))
            if not is_leaving.all():
                self._held.append((known_at, message.part(~is_leaving)))
        return due

    def join(self, row: int) -> None:
        """Hold what comes of a symbol again, as it joins."""
        self._leaving.discard(row)

    @property
    def limit(self) -> int:
        """The frontier at which play waits until strategies have walked, to take what is due."""
        if self.is_over:
            return _PAST_THE_CLOSE
        return min((known_at for known_at, _ in self._held), default=self.stop)
