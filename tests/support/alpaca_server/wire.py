"""Messages of the protocol, as maps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgpack

from tests.support.alpaca_server.market import Bar, Quote

ERRORS = {
    400: "invalid syntax",
    401: "not authenticated",
    402: "auth failed",
    403: "already authenticated",
    404: "auth timeout",
    405: "symbol limit exceeded",
    406: "connection limit exceeded",
    407: "slow client",
    409: "insufficient subscription",
    410: "invalid subscribe action for this feed",
    411: "insufficient scope",
    500: "internal error",
}
CHANNELS = (
    "trades", "quotes", "orderbooks", "bars", "updatedBars", "dailyBars", "statuses", "lulds",
    "corrections", "cancelErrors", "news",
)  # fmt: skip
CHANNEL_OF = {"b": "bars", "u": "updatedBars", "q": "quotes"}
CONNECTED = {"T": "success", "msg": "connected"}
AUTHENTICATED = {"T": "success", "msg": "authenticated"}


def packed(messages: Iterable[Mapping[str, Any]]) -> bytes:
    """Return one frame."""
    frame: bytes = msgpack.packb(list(messages))
    return frame


def error(code: int) -> dict[str, Any]:
    return {"T": "error", "code": code, "msg": ERRORS[code]}


def subscription(channels: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    """Return the acknowledgement: the whole list now in force."""
    return {"T": "subscription", **{name: sorted(channels.get(name, ())) for name in CHANNELS}}


def bar_message(kind: str, bar: Bar) -> dict[str, Any]:
    """Return a b or u message."""
    typical = (bar.h + bar.l + bar.c) / 3
    return {
        "T": kind, "S": bar.symbol, "o": bar.o, "h": bar.h, "l": bar.l, "c": bar.c, "v": bar.v,
        "n": 10, "vw": typical, "t": msgpack.Timestamp(bar.t, 0),
    }  # fmt: skip


def quote_message(quote: Quote) -> dict[str, Any]:
    """Return a q message."""
    at = msgpack.Timestamp.from_unix_nano(round(quote.t * 1e9))
    return {
        "T": "q", "S": quote.symbol, "bx": "V", "bp": quote.bp, "bs": quote.bs, "ax": "V",
        "ap": quote.ap, "as": quote.as_, "c": ["R"], "z": "C", "t": at,
    }  # fmt: skip


def rest_bar(bar: Bar, at: str) -> dict[str, Any]:
    """Return a bar as REST has it."""
    typical = (bar.h + bar.l + bar.c) / 3
    return {
        "c": bar.c, "h": bar.h, "l": bar.l, "n": 10, "o": bar.o, "t": at, "v": bar.v, "vw": typical,
    }  # fmt: skip


def rest_quote(quote: Quote) -> dict[str, Any]:
    """Return a quote as REST has it."""
    at = datetime.fromtimestamp(quote.t, UTC).isoformat().replace("+00:00", "Z")
    return {
        "ap": quote.ap, "as": quote.as_, "ax": "V", "bp": quote.bp, "bs": quote.bs, "bx": "V", "c": ["R"],
        "t": at, "z": "C",
    }  # fmt: skip
