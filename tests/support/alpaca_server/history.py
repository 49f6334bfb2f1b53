"""What REST knows at a moment, and its pages."""

from __future__ import annotations

import base64
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from tests.support.alpaca_server.market import MINUTE_S, Bar, Market
from tests.support.alpaca_server.playing import BarFaults
from tests.support.alpaca_server.wire import rest_bar


class History:
    """Bars by symbol and time; each is there from its own moment on."""

    def __init__(self, market: Market, faults: BarFaults) -> None:
        self._bars: dict[str, list[tuple[int, float, Bar]]] = defaultdict(list)
        for bar in market.bars:
            its = faults.of(bar)
            if "lost" in its:
                continue
            delay = its["history late"].by if "history late" in its else market.history_delay_s
            self._bars[bar.symbol].append((bar.t, bar.t + MINUTE_S + delay, bar))
        for bars in self._bars.values():
            bars.sort()

    def page(
        self, symbols: Sequence[str], start: float, end: float, now: float, limit: int, token: str | None
    ) -> tuple[dict[str, list[dict[str, Any]]], str | None]:
        """Return the bars with `start <= t <= end`, at most `limit` over all symbols, and the next token.

        They are ordered by symbol, then by time: a page may end inside a symbol.
        """
        after = ("", -1) if token is None else _from_token(token)
        found: dict[str, list[dict[str, Any]]] = {}
        count, latest = 0, after
        for symbol in sorted(set(symbols)):
            if symbol < after[0]:
                continue
            bars = self._bars.get(symbol, [])
            first = bisect_left(bars, start, key=lambda one: one[0])
            if symbol == after[0]:
                first = max(first, bisect_right(bars, after[1], key=lambda one: one[0]))
            for opened_at, known_at, bar in bars[first:]:
                if opened_at > end:
                    break
                if known_at > now:
                    continue
                if count == limit:
                    return found, _token(latest)
                found.setdefault(symbol, []).append(rest_bar(bar, text_of(opened_at)))
                count, latest = count + 1, (symbol, opened_at)
        return found, None

    def latest(self, symbol: str, now: float) -> dict[str, Any] | None:
        """Return the last bar that is known by now, None without one."""
        known = [bar for _, known_at, bar in self._bars.get(symbol, []) if known_at <= now]
        return rest_bar(known[-1], text_of(known[-1].t)) if known else None


def text_of(seconds: float) -> str:
    """Return an instant as REST writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def instant(text: str) -> float:
    """Return an instant as seconds UTC; ValueError if it is none. A day is its beginning."""
    there = datetime.fromisoformat(text)
    return (there if there.tzinfo else there.replace(tzinfo=UTC)).timestamp()


def _token(latest: tuple[str, int]) -> str:
    return base64.b64encode(f"{latest[0]}|M|{latest[1]}".encode()).decode()


def _from_token(token: str) -> tuple[str, int]:
    symbol, _, at = base64.b64decode(token).decode().split("|")
    return symbol, int(at)
