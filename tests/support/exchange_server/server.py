"""Server of the exchange: websocket and REST on one port of 127.0.0.1, in a thread of its own."""

from __future__ import annotations

import asyncio
import heapq
import json
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any, Final, Self

from aiohttp import WSCloseCode, WSMsgType, web

from tapedeck.engine.clock.live_clock import LiveClock
from tests.support.exchange_server.candles import MINUTE_S, Candles
from tests.support.exchange_server.faults import FRAMES, ExchangeFaults, Fault, FaultKind
from tests.support.exchange_server.history import LONGEST_PAGE, USUAL_PAGE, History
from tests.support.exchange_server.messages import (
    ERROR_BODIES,
    PAGE_OF_HTML,
    REFUSED_PAGE,
    exchange_info,
    kline_row,
    market_id,
)
from tests.support.exchange_server.received import Received, Request
from tests.support.exchange_server.stream import Frame, frame_of, frames_of

_LIMIT_S: Final = 10.0
_LONGEST_SLEEP_S: Final = 0.5
_BAD_INTERVAL: Final = {"code": -1120, "msg": "Invalid interval."}
_BAD_SYMBOL: Final = {"code": -1121, "msg": "Invalid symbol."}
_BAD_STREAM: Final = {"code": 2, "msg": "Invalid request: invalid stream"}


