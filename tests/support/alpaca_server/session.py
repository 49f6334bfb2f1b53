"""One client's connection: authentication, subscriptions, and what is sent to it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgpack
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from tests.support.alpaca_server import wire

if TYPE_CHECKING:
    from tests.support.alpaca_server.stream import Stream


class Session:
    """Connection of a client; all methods are called in the server's loop."""

    def __init__(self, socket: ServerConnection, stream: Stream) -> None:
        self.socket, self._stream = socket, stream
        self.is_authenticated = False
        self.channels: dict[str, set[str]] = defaultdict(set)
        self._outbox: asyncio.Queue[bytes | str | int] = asyncio.Queue()

    @property
    def feed(self) -> str:
        """Data that is asked for: the last part of the path, iex without one."""
        request = self.socket.request
        assert request is not None
        return request.path.rstrip("/").rpartition("/")[2] or "iex"

    async def run(self) -> None:
        """Serve the client until one of both ends the connection."""
        writer = asyncio.create_task(self._write())
        timeout = asyncio.get_running_loop().call_later(self._stream.auth_timeout_s, self._auth_over)
        try:
            if not self._stream.is_mute("hello"):
                self.say([wire.CONNECTED])
            async for raw in self.socket:
                self._take(raw)
        except ConnectionClosed:
            pass
        finally:
            timeout.cancel()
            writer.cancel()

    # To the client

    def say(self, messages: Iterable[Mapping[str, Any]]) -> None:
        """Send messages in one frame."""
        self.send(wire.packed(messages))

    def send(self, frame: bytes | str) -> None:
        """Send a frame; a client that does not read them in time is thrown out."""
        self._outbox.put_nowait(frame)
        if self._outbox.qsize() == self._stream.plan.most_waiting:
            self.fail(407, ends=True)

    def fail(self, code: int, *, ends: bool = False) -> None:
        """Send an error, and close the connection if it `ends`."""
        self._stream.counts.errors[code] += 1
        self.say([wire.error(code)])
        if ends:
            self.close(1000)

    def close(self, code: int) -> None:
        """Close the connection behind what was sent; 1006 aborts it at once."""
        if code == 1006:
            self.socket.transport.abort()
        else:
            self._outbox.put_nowait(code)

    async def _write(self) -> None:
        try:
            while True:
                item = await self._outbox.get()
                if isinstance(item, int):
                    await self.socket.close(item)
                    return
                await self.socket.send(item)
        except ConnectionClosed:
            return

    # From the client

    def _take(self, raw: bytes | str) -> None:
        try:
            message = msgpack.unpackb(raw)
            action = message["action"]
        except Exception:  # noqa: BLE001 - whatever a client sends
            self.fail(400)
            return
        if action == "auth":
            self._authenticate(message)
        elif not self.is_authenticated:
            self.fail(401)
        elif action in ("subscribe", "unsubscribe"):
            self._subscribe(message, adds=action == "subscribe")
        else:
            self.fail(400)

    def _authenticate(self, message: Mapping[str, Any]) -> None:
        if self.is_authenticated:
            self.fail(403)
            return
        if self._stream.is_mute("auth"):
            return
        code = self._stream.refusal_of(self, message.get("key"), message.get("secret"))
        if code is not None:
            self.fail(code, ends=code != 402)
            return
        self.is_authenticated = True
        self._stream.counts.authenticated += 1
        self.say([wire.AUTHENTICATED])

    def _subscribe(self, message: Mapping[str, Any], *, adds: bool) -> None:
        asked = {name: list(symbols) for name, symbols in message.items() if name in wire.CHANNELS}
        self._stream.counts.subscriptions.append(asked)
        if self._stream.is_mute("subscribe"):
            return
        code = self._stream.rejected("subscribe")
        if code is not None:
            self.fail(code)
            return
        after = {name: set(symbols) for name, symbols in self.channels.items()}
        for name, symbols in asked.items():
            there = after.setdefault(name, set())
            if adds:
                there |= set(symbols) - self._stream.not_subscribed
            else:
                there -= set(symbols)
        most = self._stream.plan.most_symbols
        if most is not None and len(set().union(*after.values())) > most:
            self.fail(405)
            return
        self.channels = defaultdict(set, after)
        self.say([wire.subscription(self.channels)])
        self._stream.on_subscription()

    def wants(self, kind: str, symbol: str) -> bool:
        """Whether the client subscribed to messages of a type and symbol."""
        there = self.channels.get(wire.CHANNEL_OF[kind], ())
        return symbol in there or "*" in there

    def _auth_over(self) -> None:
        if not self.is_authenticated:
            self.fail(404, ends=True)
