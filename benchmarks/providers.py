"""Sessions through Alpaca's client: bars, updated bars and quotes of many symbols, from a local server.

python -m benchmarks.providers [--symbols 500] [--minutes 60] [--speed 60] [--quotes 4] [--updated 50]

A server in a process of its own plays a market at a multiple of its real rhythm: each minute all bars
within half a second, some of them corrected half a minute later, and quotes in between. It is recorded by a
live session into an SQLite store, and before that received by the unmodified client alone, whose handlers
only note the time: what that takes is the server's and the library's. Latencies are from the moment at which
a message is due at the server, in milliseconds of the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import numpy as np
from alpaca.data.live.stock import StockDataStream

from benchmarks.measure import HEADER, row
from benchmarks.memory import resident_mb
from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.feeds.arrival_journal import ArrivalJournal, journal_path
from tapedeck.engine.feeds.arrivals import KINDS
from tapedeck.engine.feeds.feed_bar import BarKind
from tapedeck.engine.feeds.feed_context import FeedContext
from tapedeck.engine.feeds.live_options import LiveOptions
from tapedeck.engine.feeds.registry import make_feed
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.system import SystemManager
from tests.support.alpaca_server import AlpacaServer, BarFault, Market, Plan
from tests.support.alpaca_server.made_market import made_market
from tests.support.alpaca_server.playing import BarFaults, messages_of

DAY: Final = date(2013, 10, 7)
LEAD_S: Final = 3.0
"""Seconds of the machine between the start of the clock and the open: a client connects meanwhile."""
_AFTER_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Load:
    """What the server plays: `updated` bars of each minute are corrected, `quotes` a minute and symbol."""

    symbols: int
    minutes: int
    speed: float
    quotes: int
    updated: int

    @property
    def names(self) -> list[str]:
        """Names of the symbols."""
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        return [f"Q{letters[n // 676]}{letters[n // 26 % 26]}{letters[n % 26]}" for n in range(self.symbols)]

    def slots(self) -> SessionSlots:
        """Return the slots of the session."""
        config = self.config()
        calendar = TimeManager(config.exchange, changes=config.session_data_config.sessions)
        return SessionSlots(calendar.get_trading_session(DAY), MINUTE)

    def market(self) -> Market:
        """Return the bars and quotes, the same in each process."""
        return made_market(
            self.names, int(self.slots().opened_at[0]), self.minutes, quotes_a_minute=self.quotes
        )

    def faults(self) -> list[BarFault]:
        """Return the corrections."""
        return [
            BarFault("updated", minute, name)
            for minute in range(self.minutes)
            for name in self.names[: self.updated]
        ]

    def config(self) -> SessionConfig:
        """Return the session file."""
        ends = 9 * 60 + 30 + self.minutes
        document = {
            "session_name": "benchmark",
            "exchange_group": "US_EQUITY",
            "mode": "live",
            "api_config": {"data_api": "alpaca"},
            "session_data_config": {
                "symbols": self.names,
                "streams": ["1m", "5m", "15m", *(["quotes"] if self.quotes else [])],
                "sessions": {DAY.isoformat(): {"close": f"{ends // 60:02}:{ends % 60:02}"}},
                "indicators": {
                    "sma_20": {"type": "SMA", "interval": "1m", "timeperiod": 20},
                    "rsi_14": {"type": "RSI", "interval": "1m", "timeperiod": 14},
                    "vwap": {"type": "VWAP", "interval": "1m"},
                },
            },
        }
        return parse_session_config(document, "benchmark").config


@dataclass(slots=True)
class Figures:
    """What was measured; times in milliseconds of the machine, from when a message was due."""

    latencies: dict[str, np.ndarray] = field(default_factory=dict)
    """By type: b, u, q; of what came over the stream."""
    shown: list[float] = field(default_factory=list)
    """From a minute's last bar to its slot on the tape."""
    counts: dict[str, int] = field(default_factory=dict)
    """Messages that came, by type."""
    lost: int = 0
    not_streamed: int = 0
    """Bars that came over the stream in no version: history had them."""
    overruns: int = 0
    editions: int = 0
    processor: float = 0.0
    memory_mb: float = 0.0
    server: dict[str, Any] = field(default_factory=dict)


# The server's process


def serve(load: Load) -> None:
    """Play the market from a start that is read from the input, until the input ends; then write counts."""
    market, faults = load.market(), load.faults()
    print(json.dumps({"ready": True}), flush=True)
    start, anchor = json.loads(sys.stdin.readline())
    clock = LiveClock(speed=load.speed, start=start, anchor=anchor)
    plan = Plan(feeds=frozenset({"iex", "sip"}), most_waiting=100_000)
    with AlpacaServer(market, clock, faults=faults, plan=plan) as server:
        print(json.dumps(server.environment), flush=True)
        sys.stdin.readline()
        counts = server.counts
    found = {
        "sent": dict(counts.sent),
        "not_sent": dict(counts.not_sent),
        "connections": counts.connections,
        "requests": len(counts.requests),
        "a minute": counts.most_requests_a_minute(),
        "behind_ms": 1000 * counts.behind_s,
        "processor_s": time.process_time(),
    }
    print(json.dumps(found), flush=True)


