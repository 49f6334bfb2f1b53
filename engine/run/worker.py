"""Worker: a thread that processes the blocks in its queue, in order, until it is stopped."""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from queue import SimpleQueue
from threading import Event, Thread
from typing import Generic, TypeVar

from tapedeck.engine.errors import EngineError
from tapedeck.engine.read.status import WorkerState, WorkerStatus
from tapedeck.engine.run.messages import Message, Wake, WorkerFailed
from tapedeck.engine.run.subscription import PaceMode, StreamSubscription

log = logging.getLogger(__name__)

Work = TypeVar("Work")
# Interval at which a wait checks that the thread is alive.
_POLL_S = 0.1


class Worker(ABC, Generic[Work]):
    """Base of the engine's worker threads.

    `send` puts a message into the coordinator's mailbox. The thread is not a daemon, unless it runs code of
    users: `stop` ends it after the work already in its queue, and `join` waits for that. An error ends it,
    too, and is sent once.
    """

    def __init__(self, name: str, send: Callable[[Message], None], *, daemon: bool = False) -> None:
        self.name = name
        self.blocks = 0
        self.overruns = 0
        self.error: Exception | None = None
        # Set to cancel a long computation; the current block is then lost, on purpose.
        self.cancelled = Event()
        self.subscription = StreamSubscription(PaceMode.DATA_DRIVEN, name, lambda: send(Wake()))
        self.subscription.signal_ready()
        self._send = send
        self._queue: SimpleQueue[Work | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name=f"tapedeck-{name}", daemon=daemon)
        self._state = WorkerState.NEW
        self._handed = 0

    @abstractmethod
    def process(self, work: Work) -> None:
        """Do one piece of work; runs in the worker's thread."""

    def start(self) -> None:
        """Start the thread."""
        self._state = WorkerState.IDLE
        self._thread.start()

    def hand_over(self, work: Work) -> None:
        """Queue work; the subscription is ready again when all queued work is done."""
        self._handed += 1
        self.subscription.reset()
        self._queue.put(work)

    @property
    def is_ready(self) -> bool:
        """Whether all work handed over is done."""
        # The signal alone may be an earlier one that crossed with the last hand-over.
        return self.blocks == self._handed and self.subscription.is_ready

    def wait_until_ready(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds until all work handed over is done; return whether it is.

        Call from any thread. Returns at once if the worker has ended.
        """
        deadline = time.monotonic() + timeout
        while not self.is_ready and self.is_alive:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            # After a signal that crossed with a hand-over, the loop waits again.
            self.subscription.wait_until_ready(min(left, _POLL_S))
        return self.is_ready

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    @property
    def waiting(self) -> int:
        """Number of blocks in the queue."""
        return self._queue.qsize()

    def stop(self) -> None:
        """Make the thread end after its queued work; safe to call twice."""
        self._queue.put(None)

    def join(self, timeout: float) -> None:
        """Wait for the thread to end; EngineError with its name if it takes longer than `timeout` seconds."""
        if self._thread.ident is None:
            return
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise EngineError(f"thread {self._thread.name} did not end within {timeout:g} s")

    def status(self) -> WorkerStatus:
        """Return the worker's row of the thread table."""
        error = None if self.error is None else f"{type(self.error).__name__}: {self.error}"
        return WorkerStatus(self.name, self._state, self.blocks, self.waiting, self.overruns, error)

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            self._state = WorkerState.BUSY
            try:
                self.process(work)
            except Exception as error:
                log.exception("%s failed", self.name)
                self.error = error
                self._state = WorkerState.FAILED
                self._send(WorkerFailed(self.name, error))
                return
            self.blocks += 1
            self._state = WorkerState.IDLE
            if self._queue.empty():
                self.subscription.signal_ready()
        self._state = WorkerState.ENDED
