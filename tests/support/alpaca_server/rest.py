"""The REST side: bars by symbols and time, the latest bars, the account; and its faults."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from aiohttp import web

from tests.support.alpaca_server.counts import Counts, Request
from tests.support.alpaca_server.faults import HistoryFault
from tests.support.alpaca_server.history import History, instant, text_of
from tests.support.alpaca_server.market import Bar, Market
from tests.support.alpaca_server.plan import Plan
from tests.support.alpaca_server.wire import rest_bar, rest_quote

MOST: Final = 10_000
_USUAL: Final = 1_000
_SYMBOL: Final = {
    "stocks": re.compile(r"[A-Z]{1,6}(\.[A-Z]{1,2})?"),
    "crypto": re.compile(r"[A-Z]{2,6}/[A-Z]{2,6}"),
}
_HTML: Final = "<html><body><h1>502 Bad Gateway</h1></body></html>"
_MESSAGES: Final = {
    401: "unauthorized.",
    403: "forbidden.",
    429: "too many requests.",
    500: "internal server error occurred",
    504: "gateway timeout",
}


class Problem(Exception):
    """A request that is answered with a status and a message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Rest:
    """Answers requests; in the server's loop. `page`: most bars of an answer."""

    def __init__(
        self,
        market: Market,
        plan: Plan,
        keys: tuple[str, str],
        counts: Counts,
        history: History,
        faults: Sequence[HistoryFault],
        *,
        now: Callable[[], float],
        page: int,
    ) -> None:
        self._market, self._plan, self._keys, self._counts = market, plan, keys, counts
        self._history, self._faults, self._now, self._page = history, faults, now, page

    def application(self) -> web.Application:
        """Return the server's paths."""
        made = web.Application()
        made.router.add_get("/{tail:.*}", self._answer)
        return made

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        query = dict(request.query)
        status, body, bars = 200, "", 0
        try:
            self._check(request)
            answer, bars = self._route(request.path, query)
            body = json.dumps(answer)
        except Problem as problem:
            status, body = problem.status, json.dumps({"message": str(problem)})
        how = self._fault()
        if how is not None and how.isdigit():
            status = int(how)
            body = json.dumps({"message": _MESSAGES[status]})
        self._counts.requests.append(Request(self._now(), request.path, query, status, bars))
        if how == "hang":
            while self._fault() == "hang":
                await asyncio.sleep(0.01)
        if how in ("reset", "hang"):
            assert request.transport is not None
            request.transport.abort()
            raise ConnectionResetError
        if how == "html":
            return web.Response(status=502, text=_HTML, content_type="text/html")
        if how == "cut":
            body = body[: len(body) // 2]
        return web.Response(status=status, text=body, content_type="application/json")

    def _check(self, request: web.Request) -> None:
        keys = request.headers.get("APCA-API-KEY-ID"), request.headers.get("APCA-API-SECRET-KEY")
        if keys != self._keys:
            raise Problem(401, _MESSAGES[401])
        most, now = self._plan.requests_a_minute, self._now()
        if most is not None and sum(one.at > now - 60 for one in self._counts.requests) >= most:
            raise Problem(429, _MESSAGES[429])

    def _fault(self) -> str | None:
        minute = (self._now() - self._market.opens) / 60
        there = [fault for fault in self._faults if fault.at <= minute < fault.at + fault.lasts]
        return there[0].how if there else None

    def _route(self, path: str, query: dict[str, str]) -> tuple[dict[str, Any], int]:
        if path == "/v2/stocks/bars":
            return self._bars(query, "stocks")
        if re.fullmatch(r"/v1beta3/crypto/[a-z-]+/bars", path):
            return self._bars(query, "crypto")
        if path == "/v2/stocks/bars/latest":
            return self._latest(query, "stocks")
        if re.fullmatch(r"/v1beta3/crypto/[a-z-]+/latest/bars", path):
            return self._latest(query, "crypto")
        if path == "/v2/stocks/quotes/latest":
            return self._latest_quotes(query, "stocks"), 0
        if re.fullmatch(r"/v1beta3/crypto/[a-z-]+/latest/quotes", path):
            return self._latest_quotes(query, "crypto"), 0
        raise Problem(404, "endpoint not found.")

    def _bars(self, query: dict[str, str], kind: str) -> tuple[dict[str, Any], int]:
        symbols, now = self._symbols(query, kind), self._now()
        if query.get("timeframe") not in ("1Min", "1T"):
            raise Problem(400, f"invalid timeframe: {query.get('timeframe')}")
        try:
            start, end = (instant(query[name]) if name in query else None for name in ("start", "end"))
            limit = int(query.get("limit", _USUAL))
        except ValueError as error:
            raise Problem(400, f"invalid parameter: {error}") from error
        if not 1 <= limit <= MOST:
            raise Problem(400, "invalid limit: it must be between 1 and 10000")
        start = now // 86_400 * 86_400 if start is None else start
        self._check_feed(query, kind, now if end is None else end)
        page, token = self._history.page(
            symbols, start, now if end is None else end, now, min(limit, self._page), query.get("page_token")
        )
        return {"bars": page, "next_page_token": token}, sum(map(len, page.values()))

    def _latest(self, query: dict[str, str], kind: str) -> tuple[dict[str, Any], int]:
        symbols, now = self._symbols(query, kind), self._now()
        self._check_feed(query, kind, now)
        found = {}
        for symbol in symbols:
            bar = self._history.latest(symbol, now)
            if bar is None and symbol in self._market.traded:  # of a day before
                before = self._market.opens - 86_400
                bar = rest_bar(Bar(symbol, before, 1.0, 1.0, 1.0, 1.0, 1.0), text_of(before))
            if bar is not None:
                found[symbol] = bar
        return {"bars": found}, len(found)

    def _latest_quotes(self, query: dict[str, str], kind: str) -> dict[str, Any]:
        symbols, now = self._symbols(query, kind), self._now()
        self._check_feed(query, kind, now)
        quotes = {quote.symbol: quote for quote in self._market.quotes if quote.t <= now}
        return {"quotes": {one: rest_quote(quotes[one]) for one in symbols if one in quotes}}

    def _symbols(self, query: dict[str, str], kind: str) -> list[str]:
        symbols = [symbol for symbol in query.get("symbols", "").split(",") if symbol]
        if not symbols:
            raise Problem(400, "symbols is required")
        for symbol in symbols:
            if not _SYMBOL[kind].fullmatch(symbol):
                raise Problem(400, f"invalid symbol: {symbol}")
        return symbols

    def _check_feed(self, query: dict[str, str], kind: str, end: float) -> None:
        """Refuse what the plan does not have: recent data of another feed."""
        if kind == "crypto":
            return
        feed = query.get("feed") or ("sip" if "sip" in self._plan.feeds else "iex")
        if feed not in ("iex", "sip", "otc"):
            raise Problem(400, f"invalid feed: {feed}")
        if feed not in self._plan.feeds and end > self._now() - self._plan.recent_s:
            raise Problem(403, f"subscription does not permit querying recent {feed.upper()} data")