class Served:
    """The server, the variables that lead to it, and the clock that it plays by."""

    def __init__(self, process: subprocess.Popen[str], environment: dict[str, str], clock: LiveClock) -> None:
        self._process, self.environment, self.clock = process, environment, clock

    def counts(self) -> dict[str, Any]:
        """End the server; return what it counted."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        found: dict[str, Any] = json.loads(self._process.stdout.readline())
        return found


@contextmanager
def served(load: Load) -> Iterator[Served]:
    """Start a server whose clock reaches the open in some seconds."""
    options = [f"--{name}={getattr(load, name)}" for name in load.__slots__]
    command = [sys.executable, "-m", "benchmarks.providers", "--serve", *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            assert json.loads(process.stdout.readline())["ready"]
            start, anchor = float(load.slots().opened_at[0]) - LEAD_S * load.speed, time.time()
            process.stdin.write(json.dumps([start, anchor]) + "\n")
            process.stdin.flush()
            environment = json.loads(process.stdout.readline())
            yield Served(process, environment, LiveClock(speed=load.speed, start=start, anchor=anchor))
        finally:
            process.kill()


def due_times(load: Load) -> dict[tuple[str, str, int], float]:
    """Return the market time at which each message is sent, by type, symbol and minute, or quote's time."""
    market = load.market()
    messages = messages_of(market, BarFaults(market, load.faults()))
    return {(due.kind, due.item.symbol, _label(due.item.t)): due.at for due in messages}


def _label(at: float) -> int:
    return round(at * 1000)


# The unmodified client


def alone(load: Load) -> Figures:
    """Receive the market by the client alone."""
    found: list[tuple[str, str, int, float]] = []
    due = due_times(load)
    with served(load) as server:
        clock = server.clock

        async def keep(message: dict[str, Any]) -> None:
            at = message["t"].seconds + message["t"].nanoseconds / 1e9
            found.append((message["T"], message["S"], _label(at), clock.now()))

        variables = server.environment
        stream = StockDataStream(
            variables["APCA_API_KEY_ID"],
            variables["APCA_API_SECRET_KEY"],
            raw_data=True,
            url_override=variables["TAPEDECK_ALPACA_STREAM_URL"] + "/v2/iex",
        )
        stream.subscribe_bars(keep, *load.names)
        stream.subscribe_updated_bars(keep, *load.names)
        if load.quotes:
            stream.subscribe_quotes(keep, *load.names)
        thread = threading.Thread(target=stream.run)
        began, processor = time.monotonic(), time.process_time()
        thread.start()
        ends, pause = max(due.values()) + 2.0 * load.speed, threading.Event()
        while clock.now() < ends and len(found) < len(due):
            pause.wait(0.2)
        figures = Figures(processor=(time.process_time() - processor) / (time.monotonic() - began))
        figures.memory_mb = resident_mb()
        loop, socket = stream._loop, stream._ws
        assert loop is not None
        asyncio.run_coroutine_threadsafe(stream.stop_ws(), loop).result(5)
        if socket is not None:
            asyncio.run_coroutine_threadsafe(socket.close(), loop).result(15)
        thread.join(15)
        figures.server = server.counts()
    figures.counts = {kind: sum(one[0] == kind for one in found) for kind in "buq"}
    figures.lost = len(due) - len({one[:3] for one in found})
    figures.latencies = _latencies(found, due, load.speed)
    return figures


def _latencies(
    found: Sequence[tuple[str, str, int, float]], due: dict[tuple[str, str, int], float], speed: float
) -> dict[str, np.ndarray]:
    """Return the milliseconds from due to received, by type."""
    return {
        kind: np.array([1000 * (at - due[kind, symbol, label]) / speed for _, symbol, label, at in those])
        for kind in "buq"
        if (those := [one for one in found if one[0] == kind])
    }


# The recording


