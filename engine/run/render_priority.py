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
    those ten and little more. One holder at a time, which `ask` may precede; one that forgets itself is not
    waited for long.
    """

    def __init__(self) -> None:
        self._free = Event()
        self._free.set()
        self._depth = 0

    @property
    def is_free(self) -> bool:
        """Whether nobody holds it, or has asked for it."""
        return self._free.is_set()

    def ask(self) -> None:
        """Have the others stand still from now on, until `release`; from any thread."""
        self._free.clear()

    def release(self) -> None:
        """Let the others go on, unless it is held."""
        if not self._depth:
            self._free.set()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Have the others stand still meanwhile; may be nested, in one thread."""
        self._depth += 1
        self.ask()
        try:
            yield
        finally:
            self._depth -= 1
            self.release()

    def wait(self) -> None:
        """Stand still while somebody holds it; a twentieth of a second at most."""
        if not self.is_free:
            self._free.wait(_LONGEST_S)
