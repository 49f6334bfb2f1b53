"""Render priority: engine threads yield the interpreter while the console renders a frame."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Final

_MAX_WAIT_S: Final = 0.05


class RenderPriority:
    """Makes threads that call `yield_to_rendering` wait while it is held.

    Python threads take turns at the interpreter's switch interval: a frame that takes 10 ms alone takes 50 ms
    while four threads compute, as each array operation gives up a turn. Threads that yield lose little more
    than those 10 ms. One thread holds it at a time; `request` may precede holding. Waits have a limit, so
    a holder that never releases does not stop the engine.
    """

    def __init__(self) -> None:
        self._free = Event()
        self._free.set()
        self._depth = 0

    @property
    def is_free(self) -> bool:
        """Whether it is neither held nor requested."""
        return self._free.is_set()

    def request(self) -> None:
        """Make other threads wait from now on, until `release`; from any thread."""
        self._free.clear()

    def release(self) -> None:
        """Let other threads continue, unless it is held."""
        if not self._depth:
            self._free.set()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Make other threads wait within the context; may be nested, in one thread."""
        self._depth += 1
        self.request()
        try:
            yield
        finally:
            self._depth -= 1
            self.release()

    def yield_to_rendering(self) -> None:
        """Wait while it is held or requested, for 50 ms at most."""
        if not self.is_free:
            self._free.wait(_MAX_WAIT_S)