class _Connection:
    """A client's websocket, its streams, and the frames that it is to get next."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.socket = socket
        self.streams: set[str] = set()
        self.outbox: asyncio.Queue[Frame] = asyncio.Queue()
        self._request = request

    async def write(self) -> None:
        """Send what is in the outbox, for ever."""
        while True:
            frame = await self.outbox.get()
            with suppress(ConnectionError):
                await (
                    self.socket.send_str(frame) if isinstance(frame, str) else self.socket.send_bytes(frame)
                )

    async def drop(self, code: int) -> None:
        """End the connection: with a close frame, but for 1006, which stands for none."""
        transport = self._request.transport
        if code != WSCloseCode.ABNORMAL_CLOSURE:
            with suppress(ConnectionError, TimeoutError):
                await asyncio.wait_for(self.socket.close(code=code, message=b"bye"), timeout=0.2)
        if transport is not None:
            transport.abort()


class ExchangeServer:
    """An exchange that plays a market by a clock; `with` starts and stops it.

    `stream_url` and `rest_url`: bases as the library has them of the real one; the system chooses the port.
    `received` counts what clients asked for.
    """

    def __init__(self, candles: Candles, clock: LiveClock, faults: ExchangeFaults | None = None) -> None:
        self.candles, self.clock = candles, clock
        self.faults = ExchangeFaults() if faults is None else faults
        self.history = History(candles, self.faults)
        self.received = Received()
        self.port = 0
        self._connections: set[_Connection] = set()
        self._fired: list[Fault] = []
        self._started = threading.Event()
        self._error: BaseException | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="exchange server")

    @property
    def stream_url(self) -> str:
        """Base of the websocket's addresses; the library takes a market for spot by the word `/stream`."""
        return f"ws://127.0.0.1:{self.port}/stream/ws"

    @property
    def rest_url(self) -> str:
        """Base of REST."""
        return f"http://127.0.0.1:{self.port}/api/v3"

    @property
    def environment(self) -> dict[str, str]:
        """Environment that sends the feed to this server."""
        return {"TAPEDECK_CCXT_STREAM_URL": self.stream_url, "TAPEDECK_CCXT_REST_URL": self.rest_url}

    @property
    def connections(self) -> int:
        """Number of connections that are open now."""
        return len(self._connections)

    def fault(self, kind: FaultKind, seconds: float = 0.0, **changes: Any) -> Fault:
        """Begin a fault now; `seconds`: of the market's time."""
        fault = Fault(kind, self.clock.now(), seconds, **changes)
        self.faults.faults.append(fault)
        self._loop.call_soon_threadsafe(self._awake.set)
        return fault

    def heal(self) -> None:
        """End all faults that were not yet."""
        self.faults.faults.clear()

    def __enter__(self) -> Self:
        """Start; return when clients may connect."""
        self._thread.start()
        assert self._started.wait(_LIMIT_S), "the server did not start"
        if self._error is not None:
            raise self._error
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop, and cut all connections; an error that ended the server before is raised."""
        if self._error is not None:
            raise self._error
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(_LIMIT_S)
        assert not self._thread.is_alive(), "the server did not stop"

    # The thread

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as error:
            self._error = error
            self._started.set()
            raise
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self._awake, self._ending = asyncio.Event(), asyncio.Event()
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.05, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        player = asyncio.ensure_future(self._play())
        player.add_done_callback(lambda _done: self._ending.set())
        self._started.set()
        await self._ending.wait()
        player.cancel()
        for connection in tuple(self._connections):
            await connection.drop(WSCloseCode.ABNORMAL_CLOSURE)
        await runner.cleanup()
        with suppress(asyncio.CancelledError):
            await player  # an error of the player is one of the server
        await self._loop.shutdown_default_executor()  # long frames are compressed in a thread

    # The stream

    async def _play(self) -> None:
        numbers = count()
        due: list[tuple[float, int, str, Frame, bool]] = []
        begun = self.clock.now()
        minute = int(begun) // MINUTE_S * MINUTE_S
        while True:
            now = self.clock.now()
            while minute <= now:
                for symbol in self.candles.symbols:
                    for frame in frames_of(symbol, minute, self.candles, self.faults):
                        if frame.due >= begun:
                            heapq.heappush(due, (frame.due, next(numbers), frame.stream, frame.frame, False))
                minute += MINUTE_S
            await self._fire(now)
            while due and due[0][0] <= now:
                at, _, stream, text, is_delayed = heapq.heappop(due)
                slow = self.faults.at(FaultKind.SLOW, now)
                if slow is not None and not is_delayed:
                    heapq.heappush(due, (at + slow.by, next(numbers), stream, text, True))
                    continue
                self._send(text, stream)
            starts = [fault.start for fault in self.faults.faults if not self._is_fired(fault)]
            await self._sleep_until(
                min([minute, *(one[0] for one in due[:1]), *(at for at in starts if at > now)])
            )

    async def _sleep_until(self, instant: float) -> None:
        self._awake.clear()
        wait = min(self.clock.wait_seconds(instant), _LONGEST_SLEEP_S)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._awake.wait(), wait)

    async def _fire(self, now: float) -> None:
        """Do what begins at a moment: connections that end, frames that nobody expects."""
        for fault in tuple(self.faults.faults):
            if fault.start > now or self._is_fired(fault):
                continue
            self._fired.append(fault)
            if fault.kind is FaultKind.DROP:
                dropped = [connection.drop(fault.code) for connection in tuple(self._connections)]
                await asyncio.gather(*dropped)
            elif fault.kind in FRAMES:
                for connection in self._connections:
                    connection.outbox.put_nowait(frame_of(fault.kind))

    def _is_fired(self, fault: Fault) -> bool:
        return any(fault is one for one in self._fired)

    def _send(self, frame: Frame, stream: str) -> None:
        if self.faults.at(FaultKind.MUTE, self.clock.now()) is not None:
            return
        for connection in self._connections:
            if stream in connection.streams:
                connection.outbox.put_nowait(frame)

    # Connections

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        try:
            if request.headers.get("Upgrade", "").lower() == "websocket":
                return await self._connected(request)
            return await self._rest(request)
        except ConnectionError:  # the client has gone
            return web.Response()

    async def _connected(self, request: web.Request) -> web.StreamResponse:
        now = self.clock.now()
        self.received.handshakes.append(now)
        refused = self.faults.at(FaultKind.REFUSE, now) or self.faults.at(FaultKind.DROP, now)
        if refused is not None:
            return await self._refused(request, refused.status)
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        connection = _Connection(socket, request)
        self._connections.add(connection)
        self.received.connections += 1
        writer = asyncio.ensure_future(connection.write())
        try:
            await socket.ping(b"0")
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._asked(connection, json.loads(message.data))
        finally:
            writer.cancel()
            self._connections.discard(connection)
        return socket

    def _asked(self, connection: _Connection, message: dict[str, Any]) -> None:
        """Take SUBSCRIBE, UNSUBSCRIBE and the like, and acknowledge them."""
        self.received.messages.append(message)
        now = self.clock.now()
        number = message.get("id")
        if self.faults.at(FaultKind.SUBSCRIPTION_ERROR, now) is not None:
            connection.outbox.put_nowait(json.dumps({"error": _BAD_STREAM, "id": number}))
            return
        if self.faults.at(FaultKind.NO_ACKNOWLEDGEMENT, now) is not None:
            return
        streams, method = message.get("params", []), message.get("method")
        if method == "SUBSCRIBE":
            connection.streams.update(streams)
        elif method == "UNSUBSCRIBE":
            connection.streams.difference_update(streams)
        result = sorted(connection.streams) if method == "LIST_SUBSCRIPTIONS" else None
        connection.outbox.put_nowait(json.dumps({"result": result, "id": number}))

    # REST

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        now = self.clock.now()
        path = request.path.rsplit("/", 1)[-1]
        self.received.requests.append(Request(now, path, dict(request.query)))
        slow = self.faults.at(FaultKind.SLOW, now)
        if slow is not None:
            await asyncio.sleep(self.clock.real_seconds(slow.by))
        fault = self.faults.of_request(path, now)
        if fault is not None:
            answer = await self._faulty(request, fault)
            if answer is not None:
                return answer
        most = 3 if fault is not None and fault.kind is FaultKind.SHORT else LONGEST_PAGE
        if path == "klines":
            return self._klines(request, most)
        answers: dict[str, Callable[[], Any]] = {
            "ping": dict,
            "time": lambda: {"serverTime": int(self.clock.now() * 1000)},
            "exchangeInfo": lambda: self._exchange_info(request),
        }
        if path not in answers:
            return web.json_response({"code": -1, "msg": f"no {path} here"}, status=404)
        return web.json_response(answers[path]())

    def _exchange_info(self, request: web.Request) -> dict[str, Any]:
        is_spot = "fapi" not in request.path and "dapi" not in request.path
        return exchange_info(self.candles.symbols if is_spot else (), self.clock.now())

    def _klines(self, request: web.Request, most: int) -> web.Response:
        asked = request.query
        names = {market_id(symbol): symbol for symbol in self.candles.symbols}
        symbol = names.get(asked.get("symbol", ""))
        if symbol is None:
            return web.json_response(_BAD_SYMBOL, status=400)
        if asked.get("interval") != "1m":
            return web.json_response(_BAD_INTERVAL, status=400)
        start = -(-int(asked["startTime"]) // 1000) if "startTime" in asked else None
        end = int(asked["endTime"]) // 1000 if "endTime" in asked else None
        limit = min(int(asked.get("limit", USUAL_PAGE)), most)
        page = self.history.page(symbol, start, end, limit, self.clock.now())
        weight = {"X-MBX-USED-WEIGHT-1M": str(2 * len(self.received.requests))}
        return web.json_response([kline_row(candle) for candle in page], headers=weight)

    async def _faulty(self, request: web.Request, fault: Fault) -> web.StreamResponse | None:
        """Return a faulty answer; None where the fault is in the page."""
        if fault.kind is FaultKind.STATUS or fault.kind is FaultKind.CUT:
            return await self._refused(request, fault.status)
        if fault.kind is FaultKind.HTML:
            return web.Response(text=PAGE_OF_HTML, content_type="text/html")
        if fault.kind is FaultKind.BAD_JSON:
            return web.Response(text='[[1591478520000,"0.025', content_type="application/json")
        while fault.kind is FaultKind.HANG and fault in self.faults.faults and fault.covers(self.clock.now()):
            await asyncio.sleep(0.05)
        return None

    async def _refused(self, request: web.Request, status: int) -> web.StreamResponse:
        """Answer an error, or cut the connection if `status` is 0."""
        if status == 0:
            if request.transport is not None:
                request.transport.abort()
            await asyncio.sleep(_LIMIT_S)  # the handler is cancelled: nothing may be answered
        if status == 403:
            return web.Response(text=REFUSED_PAGE, content_type="text/html", status=status)
        headers = {"Retry-After": "1"} if status in (418, 429) else {}
        return web.json_response(ERROR_BODIES.get(status, {}), status=status or 500, headers=headers)
