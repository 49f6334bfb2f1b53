"""Letting somebody else have the interpreter for a moment: a screen that draws, beside a busy engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Final

_LONGEST_S: Final = 0.05


class Courtesy:
    """While somebody holds it, threads that ask `wait` stand still, between two pieces of their work.

    Threads that all run Python take turns of the switch interval, so that what needs ten milliseconds alone
    needs fifty beside four of them; and each array operation gives a turn away. Threads that stand aside lose
    those ten and little more. One holder at a time; one that forgets itself is not waited for long.
    """

    def __init__(self) -> None:
        self._free = Event()
        self._free.set()
        self._depth = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Have the others stand still meanwhile; may be nested, in one thread."""
        self._depth += 1
        self._free.clear()
        try:
            yield
        finally:
            self._depth -= 1
            if not self._depth:
                self._free.set()

    def wait(self) -> None:
        """Stand still while somebody holds it; a twentieth of a second at most."""
        if not self._free.is_set():
            self._free.wait(_LONGEST_S)
