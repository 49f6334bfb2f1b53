"""Call of a feed in a thread of its own, so that a feed that hangs stops nothing else."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Thread
from typing import Generic, TypeVar, cast

from tapedeck.engine.errors import cause_of
from tapedeck.engine.feeds.live_feed import FeedError

log = logging.getLogger(__name__)

Value = TypeVar("Value")


class FeedCall(Generic[Value]):
    """One call: `value` or `error` is set once it has ended, then `done` is called in its thread.

    Any exception becomes a FeedError. The thread is a daemon, unlike all others of the engine: a feed may
    hang in a library that has no time limit, and must not keep the program from ending. It is left behind
    only after the feed was closed and did not return in time.

    `deadline`: machine time by which it should have ended.
    """

    def __init__(
        self, name: str, work: Callable[[], Value], deadline: float, done: Callable[[FeedCall[Value]], None]
    ) -> None:
        self.name = name
        self.deadline = deadline
        self.value: Value | None = None
        self.error: FeedError | None = None
        self.is_given_up = False
        """Whether its result is no longer waited for."""
        self._work, self._done = work, done
        self._thread = Thread(target=self._run, name=f"tapedeck-feed-{name}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def join(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds; return whether the call has ended."""
        self._thread.join(max(0.0, timeout))
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self.value = self._work()
        except BaseException as error:  # a feed's library may raise anything, even SystemExit
            self.error = as_feed_error(error)
            log.debug("feed: %s: %s", self.name, self.error, exc_info=error)
        self._done(self)


def as_feed_error(error: BaseException) -> FeedError:
    """Return any error of a feed as FeedError, with a text that is never empty."""
    if isinstance(error, FeedError):
        return error
    if isinstance(error, OSError):
        return FeedError(cause_of(error))
    return FeedError(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)


def call_in_time(feed: str, what: str, work: Callable[[], Value], timeout: float) -> Value:
    """Return the result of a feed's call, or raise its FeedError; a final one if it takes too long."""
    call = FeedCall(what, work, time.monotonic() + timeout, lambda _: None)
    call.start()
    if not call.join(timeout):
        raise FeedError(f"{feed}: {what} did not end within {timeout:g} s", is_final=True)
    if call.error is not None:
        raise call.error
    return cast(Value, call.value)
