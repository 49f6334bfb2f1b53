"""Stream subscription: the one-shot signal by which a consumer reports that a block is done."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from threading import Event


class PaceMode(Enum):
    """Pace of a session: set by the consumers' speed, by a clock, or by the market."""

    DATA_DRIVEN = "data-driven"
    CLOCK_DRIVEN = "clock-driven"
    LIVE = "live"

    @property
    def producer_waits(self) -> bool:
        """Whether the producer waits for its consumers; otherwise a late consumer is an overrun."""
        return self is PaceMode.DATA_DRIVEN


class StreamSubscription:
    """A consumer's signal to its producer that it is ready for the next block.

    `on_ready` is called in the consumer's thread after the signal, for a producer that waits on a queue of
    its own instead.
    """

    __slots__ = ("_event", "_on_ready", "mode", "stream_id")

    def __init__(self, mode: PaceMode, stream_id: str, on_ready: Callable[[], None] | None = None) -> None:
        self.mode = mode
        self.stream_id = stream_id
        self._on_ready = on_ready
        self._event = Event()

    def signal_ready(self) -> None:
        """Signal that all work handed over is done; a second call has no further effect."""
        self._event.set()
        if self._on_ready is not None:
            self._on_ready()

    def wait_until_ready(self, timeout: float | None = None) -> bool:
        """Wait at most `timeout` seconds for the signal; return whether it was given."""
        return self._event.wait(timeout)

    @property
    def is_ready(self) -> bool:
        """Whether the signal has been given since the last reset."""
        return self._event.is_set()

    def reset(self) -> None:
        """Clear the signal, before the next block is handed over."""
        self._event.clear()
