"""Render priority: engine threads yield the interpreter while the console renders a frame."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Final

_LONGEST_S: Final = 0.05


class RenderPriority:
    """Makes threads that call `yield_to_rendering` wait while it is held, between two pieces of their work.

    Threads that all run Python take turns of the interpreter's switch interval, so a frame that needs ten
    milliseconds alone needs fifty beside four of them; each array operation gives a turn away, too. Threads
    that yield lose those ten milliseconds and little more. There is one holder at a time; `request` may come
    before it. A wait is limited, so a holder that never releases does not stop the engine.
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
            self._free.wait(_LONGEST_S)
