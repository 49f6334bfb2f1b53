"""Garbage collection timing: Python's collector runs while no key or click waits for an answer."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_IDLE_S: Final = 0.2
"""Time after a key or a click that is kept free for its response."""
# Objects allocated and not freed since the last collection; a frame allocates about ten thousand. While a key
# is held down, there may be no idle moment for long.
_DUE: Final = 5_000
_OVERDUE: Final = 100_000
_FULL_EVERY: Final = 100
"""Collections of young objects between two full ones, which take ten times as long."""


@contextmanager
def no_collections() -> Iterator[None]:
    """Switch automatic collection off; objects frozen inside are unfrozen at the end.

    A collection stops all threads for 1 to 70 ms, and as drawing makes many objects, it tends to start
    between drawing a frame and writing it.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if was_on:
            gc.enable()


class GcScheduler:
    """Runs a collection when one is due and no input has come for a moment."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._last_input = monotonic()
        self._done = 0

    def note_input(self) -> None:
        """Record a key or a click at the current time."""
        self._last_input = self._monotonic()

    def collect_if_due(self) -> bool:
        """Run a collection if one is due; return whether it was."""
        is_idle = self._monotonic() - self._last_input > _IDLE_S
        if gc.isenabled() or gc.get_count()[0] < (_DUE if is_idle else _OVERDUE):
            return False
        self._done += 1
        gc.collect(2 if self._done % _FULL_EVERY == 0 else 1)
        return True
