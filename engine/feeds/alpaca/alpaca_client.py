"""Stream clients of alpaca-py, as this feed uses them: one connection, no retries, no log of their frames.

The client's own loop (`run`) is not used: it retries for ever, and needs a full core before the first
subscription. Its parts are: connect, authenticate, send the subscription, receive, dispatch. Those that are
private are named in `PRIVATE_NAMES`, which a test checks against the installed version.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import msgpack
from alpaca.data.enums import CryptoFeed, DataFeed
from alpaca.data.live.crypto import CryptoDataStream
from alpaca.data.live.stock import StockDataStream
from alpaca.data.live.websocket import DataStream
from websockets.exceptions import ConnectionClosed
from websockets.legacy.client import WebSocketClientProtocol
from websockets.legacy.exceptions import InvalidStatusCode

from tapedeck.engine.feeds.alpaca.alpaca_account import AlpacaAccount
from tapedeck.engine.feeds.alpaca.alpaca_messages import (
    NO_TLS_TEXT,
    closed_reason,
    handshake_error,
    stream_error,
)
from tapedeck.engine.feeds.alpaca.nonsense import Nonsense
from tapedeck.engine.feeds.live_feed import FeedError

PRIVATE_NAMES: Final = (
    "_start_ws",
    "_consume",
    "_dispatch",
    "_send_subscribe_msg",
    "_send_unsubscribe_msg",
    "_handlers",
    "_running",
    "_ws",
    "_api_key",
    "_secret_key",
)
"""Private members of `DataStream` that are overridden (`_start_ws`, `_dispatch`) or used."""

MOST_BYTES: Final = 32 * 2**20
"""Largest frame that is received; a minute's bars of all US stocks have some 1.5 MiB."""
PING_INTERVAL_S: Final = 10.0
PING_TIMEOUT_S: Final = 20.0
"""Time without an answer to a ping after which the connection is taken for dead."""
CLOSE_TIMEOUT_S: Final = 0.15
"""Time for each step of closing; the library takes up to five."""
_CLOSE_WITHIN_S: Final = 0.4
_DATA: Final = {"b": "bars", "u": "updatedBars", "q": "quotes"}
STREAM_URL: Final = "wss://stream.data.alpaca.markets"


class ClientListener(Protocol):
    """Receiver of what a client gets; called in the client's loop, must not wait or raise."""

    def data(self, message: Mapping[str, Any]) -> None:
        """Take a bar, updated bar or quote of a symbol that is subscribed, with all its fields as sent."""
        ...

    def acknowledged(self, in_force: Mapping[str, frozenset[str]]) -> None:
        """Take the subscription that is in force, symbols by channel."""
        ...

    def refused(self, code: int | None, text: str) -> None:
        """Take an error message; FeedError ends the connection."""
        ...


class _Protocol(WebSocketClientProtocol):
    """Connection that keeps the last frame, so that its error code can be read."""

    last_frame: Any = b""

    async def recv(self) -> Any:
        self.last_frame = await super().recv()
        return self.last_frame


