"""Prefetch worker: a pool of one thread that loads the next sessions while one plays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for_futures
from typing import Any, Generic, TypeVar

from tapedeck.engine.errors import EngineError

Loaded = TypeVar("Loaded")
Request = TypeVar("Request")
Result = TypeVar("Result")


class PrefetchWorker(Generic[Request, Loaded]):
    """Runs `load` in its own thread, one request at a time.

    `on_done` is called in the worker's thread when a request has succeeded or failed.
    """

    def __init__(
        self, load: Callable[[Sequence[Request]], Sequence[Loaded]], on_done: Callable[[], None] | None = None
    ) -> None:
        self._load = load
        self._on_done = on_done
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tapedeck-prefetch")
        self._future: Future[Any] | None = None

    def start_prefetch(self, requests: Sequence[Request]) -> Future[Sequence[Loaded]]:
        """Start to load; EngineError while another request is running."""
        return self.submit(lambda: self._load(requests))

    def submit(self, work: Callable[[], Result]) -> Future[Result]:
        """Start another read of the store; EngineError while another request is running."""
        if self.is_prefetch_running:
            raise EngineError("a prefetch is running: wait for it to finish before the next one")
        future = self._pool.submit(work)
        self._future = future
        if self._on_done is not None:
            notify = self._on_done
            future.add_done_callback(lambda _: notify())
        return future

    @property
    def is_prefetch_running(self) -> bool:
        """Whether a request is running."""
        return self._future is not None and not self._future.done()

    def wait_for_completion(self, timeout: float = 30.0) -> bool:
        """Wait for the running request; return whether it ended within `timeout` seconds."""
        if self._future is None:
            return True
        return not wait_for_futures([self._future], timeout).not_done

    def shutdown(self) -> None:
        """Wait for the running request and end the thread; safe to call twice."""
        if self._future is not None:
            self._future.cancel()
        self._pool.shutdown(wait=True)
