"""When Python's garbage collector runs: while nobody waits for an answer."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_REST_S: Final = 0.2
"""So long after a key or a click its answer has been shown."""
# Objects that were made and not yet let go, since the last look at what is young; one picture makes some
# ten thousand. Where somebody keeps a key pressed, rest may be long in coming.
_DUE: Final = 5_000
_OVERDUE: Final = 100_000
_FULL_EVERY: Final = 100
"""Collections of what is young between two of everything, which take ten times as long."""


@contextmanager
def no_collections() -> Iterator[None]:
    """Have none begin by itself; what is frozen meanwhile is given back in the end.

    A collection stops all threads for 1 to 70 ms, and as drawing makes many objects, it likes to begin right
    before what is drawn is written.
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
    """Does them instead, when one is due and nobody has asked for anything a moment ago."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._asked = monotonic()
        self._done = 0

    def asked(self) -> None:
        """Take note that somebody waits for an answer."""
        self._asked = self._monotonic()

    def collect_if_due(self) -> bool:
        """Look whether it is time for one, and do it; return whether it was."""
        at_rest = self._monotonic() - self._asked > _REST_S
        if gc.isenabled() or gc.get_count()[0] < (_DUE if at_rest else _OVERDUE):
            return False
        self._done += 1
        gc.collect(2 if self._done % _FULL_EVERY == 0 else 1)
        return True
