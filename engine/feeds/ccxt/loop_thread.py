"""Event loop in a thread of its own, which ends within a second at any moment."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Lock, Thread, current_thread
from typing import Any, Final, TypeVar

log = logging.getLogger(__name__)

FAREWELL_S: Final = 0.6
"""Time that a farewell may take, seconds; what it has not closed by then is cut."""
_CANCEL_S: Final = 0.2
_JOIN_S: Final = 0.95

Value = TypeVar("Value")


class LoopEndedError(Exception):
    """The loop was ended before a call had its result."""


class LoopThread:
    """An event loop, run by one thread from `start` to `stop`.

    `farewell` is awaited at the end, with a limit, then whatever still runs is cancelled. `failed` takes the
    error of a callback that raised, or of a task that `keep_running` returned, in the loop's thread.
    """

    def __init__(
        self, name: str, farewell: Callable[[], Awaitable[None]], failed: Callable[[BaseException], None]
    ) -> None:
        self._farewell, self._failed = farewell, failed
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(self._handle)
        self._loop.set_default_executor(_DaemonThreads())
        self._stopping = asyncio.Event()
        self._lock = Lock()  # guards the next two
        self._is_ended = False
        self._waiting: set[concurrent.futures.Future[Any]] = set()
        self._background: set[asyncio.Task[Any]] = set()  # of the loop's thread
        self._thread = Thread(target=self._run, name=name)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def run(self, work: Callable[[], Coroutine[Any, Any, Value]], timeout: float) -> Value:
        """Run a coroutine, and return its result, in another thread than the loop's.

        Raises what it raises, TimeoutError after `timeout` seconds, LoopEndedError once the loop has ended.
        """
        with self._lock:
            if self._is_ended:
                raise LoopEndedError
            future = asyncio.run_coroutine_threadsafe(work(), self._loop)
            self._waiting.add(future)
        try:
            return future.result(timeout)
        except concurrent.futures.CancelledError as error:
            raise LoopEndedError from error
        except TimeoutError:
            future.cancel()
            raise
        finally:
            with self._lock:
                self._waiting.discard(future)

    def keep_running(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Return a task that runs until it ends, or the loop; called in the loop's thread."""
        task = self._loop.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._ended)
        return task

    def stop(self) -> bool:
        """End the loop and its thread; return whether it has ended, which takes less than a second.

        It may be longer where the thread computes, and cannot be interrupted. Safe to call twice.
        """
        with suppress(RuntimeError):  # it has ended
            self._loop.call_soon_threadsafe(self._stopping.set)
        if self._thread.ident is None:
            self._loop.close()
            return True
        if self._thread is not current_thread():
            self._thread.join(_JOIN_S)
        return not self._thread.is_alive()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._until_stopped())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            with self._lock:
                self._is_ended = True
                waiting = tuple(self._waiting)
            for future in waiting:
                future.cancel()
            self._loop.close()

    async def _until_stopped(self) -> None:
        await self._stopping.wait()
        with self._lock:
            self._is_ended = True  # no further call
        await _within(FAREWELL_S, self._loop.create_task(_awaited(self._farewell())))
        rest = asyncio.all_tasks(self._loop) - {asyncio.current_task(self._loop)}
        await _within(_CANCEL_S, *rest, cancels=True)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not self._stopping.is_set():
            log.debug("%s", self._thread.name, exc_info=error)
            self._failed(error)

    def _handle(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        log.debug("%s: %s", self._thread.name, context.get("message"), exc_info=error)
        if "handle" in context and isinstance(error, Exception) and not self._stopping.is_set():
            self._failed(error)


class _DaemonThreads(ThreadPoolExecutor):
    """Runs each call in a daemon thread: a name server that does not answer must not hold up the end."""

    def submit(  # the library's own signature
        self,
        fn: Callable[..., Any],
        /,
        *args: Any,  # noqa: ANN401
        **kwargs: Any,  # noqa: ANN401
    ) -> concurrent.futures.Future[Any]:
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()

        def call() -> None:
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - told to the caller
                future.set_exception(error)
            else:
                future.set_result(result)

        future.set_running_or_notify_cancel()
        Thread(target=call, name="tapedeck-feed-lookup", daemon=True).start()
        return future


async def _awaited(work: Awaitable[None]) -> None:
    await work


async def _within(seconds: float, *tasks: asyncio.Task[Any], cancels: bool = False) -> None:
    """Wait for tasks, whatever becomes of them; cancel those that take longer, or all at once."""
    if not tasks:
        return
    if not cancels:
        _, late = await asyncio.wait(tasks, timeout=seconds)
        await _within(_CANCEL_S, *late, cancels=True)
    else:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=seconds)
    for task in tasks:
        if task.done() and not task.cancelled() and task.exception() is not None:
            log.debug("ended with an error", exc_info=task.exception())
