"""The server: both sides in one thread with one loop, on ports that the system chose."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from aiohttp import web

from tapedeck.engine.clock.live_clock import LiveClock
from tests.support.alpaca_server.counts import Counts
from tests.support.alpaca_server.faults import BarFault, Fault, HistoryFault, Mute, Refuse, Reject
from tests.support.alpaca_server.history import History
from tests.support.alpaca_server.market import Market
from tests.support.alpaca_server.plan import Plan
from tests.support.alpaca_server.playing import BarFaults, messages_of
from tests.support.alpaca_server.rest import MOST, Rest
from tests.support.alpaca_server.stream import Stream

KEY: Final = "PKTESTKEYID0123456789"
SECRET: Final = "s3cr3t-of-the-test-that-nobody-may-see"
LIMIT_S: Final = 10.0
_STANDING = (BarFault, HistoryFault, Mute, Reject)
_MOST_TOGETHER: Final = 500
"""Messages in one frame."""


class AlpacaServer:
    """Alpaca's servers, played by a clock of the market; a context manager.

    `page`: most bars in an answer of REST. `not_subscribed`: symbols that are left out of subscriptions.
    `auth_timeout_s`: seconds of the machine in which a client must authenticate. `on_connection`,
    `on_subscription`: called for each, in the server's thread, such as to set a clock going.
    """

    def __init__(
        self,
        market: Market,
        clock: LiveClock,
        *,
        faults: Sequence[Fault] = (),
        plan: Plan | None = None,
        keys: tuple[str, str] = (KEY, SECRET),
        page: int = MOST,
        not_subscribed: Iterable[str] = (),
        auth_timeout_s: float = 10.0,
        on_connection: Callable[[], object] = lambda: None,
        on_subscription: Callable[[], object] = lambda: None,
    ) -> None:
        self.market, self.clock, self.counts = market, clock, Counts()
        self.key, self.secret = keys
        self._plan = Plan() if plan is None else plan
        self._faults, self._keys, self._page = tuple(faults), keys, page
        self._not_subscribed, self._auth_timeout_s = frozenset(not_subscribed), auth_timeout_s
        self._on_connection, self._on_subscription = on_connection, on_subscription
        bar_faults = BarFaults(market, [one for one in faults if isinstance(one, BarFault)])
        self._messages = messages_of(market, bar_faults)
        self._history = History(market, bar_faults)
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="alpaca-server", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped: asyncio.Event | None = None
        self._stream: Stream | None = None
        self.stream_url = self.data_url = ""

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables with which the feed finds this server, and its keys."""
        return {
            "APCA_API_KEY_ID": self.key,
            "APCA_API_SECRET_KEY": self.secret,
            "TAPEDECK_ALPACA_STREAM_URL": self.stream_url,
            "TAPEDECK_ALPACA_DATA_URL": self.data_url,
        }

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(LIMIT_S), "the server does not start"
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._loop is not None
        assert self._stopped is not None
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(LIMIT_S)
        assert not self._thread.is_alive(), "the server does not end"
        if error is None and self._failure is not None:
            raise self._failure

    def strike(self, fault: Fault) -> None:
        """Make a fault of connections happen now, whatever its time."""
        assert self._stream is not None
        self._call(self._stream.strike(fault))

    def relent(self, fault: Refuse) -> None:
        """End a refusal that `strike` began."""
        assert self._stream is not None
        self._call(self._stream.relent(fault))

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(work, self._loop).result(LIMIT_S)

    # The thread

    def _run(self) -> None:
        for name in ("websockets.server", "aiohttp.server", "aiohttp.access", "asyncio"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - raised by the test's thread
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        self._stream = stream = Stream(
            self.market,
            self._plan,
            self._keys,
            self.counts,
            self._faults,
            now=self.clock.now,
            auth_timeout_s=self._auth_timeout_s,
            not_subscribed=self._not_subscribed,
            on_connection=self._on_connection,
            on_subscription=self._on_subscription,
        )
        rest = Rest(
            self.market,
            self._plan,
            self._keys,
            self.counts,
            self._history,
            [one for one in self._faults if isinstance(one, HistoryFault)],
            now=self.clock.now,
            page=self._page,
        )
        runner = web.AppRunner(rest.application(), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        await stream.listen()
        self.stream_url = f"ws://127.0.0.1:{stream.port}"
        self.data_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        playing = asyncio.create_task(self._play(stream))
        self._ready.set()
        stopped = asyncio.create_task(self._stopped.wait())
        try:
            await asyncio.wait({playing, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if playing.done():
                playing.result()
                await stopped
        finally:
            playing.cancel()
            await stream.close()
            await runner.cleanup()

    async def _play(self, stream: Stream) -> None:
        """Send what is due, and strike, until nothing is left."""
        strikes = sorted(self._strikes())
        messages, sent = self._messages, 0
        begun = self.clock.now()
        while sent < len(messages) and messages[sent].at < begun:
            sent += 1  # nobody was there
        while sent < len(messages) or strikes:
            strike_at = strikes[0].at if strikes else float("inf")
            due = min(messages[sent].at if sent < len(messages) else float("inf"), strike_at)
            while (left := self.clock.wait_seconds(due)) > 0:
                await asyncio.sleep(left)
            if strike_at > due:
                sent = self._send(stream, sent, strike_at)
                await asyncio.sleep(0)
                continue
            strike = strikes.pop(0)
            await (stream.relent if strike.ends else stream.strike)(strike.fault)

    def _strikes(self) -> Iterator[_Strike]:
        for number, fault in enumerate(self._faults):
            if not isinstance(fault, _STANDING):
                yield _Strike(self.market.opens + 60 * fault.at, number, False, fault)
            if isinstance(fault, Refuse):
                yield _Strike(self.market.opens + 60 * (fault.at + fault.lasts), number, True, fault)

    def _send(self, stream: Stream, sent: int, before: float) -> int:
        """Send the messages that are due, up to a time, in one frame; return how many are sent by now."""
        now, first = self.clock.now(), sent
        messages, latest = self._messages, min(now, before)
        while sent < min(len(messages), first + _MOST_TOGETHER) and messages[sent].at <= latest:
            sent += 1
        behind = self.clock.real_seconds(now - messages[first].at)
        self.counts.behind_s = max(self.counts.behind_s, behind)
        stream.deliver(messages[first:sent])
        return sent


class _Strike(NamedTuple):
    """A fault of connections that begins, or ends, at a time of the market."""

    at: float
    number: int
    ends: bool
    fault: Any
