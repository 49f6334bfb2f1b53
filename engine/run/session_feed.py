"""Session feed: reads the next chunk of sessions while the current chunk plays."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Event
from typing import Generic, Protocol, TypeVar

from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.errors import EngineError, StoreError
from tapedeck.engine.metrics.performance import PerformanceMetrics, Step
from tapedeck.engine.run.messages import Message, Wake
from tapedeck.engine.run.planned_bars import PlannedBars
from tapedeck.engine.run.prefetch_worker import PrefetchWorker
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.streams.stream_plan import StreamPlan
from tapedeck.engine.tape.history import History

log = logging.getLogger(__name__)

# Longest wait for a session to load; after it the run fails.
LOAD_TIMEOUT_S = 30.0

Loaded = TypeVar("Loaded")
Loaded_co = TypeVar("Loaded_co", covariant=True)
Result = TypeVar("Result")
# Handles the messages in the mailbox; waits for the first one at most the given seconds (None: no limit).
ProcessMessages = Callable[[float | None], None]


class Loader(Protocol[Loaded_co]):
    """Reads the sessions of a plan, and the history before the first, in the feed's thread.

    `cancelled`: set to end a long load early.
    """

    cancelled: Event

    @property
    def store(self) -> BarStore:
        """The store that is read."""
        ...

    def chunk_length(self, session: TradingSession, most: int) -> int:
        """Return how many sessions to read at once, from this one on: at least 1, at most `most`."""
        ...

    def load_history(self) -> History:
        """Read and return the history before the first session."""
        ...

    def load(self, sessions: Sequence[TradingSession]) -> Sequence[Loaded_co]:
        """Return the next sessions of the plan."""
        ...


class SessionFeed(Generic[Loaded]):
    """Returns the loaded sessions of a plan in order, and the history before the first.

    `is_recording`: whether bars are being written while the run plays: then no session is read ahead, and the
    store is not watched for changes. `watches`: whether it is otherwise. `step`: the timer of its loads.
    """

    def __init__(
        self,
        plan: StreamPlan,
        loader: Loader[Loaded],
        metrics: PerformanceMetrics,
        send: Callable[[Message], None],
        *,
        prefetch_days: int,
        load_timeout_s: float = LOAD_TIMEOUT_S,
        is_recording: bool = False,
        watches: bool = True,
        step: Step = Step.PREFETCH,
    ) -> None:
        self._plan = plan
        self._is_recording = is_recording
        self._watches = watches and not is_recording
        self._step = step
        self._loader = loader
        self._metrics = metrics
        self._prefetch_days = prefetch_days
        self._load_timeout_s = load_timeout_s
        self._worker: PrefetchWorker[TradingSession, Loaded] = PrefetchWorker(
            self._load, lambda: send(Wake())
        )
        self._planned = PlannedBars(plan, loader.store)
        self._ready: deque[Loaded] = deque()
        self._requested = 0
        self._future: Future[Sequence[Loaded]] | None = None

    def history(self, process_messages: ProcessMessages) -> History:
        """Read the history before the first session, without a time limit; commands still take effect."""
        return self.in_background(self._load_history, process_messages)

    @property
    def is_cancelled(self) -> bool:
        """Whether the feed is being shut down, and its work is to end."""
        return self._loader.cancelled.is_set()

    def in_background(self, work: Callable[[], Result], process_messages: ProcessMessages) -> Result:
        """Do other work in the loading thread, after a load; no time limit; commands still take effect."""
        while self._worker.is_prefetch_running:
            process_messages(None)
        future = self._worker.submit(work)
        while not future.done():
            process_messages(None)
        return future.result()

    def next_session(self, process_messages: ProcessMessages) -> Loaded:
        """Return the next session; EngineError if it is not loaded within `load_timeout_s`."""
        self.wait_for_next(process_messages)
        loaded = self._ready.popleft()
        if not self._ready and self._future is None and not self._is_recording:
            self._request(self._prefetch_days)
        return loaded

    def wait_for_next(self, process_messages: ProcessMessages) -> None:
        """Wait until the next session is loaded; EngineError if it is not within `load_timeout_s`."""
        if not self._ready:
            if self._future is None:
                self._request(1)  # the first session alone, so that play can begin
            self._wait(process_messages)

    @property
    def is_prefetch_running(self) -> bool:
        """Whether sessions are being loaded."""
        return self._worker.is_prefetch_running

    @property
    def ready(self) -> int:
        """Number of loaded sessions in the queue."""
        return len(self._ready)

    def shutdown(self) -> None:
        """Cancel the running load and end the thread."""
        self._loader.cancelled.set()
        self._worker.shutdown()

    def _request(self, days: int) -> None:
        sessions = self._plan.sessions
        if self._requested >= len(sessions):
            return
        count = self._loader.chunk_length(sessions[self._requested], days)
        chunk = sessions[self._requested : self._requested + count]
        self._requested += len(chunk)
        days = chunk[0].trading_day, chunk[-1].trading_day
        log.info("%s started: %s to %s", self._step.value.replace("_", " "), *days)
        self._future = self._worker.start_prefetch(chunk)

    def _wait(self, process_messages: ProcessMessages) -> None:
        if self._future is None:
            raise EngineError("no session left to load")
        deadline = time.monotonic() + self._load_timeout_s
        while not self._future.done():
            left = deadline - time.monotonic()
            if left <= 0:
                raise EngineError(
                    f"the bars of the next session were not loaded within {self._load_timeout_s:g} s. "
                    "Is the store on a slow or busy disk? A smaller prefetch_days reads less at once."
                )
            process_messages(left)
        self._ready.extend(self._future.result())
        self._future = None

    def _load_history(self) -> History:
        if self._watches:
            self._planned.watch()
        return self._loader.load_history()

    def _load(self, sessions: Sequence[TradingSession]) -> Sequence[Loaded]:
        started = self._metrics.start_timer()
        try:
            loaded = self._loader.load(sessions)
            self._planned.check(sessions)  # behind the read, so that a change during it is found
        except StoreError as error:
            raise self._planned.explained(error) from error
        seconds = self._metrics.record(self._step, started)
        first, last = sessions[0].trading_day, sessions[-1].trading_day
        log.info("%s done: %s to %s in %.3f s", self._step.value.replace("_", " "), first, last, seconds)
        return loaded
