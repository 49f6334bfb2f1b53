"""The hand-over of a block between two threads: one shot, and then reset."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from threading import Event


class PaceMode(Enum):
    """What moves the session on: the consumers' speed, a clock, or the market."""

    DATA_DRIVEN = "data-driven"
    CLOCK_DRIVEN = "clock-driven"
    LIVE = "live"

    @property
    def producer_waits(self) -> bool:
        """Whether the producer waits for its consumers; else a late consumer is an overrun."""
        return self is PaceMode.DATA_DRIVEN


class StreamSubscription:
    """A consumer's word to its producer that it is ready for more.

    `on_ready` is called by the consumer's thread after the signal, so that a producer which waits for several
    things at once need not wait here.
    """

    __slots__ = ("_event", "_on_ready", "mode", "stream_id")

    def __init__(self, mode: PaceMode, stream_id: str, on_ready: Callable[[], None] | None = None) -> None:
        self.mode = mode
        self.stream_id = stream_id
        self._on_ready = on_ready
        self._event = Event()

    def signal_ready(self) -> None:
        """Say that all that was handed over is done. Saying it twice is saying it once."""
        self._event.set()
        if self._on_ready is not None:
            self._on_ready()

    def wait_until_ready(self, timeout: float | None = None) -> bool:
        """Wait at most `timeout` seconds for the signal; return whether it came."""
        return self._event.wait(timeout)

    @property
    def is_ready(self) -> bool:
        """Whether the signal has been given since the last reset."""
        return self._event.is_set()

    def reset(self) -> None:
        """Take the signal back, before the next block is handed over."""
        self._event.clear()
