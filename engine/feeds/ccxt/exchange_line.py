"""Exchange line: one connection to an exchange, its event loop and thread, and its markets."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final, TypeVar

from tapedeck.engine.feeds.ccxt.exchange_errors import NotThereError, check_document, feed_error
from tapedeck.engine.feeds.ccxt.exchange_library import Exchange
from tapedeck.engine.feeds.ccxt.loop_thread import LoopEndedError, LoopThread
from tapedeck.engine.feeds.ccxt.url_overrides import UrlOverrides
from tapedeck.engine.feeds.live_feed import FeedError

log = logging.getLogger(__name__)

FIRST_ANSWER_S: Final = 4.0
"""Longest wait for any answer of the exchange while its markets are loaded, in seconds of the machine."""
_DIAL_MS: Final = 4000
_PING_MS: Final = 30_000  # some exchanges have three minutes, and a dead line is noticed after two of them
_LOAD_S: Final = 1.0
"""Time that loading the markets has, even if the import of the library took all that there was."""
_MARGIN_S: Final = 0.5  # so that it can say itself why it did not end

Value = TypeVar("Value")


class ExchangeLine:
    """A connection from `open` to `close`; other threads use it, its own runs what they ask.

    `failed` takes the reason why the line cannot be used any more, once it is open.
    """

    def __init__(
        self,
        make: Callable[[Mapping[str, object]], Exchange],
        overrides: UrlOverrides,
        name: str,
        failed: Callable[[str], None],
    ) -> None:
        self.name = name
        self.exchange = make({"streaming": {"connectionTimeout": _DIAL_MS}})
        self._failed = failed
        self._is_closing = False
        self.exchange.urls = overrides.applied(self.exchange.urls)
        ping = self.exchange.streaming.get("keepAlive")
        if isinstance(ping, int) and ping > _PING_MS:
            self.exchange.streaming["keepAlive"] = _PING_MS
        self._answers = 0
        self._note_answers()
        self.loop = LoopThread("tapedeck-feed-ccxt", self._farewell, self._broken)
        self.loaded_at: float | None = None
        """Machine time at which the markets were loaded, here or by the connection they are taken from."""

    def open(self, timeout: float, known: ExchangeLine | None = None) -> None:
        """Start the thread, and load the markets within `timeout` seconds, or take those of `known`."""
        self.loop.start()
        if known is not None:
            self.exchange.set_markets_from_exchange(known.exchange)
            self.loaded_at = known.loaded_at
        else:
            left = max(timeout, _LOAD_S)
            self.run(lambda: self._load(left), left + _MARGIN_S)

    def reload(self, timeout: float) -> None:
        """Load the markets again: new ones may have come."""
        self.run(lambda: self._load(timeout, again=True), timeout + _MARGIN_S)

    def run(self, work: Callable[[], Coroutine[Any, Any, Value]], timeout: float) -> Value:
        """Return the result of a coroutine that runs in the line's thread; any error is a FeedError."""
        try:
            return self.loop.run(work, max(timeout, 0.0))
        except Exception as error:
            if self._is_closing or isinstance(error, LoopEndedError):
                raise FeedError(f"the connection to {self.name} is closed") from error
            if isinstance(error, TimeoutError):
                raise FeedError(f"no answer from {self.name} within {timeout:.3g} s") from error
            raise feed_error(error, self.name) from error

    def lost(self, reason: str) -> None:
        """Tell the receiver that the line cannot be used any more, unless it is being closed."""
        if not self._is_closing:
            self._failed(reason)

    def close(self) -> bool:
        """End connection and thread; return whether the thread has ended."""
        self._is_closing = True
        is_ended = self.loop.stop()
        if not is_ended:
            log.warning("%s: the thread of a connection is busy, and ends later", self.name)
        return is_ended

    async def _load(self, timeout: float, *, again: bool = False) -> None:
        before = self._answers
        work: Awaitable[object] = self.exchange.load_markets(again)
        loading = asyncio.ensure_future(work)
        try:
            await asyncio.wait({loading}, timeout=min(FIRST_ANSWER_S, timeout))
            if not loading.done() and self._answers > before:
                await asyncio.wait({loading}, timeout=timeout - FIRST_ANSWER_S)
            if not loading.done():
                raise FeedError(f"{self.name} does not answer: its markets could not be loaded")
            loading.result()
        finally:
            loading.cancel()
        if not self.exchange.markets:
            raise NotThereError(f"{self.name} answered without any market: is there a proxy or a login page?")
        self.loaded_at = time.monotonic()

    def _note_answers(self) -> None:
        """Look at each answer of REST: the library calls this method for its users, with the status first."""
        answered = self.exchange.on_rest_response

        def on_rest_response(*response: Any) -> str:  # noqa: ANN401 - the library's
            self._answers += 1
            body = answered(*response)
            check_document(body, int(response[0]), self.name)
            return body

        self.exchange.on_rest_response = on_rest_response

    async def _farewell(self) -> None:
        """Close the library's sockets; a server that does not answer to the goodbye is not waited for."""
        session = self.exchange.session
        closing = asyncio.ensure_future(self.exchange.close())
        try:
            await asyncio.wait({closing}, timeout=0.4)
            if closing.done():
                closing.result()
        finally:  # also where it failed, or the time of a farewell is over on a busy machine
            closing.cancel()
            try:
                if session is not None:
                    await session.close()
            finally:
                self.exchange.session = None  # or the library warns that it is open

    def _broken(self, error: BaseException) -> None:
        """Take an error that the library let through: its receiver has ended, and tells nobody."""
        self.lost(f"{self.name} sent what ccxt cannot read ({type(error).__name__}: {error})")
