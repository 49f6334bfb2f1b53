"""The exchange as a provider of recorded sessions: a random market, and random fault scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from random import Random
from typing import Any, Final

import ccxt.pro  # noqa: F401 - it takes seconds, and no clock of a market runs yet

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.clock.slots import SessionSlots
from tests.support.exchange_server.candles import GivenCandles
from tests.support.exchange_server.faults import FRAMES, OF_CANDLES, ExchangeFaults, Fault, FaultKind
from tests.support.exchange_server.server import ExchangeServer
from tests.support.provider_sessions import PlayedProvider, Values

SYMBOLS: Final = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
_DAY: Final = date(2013, 10, 7)
_MARGIN: Final = 20
"""Minutes of bars before the session and after it."""


class ExchangeProvider:
    """Half an hour of three symbols, recorded by the feed ccxt."""

    name = "ccxt"
    day = _DAY
    document: Mapping[str, Any] = {
        "exchange_group": "CRYPTO",
        "asset_class": "CRYPTO",
        "api_config": {"data_api": "ccxt", "exchange": "binance"},
        "symbols": list(SYMBOLS),
        "streams": ["1m", "5m"],
        "sessions": {_DAY.isoformat(): {"open": "12:00", "close": "12:30"}},
    }

    @contextmanager
    def play(self, random: Random, clock: LiveClock, slots: SessionSlots) -> Iterator[PlayedProvider]:
        """Start an exchange with a random market and a random script."""
        opens, closes = int(slots.opened_at[0]), int(slots.closed_at[-1])
        bars = random_market(random, range(opens - 60 * _MARGIN, closes + 60 * _MARGIN, 60))
        faults = random_faults(random, opens, closes)
        with ExchangeServer(GivenCandles(bars), clock, faults) as server:
            yield _Played(server)


class _Played:
    def __init__(self, server: ExchangeServer) -> None:
        self._server = server
        self.environment = server.environment

    def bars(self, start: int, end: int) -> Mapping[tuple[str, int], Values]:
        """Return what the exchange's history holds at the end."""
        history, symbols = self._server.history, self._server.candles.symbols
        return {
            (symbol, at): candle[1:6]
            for symbol in symbols
            for at, candle in history.at_the_end(symbol, start, end).items()
        }

    def counts(self) -> Counter[str]:
        """Return how often the clients connected and asked, and the faults by kind."""
        received = self._server.received
        counts = Counter({"connections": received.connections, "requests": len(received.requests)})
        counts.update(f"faults: {fault.kind.value}" for fault in self._server.faults.faults)
        return counts


def random_market(random: Random, minutes: Sequence[int]) -> dict[str, dict[int, Values]]:
    """Return bars of all symbols, prices in cents, volumes with five decimals; some minutes have none."""
    empty = random.choice((0.0, 0.05, 0.3))
    bars: dict[str, dict[int, Values]] = {}
    for row, symbol in enumerate(SYMBOLS):
        cents, rows = 10_000 * (row + 1), {}
        for at in minutes:
            opening, cents = cents, cents + random.randint(-9, 9)
            high, low = max(opening, cents) + random.randint(0, 5), min(opening, cents) - random.randint(0, 5)
            if at == minutes[0] or random.random() >= empty:
                prices = (opening / 100, high / 100, low / 100, cents / 100)
                rows[at] = (*prices, random.randint(1, 10**8) / 10**5)
        bars[symbol] = rows
    return bars


def random_faults(random: Random, opens: int, closes: int) -> ExchangeFaults:
    """Return a script in which some kinds of faults happen, each some times; all end soon after the close."""
    faults: list[Fault] = []
    for kind in FaultKind:
        if random.random() < 0.3:
            faults += [_random_fault(random, kind, opens, closes) for _ in range(random.randint(1, 3))]
    return ExchangeFaults(faults)


def _random_fault(random: Random, kind: FaultKind, opens: int, closes: int) -> Fault:
    start = random.uniform(opens - 60, closes + 60)
    if kind in OF_CANDLES:
        start = start // 60 * 60
        symbols = None if random.random() < 0.5 else frozenset([random.choice(SYMBOLS)])
        return Fault(kind, start, 60.0 * random.choice((1, 1, 2, 5)), symbols, by=random.uniform(1, 90))
    if kind in FRAMES:
        return Fault(kind, start)
    return Fault(
        kind,
        start,
        random.choice((5.0, 30.0, 120.0, 300.0)),
        by=random.uniform(1, 25),
        code=random.choice((1000, 1006, 1011)),
        status=_random_status(random, kind),
        # A web page in the place of the markets ends a recording at its start.
        paths=frozenset({"klines"}) if kind is FaultKind.HTML else None,
    )


def _random_status(random: Random, kind: FaultKind) -> int:
    """Return a status that may pass: what ends a recording at its start has tests of its own."""
    return random.choice((418, 429, 500, 502, 503) if kind is FaultKind.STATUS else (0, 429, 500, 503))
