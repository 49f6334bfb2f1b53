"""Alpaca as a provider of recorded sessions: a random market, and random fault scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from random import Random
from typing import Any, Final, get_args

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.clock.slots import SessionSlots
from tests.support.alpaca_server.clock_at_rest import ClockAtRest
from tests.support.alpaca_server.faults import (
    BarFault,
    BarKind,
    Drop,
    Fault,
    Frame,
    FrameKind,
    HistoryFault,
    HistoryHow,
    Mute,
    Refuse,
    Reject,
    SlowClient,
    Stage,
)
from tests.support.alpaca_server.made_market import made_market
from tests.support.alpaca_server.market import MINUTE_S, Market
from tests.support.alpaca_server.plan import BASIC
from tests.support.alpaca_server.playing import BarFaults
from tests.support.alpaca_server.server import AlpacaServer
from tests.support.provider_sessions import PlayedProvider, Values

SYMBOLS: Final = ("AIG", "BRK.B", "SPY")
DAY: Final = date(2013, 10, 7)
MARGIN: Final = 10
"""Minutes of bars before the session and after it."""
_PASSING: Final[tuple[HistoryHow, ...]] = ("429", "500", "504", "html", "hang", "reset", "cut")
"""Failures of requests that are tried again also at the start of a recording."""


class AlpacaProvider:
    """Half an hour, or some minutes, of three stocks, recorded by the feed alpaca.

    `quotes_a_minute`: 0 without quotes. `faults`: those of the script, else random ones; its clock then
    stands still until the client has subscribed.
    """

    name = "alpaca"
    day = DAY

    def __init__(
        self, quotes_a_minute: int = 0, *, minutes: int = 30, faults: Sequence[Fault] | None = None
    ) -> None:
        self._quotes_a_minute, self._faults = quotes_a_minute, faults
        if faults is not None:
            self.make_clock = ClockAtRest
        close = 9 * 60 + 30 + minutes
        self.document: Mapping[str, Any] = {
            "exchange_group": "US_EQUITY",
            "api_config": {"data_api": "alpaca"},
            "symbols": list(SYMBOLS),
            "streams": ["1m", "5m", *(("quotes",) if quotes_a_minute else ())],
            "sessions": {DAY.isoformat(): {"close": f"{close // 60:02}:{close % 60:02}"}},
        }

    @contextmanager
    def play(self, random: Random, clock: LiveClock, slots: SessionSlots) -> Iterator[PlayedProvider]:
        """Start the servers with a random market and a random script."""
        opens, minutes = int(slots.opened_at[0]), len(slots)
        market = made_market(
            SYMBOLS,
            opens - MINUTE_S * MARGIN,
            minutes + 2 * MARGIN,
            seed=random.randrange(2**32),
            missing=random.choice((0.0, 0.05, 0.3)) if self._faults is None else 0.0,
            no_trade=random.choice((0.0, 0.0, 0.1)) if self._faults is None else 0.0,
            quotes_a_minute=self._quotes_a_minute,
        )
        market.opens = opens
        market.history_delay_s = random.choice((0.5, 5.0, 60.0)) if self._faults is None else 1.0
        faults = random_faults(random, minutes) if self._faults is None else list(self._faults)
        page = random.choice((7, 50, 10_000))
        with AlpacaServer(
            market,
            clock,
            faults=faults,
            plan=BASIC,
            page=page,
            on_subscription=clock.go if isinstance(clock, ClockAtRest) else lambda: None,
        ) as server:
            self.server = server
            yield _Played(server, market, faults)


class _Played:
    def __init__(self, server: AlpacaServer, market: Market, faults: list[Fault]) -> None:
        self._server, self._market, self._faults = server, market, faults
        self.environment = server.environment

    def bars(self, start: int, end: int) -> Mapping[tuple[str, int], Values]:
        """Return the bars with trades that history has in the end."""
        faults = BarFaults(self._market, [one for one in self._faults if isinstance(one, BarFault)])
        return {
            (bar.symbol, bar.t): (bar.o, bar.h, bar.l, bar.c, bar.v)
            for bar in self._market.bars
            if start <= bar.t < end and bar.v and "lost" not in faults.of(bar)
        }

    def counts(self) -> Counter[str]:
        """Return how often the client connected and asked, what was sent, and the faults by kind."""
        counts = self._server.counts
        found = Counter({"connections": counts.connections, "requests": len(counts.requests)})
        found.update({f"sent {kind}": number for kind, number in counts.sent.items()})
        found.update({f"sent, with nobody there: {kind}": number for kind, number in counts.not_sent.items()})
        found.update({f"error {code}": number for code, number in counts.errors.items()})
        found.update(f"faults: {kind_of(fault)}" for fault in self._faults)
        return found


def kind_of(fault: Fault) -> str:
    """Return a fault's kind in words, for counts."""
    name = type(fault).__name__
    for part in ("kind", "what", "how", "stage", "code"):
        if hasattr(fault, part):
            return f"{name} {getattr(fault, part)}"
    return name


def random_faults(random: Random, minutes: int) -> list[Fault]:
    """Return a script in which some kinds of faults happen, each some times; all end soon after the close."""
    faults: list[Fault] = []
    for kind in get_args(BarKind):
        if random.random() < 0.3:
            faults += [_bar_fault(random, kind, minutes) for _ in range(random.randint(1, 4))]
    for make in (_drop, _slow_client, _refuse, _mute, _reject, _frame, _history_fault):
        if random.random() < 0.35:
            faults += [make(random, random.uniform(-1, minutes + 1)) for _ in range(random.randint(1, 3))]
    return faults


def _bar_fault(random: Random, kind: BarKind, minutes: int) -> BarFault:
    minute = random.randrange(minutes)
    symbol = None if random.random() < 0.4 else random.choice(SYMBOLS)
    by = random.uniform(1, 90)
    if kind == "history late":
        # What history does not have by the first comparison with it, after the close, it cannot give.
        by = min(random.choice((5.0, 60.0, 600.0)), 60.0 * (minutes - 1 - minute) + 20)
    return BarFault(kind, minute, symbol, by)


def _drop(random: Random, at: float) -> Drop:
    return Drop(at, random.choice((1000, 1006, 1006, 1011)), random.choice((0.0, 0.5, 3.0)))


def _slow_client(random: Random, at: float) -> SlowClient:
    return SlowClient(at)


def _refuse(random: Random, at: float) -> Refuse:
    return Refuse(at, random.uniform(0.5, 5), random.choice((0, 0, 429, 500, 503)))


def _mute(random: Random, at: float) -> Mute:
    return Mute(at, random.uniform(0.5, 8), random.choice(get_args(Stage)))


def _reject(random: Random, at: float) -> Reject:
    stage = random.choice(("auth", "subscribe"))
    codes = (404, 406, 500) if stage == "auth" else (500,)
    return Reject(at, random.uniform(0.5, 4), stage, random.choice(codes))


def _frame(random: Random, at: float) -> Frame:
    return Frame(at, random.choice(get_args(FrameKind)))


def _history_fault(random: Random, at: float) -> HistoryFault:
    return HistoryFault(at, random.uniform(0.5, 4), random.choice(_PASSING))
