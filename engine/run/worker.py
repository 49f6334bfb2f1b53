"""A thread that takes blocks from its inbox, one after the other, until it is told to stop."""

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
# How long a wait goes on before it looks whether the thread is still there.
_LOOK_AGAIN_S = 0.1


class Worker(ABC, Generic[Work]):
    """Base of the engine's worker threads.

    `send` puts a message into the coordinator's mailbox. The thread is no daemon: it ends by `stop`, after
    what is already in its inbox, and is joined. An error ends it too, and is told, once.
    """

    def __init__(self, name: str, send: Callable[[Message], None]) -> None:
        self.name = name
        self.blocks = 0
        self.overruns = 0
        self.error: Exception | None = None
        # Set to make a long computation give up; the block under way is then lost, on purpose.
        self.cancelled = Event()
        self.subscription = StreamSubscription(PaceMode.DATA_DRIVEN, name, lambda: send(Wake()))
        self.subscription.signal_ready()
        self._send = send
        self._inbox: SimpleQueue[Work | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name=f"tapedeck-{name}", daemon=False)
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
        """Give the worker something to do; its subscription is ready again when all it has is done."""
        self._handed += 1
        self.subscription.reset()
        self._inbox.put(work)

    @property
    def is_ready(self) -> bool:
        """Whether all that was handed over is done."""
        # The signal alone could be one that crossed with the last hand-over.
        return self.blocks == self._handed and self.subscription.is_ready

    def wait_until_ready(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds until all that was handed over is done; return whether it is.

        From any thread. A worker that has ended is not waited for.
        """
        deadline = time.monotonic() + timeout
        while not self.is_ready and self.is_alive:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            # A signal that crossed with a hand-over lets this go round again until the work is done.
            self.subscription.wait_until_ready(min(left, _LOOK_AGAIN_S))
        return self.is_ready

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    @property
    def waiting(self) -> int:
        """How many pieces of work stand in the inbox."""
        return self._inbox.qsize()

    def stop(self) -> None:
        """Ask the thread to end after what it was given; safe to call twice."""
        self._inbox.put(None)

    def join(self, timeout: float) -> None:
        """Wait for the thread to end; EngineError names it where it does not within `timeout` seconds."""
        if self._thread.ident is None:
            return
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise EngineError(f"thread {self._thread.name} did not end within {timeout:g} s")

    def status(self) -> WorkerStatus:
        """Return what the thread table shows."""
        error = None if self.error is None else f"{type(self.error).__name__}: {self.error}"
        return WorkerStatus(self.name, self._state, self.blocks, self.waiting, self.overruns, error)

    def _run(self) -> None:
        while (work := self._inbox.get()) is not None:
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
            if self._inbox.empty():
                self.subscription.signal_ready()
        self._state = WorkerState.ENDED
