"""Stream of Alpaca: one connection, with its event loop in one thread and its delivery in another."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, wait
from threading import Event, Thread, current_thread
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from tapedeck.engine.errors import listed
from tapedeck.engine.feeds.alpaca.alpaca_account import AlpacaAccount
from tapedeck.engine.feeds.alpaca.alpaca_client import STREAM_URL, made_client
from tapedeck.engine.feeds.alpaca.alpaca_messages import (
    SUBSCRIPTION_ERRORS,
    stream_error,
    subscription_error,
)
from tapedeck.engine.feeds.alpaca.closable_sockets import CLOSED_TEXT, ClosableSockets
from tapedeck.engine.feeds.alpaca.message_delivery import MessageDelivery
from tapedeck.engine.feeds.alpaca.nonsense import Nonsense
from tapedeck.engine.feeds.live_feed import FeedError

log = logging.getLogger(__name__)

_END_WITHIN_S: Final = 0.9
_PORTS: Final = {"ws": 80, "wss": 443}
Value = TypeVar("Value")


class AlpacaStream:
    """One connection: `open` once, `subscribe` as often as symbols join, `close` from any thread.

    Its loop only queues what comes; `delivery` takes it from there. Once it has been opened, a connection
    that ends without `close` is told to the delivery as lost.
    """

    def __init__(
        self, account: AlpacaAccount, channels: Sequence[str], delivery: MessageDelivery, nonsense: Nonsense
    ) -> None:
        self._account, self._channels = account, tuple(channels)
        self._delivery, self._nonsense = delivery, nonsense
        self._sockets = ClosableSockets()
        self._closing = Event()
        self._opened: Future[None] = Future()
        self._ended: Future[str] = Future()  # with the reason
        self._loop: asyncio.AbstractEventLoop | None = None
        self._work: asyncio.Task[None] | None = None
        self._thread: Thread | None = None
        # In the loop:
        self._client: Any = None
        self._batch: list[Mapping[str, Any]] = []
        self._in_force: dict[str, frozenset[str]] = {}
        self._unanswered = 0  # subscriptions sent
        self._answer: asyncio.Future[None] | None = None

    def open(self, deadline: float) -> None:
        """Connect and authenticate by `deadline`, monotonic seconds, or raise FeedError in words."""
        parts = urlsplit(self._account.stream_url or STREAM_URL)
        host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 443)
        made, handle = self._sockets.connected(host, port, deadline)
        left = max(0.05, deadline - time.monotonic())
        self._client = made_client(self._account, made, self, self._nonsense, timeout=left)
        self._loop = asyncio.new_event_loop()
        self._work = self._loop.create_task(self._live())
        self._thread = Thread(
            target=self._run, args=(made, handle), name="tapedeck-alpaca-stream", daemon=False
        )
        self._thread.start()
        try:
            self._result(self._opened, deadline, f"Alpaca's stream does not answer within {left:.3g} s")
        except BaseException:
            self.close()
            raise

    def subscribe(self, symbols: Sequence[str], deadline: float) -> None:
        """Subscribe further symbols by `deadline`; FeedError names those that are not delivered.

        Then the subscription is as it was before. One call at a time, from any thread but the loop's.
        """
        loop = self._loop
        if loop is None or self._ended.done() or self._closing.is_set():
            raise FeedError(self._ended.result() if self._ended.done() else CLOSED_TEXT)
        wanted = tuple(dict.fromkeys(symbols))
        coroutine = self._subscribe(wanted)
        try:
            call = asyncio.run_coroutine_threadsafe(coroutine, loop)
        except RuntimeError:  # the loop has just ended
            coroutine.close()
            raise FeedError(CLOSED_TEXT) from None
        try:
            self._result(call, deadline, f"{_named(wanted)} not subscribed: Alpaca does not answer")
        except BaseException:
            try:
                loop.call_soon_threadsafe(call.cancel)
            except RuntimeError:  # the loop has ended, perhaps before the call was begun
                with contextlib.suppress(RuntimeError):
                    coroutine.close()
            raise

    def close(self) -> None:
        """End the connection and its threads within a second; safe to call twice, and from any thread."""
        self._closing.set()
        if not self._opened.done():
            self._sockets.shut()  # nothing to say to the server yet
        loop, work, thread = self._loop, self._work, self._thread
        if loop is not None and work is not None:
            with contextlib.suppress(RuntimeError):  # it has ended
                loop.call_soon_threadsafe(work.cancel)
        if thread is not None and thread is not current_thread() and thread.ident is not None:
            thread.join(_END_WITHIN_S)
            if thread.is_alive():
                log.warning("thread %s did not end within %g s", thread.name, _END_WITHIN_S)
        self._sockets.shut()

    def _result(self, call: Future[Value], deadline: float, late: str) -> Value:
        """Return the result of what the loop does; FeedError if the loop ends before, or time is over."""
        either: list[Future[Any]] = [call, self._ended]
        wait(either, max(0.0, deadline - time.monotonic()), return_when="FIRST_COMPLETED")
        if call.done() and not call.cancelled() and call.exception() is None:
            return call.result()
        if self._closing.is_set():  # which is the reason of any other error
            raise FeedError(CLOSED_TEXT)
        if call.cancelled():  # the loop ends
            wait([self._ended], _END_WITHIN_S)
        elif call.done():
            return call.result()
        if self._ended.done():
            raise FeedError(self._ended.result())
        raise FeedError(late)

    # The thread

    def _run(self, made: socket.socket, handle: socket.socket) -> None:
        loop, work = self._loop, self._work
        assert loop is not None
        assert work is not None
        asyncio.set_event_loop(loop)
        reason = CLOSED_TEXT
        try:
            loop.run_until_complete(work)
        except asyncio.CancelledError:
            pass
        except FeedError as error:
            reason = self._failed(error)
        except BaseException as error:  # told to the owner of the connection, whatever it is
            log.debug("alpaca: the stream failed: %s", type(error).__name__, exc_info=error)
            reason = self._failed(FeedError(f"the stream failed: {type(error).__name__}: {error}"))
        finally:
            self._end_loop(loop)
            made.close()
            self._sockets.release(handle)
            if not self._opened.done():
                self._opened.set_exception(FeedError(reason))
            self._ended.set_result(reason)

    def _failed(self, error: FeedError) -> str:
        """Tell why the connection could not be made, or was lost."""
        if not self._opened.done():
            self._opened.set_exception(error)
        elif not self._closing.is_set():
            self._delivery.lost(str(error))
        return str(error)

    def _end_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            left = asyncio.all_tasks(loop)
            for task in left:
                task.cancel()
            if left:
                loop.run_until_complete(asyncio.wait(left, timeout=0.2))
        finally:
            asyncio.set_event_loop(None)
            loop.close()

    async def _live(self) -> None:
        try:
            await self._client.open()
            self._opened.set_result(None)
            await self._client.receive()
        finally:
            self._hand_over()
            await self._client.shut()

    # Subscriptions, in the loop

    async def _subscribe(self, symbols: tuple[str, ...]) -> None:
        before = {channel: self._client.symbols_of(channel) for channel in self._channels}
        for channel in self._channels:
            self._client.add_symbols(channel, symbols)
        try:
            answer = self._answer = asyncio.get_running_loop().create_future()
            self._unanswered += 1
            await self._client.send_subscription()
            await answer
            missing = self._missing(symbols)
            if missing:
                raise FeedError(
                    f"{_named(missing)} not subscribed: Alpaca left them out of its answer. "
                    "Check the spelling, and the number of symbols that the plan allows",
                    is_bad_input=True,
                )
        except BaseException as error:
            await self._take_back(symbols, before, is_over=isinstance(error, asyncio.CancelledError))
            if isinstance(error, _RefusedError):
                named = _named(self._missing(symbols) or symbols)
                raise subscription_error(error.code, error.text, named) from None
            raise
        finally:
            self._answer = None

    async def _take_back(
        self, symbols: Sequence[str], before: Mapping[str, set[str]], *, is_over: bool
    ) -> None:
        """Have the subscription as it was before; `is_over`: without a word to the server."""
        for channel in self._channels:
            added = [symbol for symbol in symbols if symbol not in before[channel]]
            self._client.drop_symbols(channel, added)
            there = [symbol for symbol in added if symbol in self._in_force.get(channel, ())]
            if there and not is_over:
                self._unanswered += 1
                await self._client.send_unsubscription(channel, there)

    def _missing(self, symbols: Sequence[str]) -> tuple[str, ...]:
        """Return the symbols that are not in force in each channel."""
        in_force = [self._in_force.get(channel, frozenset()) for channel in self._channels]
        return tuple(symbol for symbol in symbols if not all(symbol in one for one in in_force))

    # Messages, in the loop

    def data(self, message: Mapping[str, Any]) -> None:
        """Queue a message; those of one frame are handed over together."""
        if not self._batch:
            asyncio.get_running_loop().call_soon(self._hand_over)
        self._batch.append(message)

    def _hand_over(self) -> None:
        batch, self._batch = self._batch, []
        if batch:
            self._delivery.take(batch)

    def acknowledged(self, in_force: Mapping[str, frozenset[str]]) -> None:
        """Take the list that is in force; it answers the oldest subscription."""
        self._in_force = dict(in_force)
        self._unanswered = max(0, self._unanswered - 1)
        answer = self._answer
        if answer is not None and not answer.done() and not self._unanswered:
            answer.set_result(None)

    def refused(self, code: int | None, text: str) -> None:
        """Take an error: it answers a subscription, or ends the connection."""
        text = self._account.keys.hidden(text)
        answer = self._answer
        if code in SUBSCRIPTION_ERRORS:
            self._unanswered = max(0, self._unanswered - 1)
            if answer is not None and not answer.done():
                answer.set_exception(_RefusedError(code, text))
            else:
                self._nonsense.note("errors that answer nothing", f"{code}: {text}")
            return
        raise stream_error(code, text)


class _RefusedError(Exception):
    """A subscription was answered with an error."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


def _named(symbols: Sequence[str]) -> str:
    verb = "is" if len(symbols) == 1 else "are"
    return f"{listed(symbols, 40)} {verb}"