class _OneConnection(DataStream):
    """A client's connection; all in one event loop. Mixed into the client of an asset class."""

    _listener: ClientListener
    _nonsense: Nonsense

    async def open(self) -> None:
        """Connect and authenticate, or raise FeedError with the reason in words."""
        try:
            await self._start_ws()
        except Exception as error:  # noqa: BLE001 - libraries below raise of many classes
            raise self._not_opened(error) from None

    async def receive(self) -> None:
        """Receive until the connection ends; raises FeedError with the reason, never returns."""
        while True:
            try:
                await self._consume()
            except ConnectionClosed as error:
                raise FeedError(_reason_of(error)) from None
            except FeedError:
                raise
            except Exception as error:  # noqa: BLE001 - a frame that makes no sense
                self._salvage(f"{type(error).__name__}")

    async def send_subscription(self) -> None:
        """Send the whole subscription; FeedError if the connection has ended."""
        try:
            await self._send_subscribe_msg()
        except ConnectionClosed as error:
            raise FeedError(_reason_of(error)) from None

    async def send_unsubscription(self, channel: str, symbols: Sequence[str]) -> None:
        """Have the server send some symbols of a channel no more."""
        with contextlib.suppress(ConnectionClosed):
            await self._send_unsubscribe_msg(channel, list(symbols))

    def symbols_of(self, channel: str) -> set[str]:
        """Return the symbols of the next subscription."""
        return set(self._handlers[channel])

    def add_symbols(self, channel: str, symbols: Sequence[str]) -> None:
        """Add symbols to the next subscription, and take their messages."""
        self._handlers[channel].update(dict.fromkeys(symbols, self._take))

    def drop_symbols(self, channel: str, symbols: Sequence[str]) -> None:
        """Take symbols out of the next subscription, and take their messages no more."""
        for symbol in symbols:
            self._handlers[channel].pop(symbol, None)

    async def shut(self) -> None:
        """Close the connection, politely if the server answers at once."""
        there, self._ws = self._ws, None
        if there is None:
            return
        with contextlib.suppress(Exception):
            await asyncio.wait_for(there.close(), _CLOSE_WITHIN_S)
        if there.transport is not None:
            there.transport.abort()

    # Overridden

    async def _start_ws(self) -> None:
        await super()._start_ws()
        # They are not needed any more: each connection has a client of its own.
        self._api_key = self._secret_key = ""

    async def _dispatch(self, msg: Any) -> None:
        kind = msg.get("T")
        if kind == "subscription":
            self._listener.acknowledged(_in_force(msg))
        elif kind == "error":
            code, text = msg.get("code"), msg.get("msg")
            self._listener.refused(code if isinstance(code, int) else None, str(text))
        elif kind in _DATA:
            if self._is_wanted(msg):
                await super()._dispatch(msg)
            else:
                self._nonsense.note("messages of symbols that are not subscribed", msg)
        else:
            self._nonsense.note("messages of an unknown type", msg)

    async def _take(self, message: Any) -> None:
        self._listener.data(message)

    # What came

    def _is_wanted(self, message: Mapping[str, Any]) -> bool:
        channel, symbol = _DATA.get(message.get("T", "")), message.get("S")
        return channel is not None and isinstance(symbol, str) and symbol in self._handlers[channel]

    def _not_opened(self, error: Exception) -> FeedError:  # noqa: PLR0911 - one line for each cause
        if isinstance(error, InvalidStatusCode):
            return handshake_error(error.status_code)
        if isinstance(error, TimeoutError):
            return FeedError("Alpaca's stream does not answer")
        # The client tells the text of an error, not its code; the frame has both.
        told = _error_in(getattr(self._ws, "last_frame", b""))
        if told is not None:
            return stream_error(*told)
        if isinstance(error, ConnectionClosed):
            return FeedError(f"before the connection was ready: {_reason_of(error)}")
        if isinstance(error, ssl.SSLError):
            return FeedError(NO_TLS_TEXT)
        if isinstance(error, OSError):
            return FeedError(f"Alpaca's stream cannot be reached: {type(error).__name__}")
        if isinstance(error, ValueError):
            return stream_error(None, str(error))
        return FeedError(f"Alpaca's stream does not answer as it should: {type(error).__name__}")

    def _salvage(self, fault: str) -> None:
        """Take what has a meaning of a frame with which the client failed."""
        frame = getattr(self._ws, "last_frame", b"")
        if isinstance(frame, str):
            self._nonsense.note("frames of text", frame)
            return
        if not frame:
            self._nonsense.note("empty frames", frame)
            return
        try:
            messages = msgpack.unpackb(frame)
        except Exception:  # noqa: BLE001 - msgpack raises of many classes
            self._nonsense.note("frames that are not msgpack", bytes(frame[:50]))
            return
        if not isinstance(messages, list):
            self._nonsense.note("frames without a list", messages)
            return
        after_fault = False
        for message in messages:
            if not isinstance(message, dict) or not isinstance(message.get("T"), str | None):
                self._nonsense.note("frames with something else than messages", message)
                after_fault = True
            elif after_fault and self._is_wanted(message):
                self._listener.data(message)
        if not after_fault:
            self._nonsense.note(f"frames that fail ({fault})", messages)


class _StockConnection(_OneConnection, StockDataStream):
    pass


class _CryptoConnection(_OneConnection, CryptoDataStream):
    pass


def made_client(
    account: AlpacaAccount,
    made: socket.socket,
    listener: ClientListener,
    nonsense: Nonsense,
    *,
    timeout: float,
) -> _OneConnection:
    """Return a client over a connected socket. `timeout`: seconds for the handshake."""
    url = (account.stream_url or STREAM_URL).rstrip("/") + account.stream_path
    options = {
        "sock": made,
        "create_protocol": _Protocol,
        # Its frames have the keys in them: nothing of it is logged, at any level.
        "logger": logging.Logger("silent", logging.CRITICAL + 1),
        "open_timeout": timeout,
        "ping_interval": PING_INTERVAL_S,
        "ping_timeout": PING_TIMEOUT_S,
        "close_timeout": CLOSE_TIMEOUT_S,
        "max_size": MOST_BYTES,
        "max_queue": 1024,
    }
    keys = account.keys
    common: dict[str, Any] = {"raw_data": True, "websocket_params": options, "url_override": url}
    client: _OneConnection
    if account.is_crypto:
        client = _CryptoConnection(keys.key_id, keys.secret, feed=CryptoFeed(account.feed), **common)
    else:
        client = _StockConnection(keys.key_id, keys.secret, feed=DataFeed(account.feed), **common)
    client._listener, client._nonsense = listener, nonsense
    return client


def _in_force(message: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    found = {}
    for channel in _DATA.values():
        symbols = message.get(channel)
        named = symbols if isinstance(symbols, list) else []
        found[channel] = frozenset(symbol for symbol in named if isinstance(symbol, str))
    return found


def _error_in(frame: Any) -> tuple[int | None, str] | None:
    """Return code and text of an error message in a frame, None if there is none."""
    try:
        first = msgpack.unpackb(frame)[0]
        if first["T"] != "error":
            return None
        code = first.get("code")
        return (code if isinstance(code, int) else None), str(first.get("msg", ""))
    except Exception:  # noqa: BLE001 - any frame
        return None


def _reason_of(error: ConnectionClosed) -> str:
    received, sent = error.rcvd, error.sent
    if sent is not None and not error.rcvd_then_sent:
        return _words(sent.code, sent.reason, by_us=True)
    if received is not None:
        return _words(received.code, received.reason, by_us=False)
    return _words(1006, "", by_us=False)


def _words(code: int, text: str, *, by_us: bool) -> str:
    return closed_reason(code, text, by_us=by_us, most_bytes=MOST_BYTES, ping_timeout_s=PING_TIMEOUT_S)
