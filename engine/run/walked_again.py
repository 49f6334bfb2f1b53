"""Walked again: bars that strategies may not know yet, as they walk a session again after a kill."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from tapedeck.engine.feeds.recorder_messages import Arrived

_PAST_THE_CLOSE: Final = 2**31


class WalkedAgain:
    """Holds what strategies did not know when they walked the first `stop` slots, in the order received.

    Bars that have come since the start may be known from `stop` on. Rows are those of the recorder.
    """

    def __init__(self, stop: int = 0) -> None:
        self.stop = stop
        self._frontier = 0
        self._held: list[tuple[int, Arrived]] = []  # with the slot before which it is known
        self._leaving: set[int] = set()  # rows

    @property
    def is_over(self) -> bool:
        """Whether all may be known."""
        return self._frontier >= self.stop

    def take(self, message: Arrived) -> Arrived | None:
        """Take bars, and return those that may be known now, or None."""
        known_at = self.stop if message.known_at is None else message.known_at
        is_held = (message.slots < known_at) & ~np.isin(message.rows, list(self._leaving))
        if known_at <= self._frontier or not is_held.any():
            return message
        self._held.append((known_at, _part(message, is_held)))
        return None if is_held.all() else _part(message, ~is_held)

    def has_due(self, frontier: int) -> bool:
        """Whether `due` would return any bars, or further ones may be known from now on."""
        return self._frontier < min(frontier, self.stop) and (
            frontier >= self.stop or any(known_at <= frontier for known_at, _ in self._held)
        )

    def due(self, frontier: int) -> list[Arrived]:
        """Return the bars that may be known once `frontier` slots are walked, and not before."""
        self._frontier = frontier
        due = [message for known_at, message in self._held if known_at <= frontier]
        self._held = [one for one in self._held if one[0] > frontier]
        return due

    def leave(self, row: int) -> list[Arrived]:
        """Hold nothing of a symbol that is about to leave, as strategies do not see it any more."""
        self._leaving.add(row)
        held, self._held = self._held, []
        due = []
        for known_at, message in held:
            is_leaving = message.rows == row
            if is_leaving.any():
                due.append(_part(message, is_leaving))
            if not is_leaving.all():
                self._held.append((known_at, _part(message, ~is_leaving)))
        return due

    def join(self, row: int) -> None:
        """Hold bars of a symbol again, as it joins."""
        self._leaving.discard(row)

    @property
    def limit(self) -> int:
        """The frontier at which play waits until strategies have walked, to take what is due."""
        if self.is_over:
            return _PAST_THE_CLOSE
        return min((known_at for known_at, _ in self._held), default=self.stop)


def _part(message: Arrived, chosen: np.ndarray) -> Arrived:
    return replace(
        message,
        rows=message.rows[chosen],
        slots=message.slots[chosen],
        values=message.values[:, chosen],
        kinds=message.kinds[chosen],
        is_new=message.is_new[chosen],
    )