def recorded(load: Load) -> Figures:
    """Record the market through the feed; measure what the journal, the tape and the store tell."""
    due, slots = due_times(load), load.slots()
    first, closes = int(slots.opened_at[0]), int(slots.closed_at[-1])
    with tempfile.TemporaryDirectory() as folder, served(load) as server:
        config, clock, place = load.config(), server.clock, Path(folder) / "bars.db"
        calendar = TimeManager(config.exchange, changes=config.session_data_config.sessions)
        with patch.dict(os.environ, server.environment):
            feed = make_feed("alpaca", FeedContext(config, MINUTE, clock, calendar))
        last_bar = dict.fromkeys(slots.closed_at.tolist(), 0.0)
        for (kind, _, label), at in due.items():
            if kind == "b":
                ends = label // 1000 + MINUTE.seconds
                last_bar[ends] = max(last_bar[ends], at)
        with open_store(place, create=True) as store:
            options = LiveOptions(feed, clock, journal_path(place), first_day=DAY)
            system = SystemManager(config, store, live=options)
            figures, seen = Figures(), 0

            def look() -> bool:
                nonlocal seen
                tape = system.session_data.tape
                if tape is not None and tape.frontier > seen:
                    at = last_bar[int(slots.closed_at[tape.frontier - 1])]
                    figures.shown.append(1000 * (clock.now() - at) / load.speed)
                    seen = tape.frontier
                return system.state.is_over

            began, processor = time.monotonic(), time.process_time()
            system.start()
            system.wait_for(look, 3600.0)
            figures.processor = (time.process_time() - processor) / (time.monotonic() - began)
            tape = system.session_data.tape
            figures.editions = 0 if tape is None else tape.edition
            assert system._coordinator is not None
            figures.overruns = sum(worker.overruns for worker in system._coordinator.workers)
            figures.memory_mb = resident_mb()
            system.stop()
            if system.error is not None:
                raise system.error
            stored = sum(len(store.read(name, MINUTE, first, closes)) for name in load.names)
            figures.lost = load.symbols * load.minutes - stored
        found = []
        with ArrivalJournal(journal_path(place)) as journal:
            for part in journal.arrivals(MINUTE, first, closes):
                rows = zip(
                    part.symbols, part.opened_at.tolist(), part.received.tolist(), part.kinds, strict=True
                )
                found += [(KINDS[kind], symbol, at, received / 1e6) for symbol, at, received, kind in rows]
        names = {BarKind.BAR: "b", BarKind.UPDATED: "u"}
        streamed = [(names[kind], one, 1000 * at, got) for kind, one, at, got in found if kind in names]
        figures.latencies = _latencies(streamed, due, load.speed)
        figures.not_streamed = load.symbols * load.minutes - len({one[1:3] for one in streamed})
        figures.counts = {kind.value: sum(one[0] is kind for one in found) for kind in BarKind}
        figures.server = server.counts()
    return figures


# The table


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--symbols", type=int, default=500)
    parser.add_argument("--minutes", type=int, default=60, help="slots of the session")
    parser.add_argument("--speed", type=float, default=60.0, help="market seconds per second")
    parser.add_argument("--quotes", type=int, default=4, help="quotes of each symbol and minute")
    parser.add_argument("--updated", type=int, default=50, help="bars of each minute that are corrected")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = vars(parser.parse_args())
    serves = options.pop("serve")
    load = Load(**options)
    if serves:
        serve(load)
        return
    logging.getLogger("alpaca").setLevel(logging.ERROR)  # tells that it is closed
    print(HEADER.replace("bare script, same run", "unmodified client alone, same run"), flush=True)
    for line in _rows(load):
        print(line, flush=True)


def _rows(load: Load) -> Iterator[str]:
    what = f"{load.symbols:,} symbols, {load.minutes} minutes at {load.speed:g} times real rhythm"
    reference, live = alone(load), recorded(load)
    for kind, name in (("b", "bars"), ("u", "updated bars"), ("q", "quotes")):
        if kind in reference.latencies:
            mine = "reduced to the last of a minute" if kind == "q" else _times(live.latencies[kind])
            yield row(f"{what}: {name} received", mine, "≤ 200 ms", _times(reference.latencies[kind]))
    yield row(f"{what}: from a minute's last bar to the screen's tape", _times(live.shown), "≤ 500 ms")
    bars = load.symbols * load.minutes
    asked = live.counts["history"] + live.counts["reconciled"]
    of_history = f"{live.not_streamed:,} had from history alone"
    lost = f"{live.lost} of {bars:,} bars lost, {of_history}, {asked:,} asked for"
    of_all = f"{reference.lost} of {sum(reference.counts.values()):,} messages lost"
    yield row(f"{what}: lost", lost, "0", of_all)
    yield row(f"{what}: overruns", f"{live.overruns}, {live.editions} editions", "0")
    yield row(f"{what}: cost", _cost(live), "", _cost(reference))
    requests = f"{live.server['requests']} in all, at most {live.server['a minute']} a minute"
    yield row(f"{what}: requests", requests, "≤ 20 a minute", f"{live.server['connections']} connection")
    behind = (f"{one.server['behind_ms']:.0f} ms" for one in (live, reference))
    yield row(f"{what}: the server's own delay", f"at most {next(behind)}", "", f"at most {next(behind)}")


def _cost(figures: Figures) -> str:
    return f"{figures.processor:.0%} of a core, {figures.memory_mb:.0f} MB"


def _times(times: Sequence[float] | np.ndarray) -> str:
    """Return the median, the 99th percentile and the longest of some times."""
    if not len(times):
        return "none came"
    middle, late = np.percentile(times, [50, 99])
    return f"{middle:.0f} ms (p99 {late:.0f}, worst {max(times):.0f})"


if __name__ == "__main__":
    main()
