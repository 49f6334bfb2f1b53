"""The websocket's side: who is connected, what is sent to whom, and the faults of connections."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import Any

import msgpack
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from tests.support.alpaca_server import wire
from tests.support.alpaca_server.counts import Counts
from tests.support.alpaca_server.faults import (
    Drop,
    Fault,
    Frame,
    FrameKind,
    Mute,
    Refuse,
    Reject,
    SlowClient,
    Stage,
)
from tests.support.alpaca_server.market import Market, Quote
from tests.support.alpaca_server.plan import Plan
from tests.support.alpaca_server.playing import Due
from tests.support.alpaca_server.session import Session

_STAGES: tuple[Stage, ...] = ("handshake", "hello", "auth", "subscribe", "data")
_DAY_S = 86_400
_FRAMES: dict[str, bytes | str] = {
    "text": "the server is about to restart",
    "garbage": b"\xc1" + bytes(range(200)),  # 0xc1 is never used in msgpack
    "empty": b"",
    "large": wire.packed([{"T": "n", "headline": "x" * (2**20 + 1), "symbols": []}]),
    "unknown type": wire.packed([{"T": "zz", "S": "SPY", "x": 1}]),
    "no type": wire.packed([{"S": "SPY", "c": 1.0}]),
    "no map": msgpack.packb([7, "SPY", None]),
    "no list": msgpack.packb({"T": "b"}),
}


class Stream:
    """State of the stream; made and used in the server's loop.

    `at`: the market's time from minutes after the open; `now`: the market's time.
    """

    def __init__(
        self,
        market: Market,
        plan: Plan,
        keys: tuple[str, str],
        counts: Counts,
        faults: Sequence[Fault],
        *,
        now: Callable[[], float],
        auth_timeout_s: float,
        not_subscribed: Iterable[str],
        on_connection: Callable[[], object],
        on_subscription: Callable[[], object],
    ) -> None:
        self.plan, self.counts, self.auth_timeout_s = plan, counts, auth_timeout_s
        self.not_subscribed = frozenset(not_subscribed)
        self._market, self._keys, self._now = market, keys, now
        self._mutes = [fault for fault in faults if isinstance(fault, Mute)]
        self._rejects = [fault for fault in faults if isinstance(fault, Reject)]
        self._refusals = [fault for fault in faults if isinstance(fault, Refuse) and fault.status]
        self._held_until = float("-inf")  # a dropped connection still counts
        self._sessions: list[Session] = []
        self._servers: list[Server] = []
        self._on_connection, self.on_subscription = on_connection, on_subscription
        self._closing = asyncio.Event()
        self._unheard = 0  # refusals by the machine that hold
        self._reserved = _bound(0)  # keeps the port while it does not listen
        self.port: int = self._reserved.getsockname()[1]

    # The port

    async def listen(self) -> None:
        """Accept connections."""
        server = await serve(
            self._connected,
            sock=_bound(self.port),
            process_request=self._handshake,
            compression=None,
            ping_interval=None,
            close_timeout=0.2,
            max_size=None,
        )
        self._servers.append(server)

    async def stop_listening(self) -> None:
        """Have the machine refuse new connections; those that are there stay."""
        self._unheard += 1
        if self._unheard == 1:
            server = self._servers[-1]
            server.close(close_connections=False)
            while server.is_serving():  # it is closed in a task
                await asyncio.sleep(0)

    async def close(self) -> None:
        """End all connections, and the port."""
        self._closing.set()
        for session in self._sessions:
            session.socket.transport.abort()
        for server in self._servers:
            server.close()
        for server in self._servers:
            await server.wait_closed()
        self._reserved.close()

    async def _handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        if self.is_mute("handshake"):
            await self._closing.wait()
        for fault in self._refusals:
            if self._is_now(fault.at, fault.lasts):
                self.counts.refused += 1
                status = HTTPStatus(fault.status)
                return connection.respond(status, status.phrase)
        return None

    async def _connected(self, socket: ServerConnection) -> None:
        self.counts.connections += 1
        self._on_connection()
        session = Session(socket, self)
        self._sessions.append(session)
        try:
            await session.run()
        finally:
            self._sessions.remove(session)

    # What sessions ask

    def is_mute(self, stage: Stage) -> bool:
        """Whether messages of a stage do not come."""
        reached = _STAGES.index(stage)
        return any(
            _STAGES.index(mute.stage) <= reached and self._is_now(mute.at, mute.lasts) for mute in self._mutes
        )

    def rejected(self, stage: str) -> int | None:
        """Return the code with which a stage is answered, None if it is not rejected."""
        there = [one for one in self._rejects if one.stage == stage and self._is_now(one.at, one.lasts)]
        return there[0].code if there else None

    def refusal_of(self, session: Session, key: Any, secret: Any) -> int | None:
        """Return the error code of an authentication, None if it succeeds."""
        code = self.rejected("auth")
        if code is not None:
            return code
        if (key, secret) != self._keys:
            return 402
        if session.feed not in self.plan.feeds:
            return 409
        others = sum(one.is_authenticated for one in self._sessions)
        return 406 if others >= self.plan.most_connections or self._now() < self._held_until else None

    def _is_now(self, minute: float, lasts: float) -> bool:
        begins = self._market.opens + 60 * minute
        return begins <= self._now() < begins + 60 * lasts

    # What happens

    def deliver(self, batch: Sequence[Due]) -> None:
        """Send what is due, in one frame, to those who subscribed to it."""
        if self.is_mute("data"):
            self.counts.not_sent.update(due.type for due in batch)
            return
        messages = [due.message() for due in batch]
        is_sent = [False] * len(batch)
        for session in self._sessions:
            wanted = [
                number
                for number, due in enumerate(batch)
                if session.is_authenticated and session.wants(due.type, due.item.symbol)
            ]
            if wanted:
                session.say(messages[number] for number in wanted)
            for number in wanted:
                is_sent[number] = True
        for due, is_there in zip(batch, is_sent, strict=True):
            (self.counts.sent if is_there else self.counts.not_sent)[due.type] += 1
            if is_there and isinstance(due.item, Quote):
                self.counts.quotes.append(due.item)

    async def strike(self, fault: Fault) -> None:
        """Make a fault of connections happen."""
        if isinstance(fault, Drop):
            self._held_until = self._now() + 60 * fault.limit_for
            for session in list(self._sessions):
                session.close(fault.code)
        elif isinstance(fault, SlowClient):
            for session in self._sessions:
                session.fail(407, ends=True)
        elif isinstance(fault, Frame):
            for session in self._sessions:
                if session.is_authenticated:
                    session.send(self._frame(fault.what))
        elif isinstance(fault, Refuse) and not fault.status:
            await self.stop_listening()

    async def relent(self, fault: Refuse) -> None:
        """End a refusal by the machine."""
        if fault.status:
            return
        self._unheard -= 1
        if not self._unheard:
            await self.listen()

    def _frame(self, what: FrameKind) -> bytes | str:
        if what != "other day":
            return _FRAMES[what]
        first = {bar.symbol: bar for bar in reversed(self._market.bars)}
        return wire.packed(wire.bar_message("b", bar._replace(t=bar.t - _DAY_S)) for bar in first.values())


def _bound(port: int) -> socket.socket:
    """Return a socket bound to a port of this machine, a free one for 0; it does not listen."""
    there = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    there.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    there.bind(("127.0.0.1", port))
    return there
