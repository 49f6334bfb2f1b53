"""Sessions recorded from a provider's local server through the real client, under random fault scripts.

A session ends with the tape, digest, stamp and exports of the backtest of what the store holds at its end,
bit for bit, and the store holds all that the provider could give. `run_script` checks one script; a provider
brings its server, its random scripts, and what it could give.
"""

from __future__ import annotations

import logging
import os
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random
from typing import Any, Final, Protocol
from unittest.mock import patch

from tapedeck.console.cli.live_session import time_of
from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.export.csv_export import CsvExport
from tapedeck.engine.feeds.arrival_journal import ArrivalJournal, journal_path
from tapedeck.engine.feeds.arrivals import KINDS
from tapedeck.engine.feeds.feed_context import FeedContext
from tapedeck.engine.feeds.live_options import LiveOptions
from tapedeck.engine.feeds.registry import make_feed
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.read.snapshot import RunSummary
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.system import SystemManager
from tests.faults.live_sessions import differences
from tests.support.runs import KeepRecords

LIMIT_S: Final = 90.0
SAME_FILES: Final = ("bars.csv", "indicators.csv", "quality.csv")
_QUOTES_FILE: Final = "quotes.csv"
Values = tuple[float, float, float, float, float]
"""Open, high, low, close, volume of a bar."""
_BEFORE_S: Final = 26 * 3600
_AFTER_S: Final = 3600
_MAKING: Final = threading.Lock()  # the environment is the process's


class PlayedProvider(Protocol):
    """A provider's server that is started for one script."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables that send the feed to the server."""
        ...

    def bars(self, start: int, end: int) -> Mapping[tuple[str, int], Values]:
        """Return the final bars with `start <= opened_at < end` that the provider could give in time."""
        ...

    def counts(self) -> Counter[str]:
        """Return what happened, for the report."""
        ...


class Provider(Protocol):
    """A provider, its session, and its random fault scripts; `make_clock` if its clock is a special one."""

    @property
    def name(self) -> str:
        """Name of the feed."""
        ...

    @property
    def day(self) -> date:
        """Trading day that is recorded."""
        ...

    @property
    def document(self) -> Mapping[str, Any]:
        """Parts of the session file: `exchange_group`, `api_config`, `symbols`, `streams`, `sessions`."""
        ...

    def play(
        self, random: Random, clock: LiveClock, slots: SessionSlots
    ) -> AbstractContextManager[PlayedProvider]:
        """Start the server with a random market and fault script, until the context ends."""
        ...


@dataclass(slots=True)
class Outcome:
    """Result of one script: what was counted, and what was found wrong."""

    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)


def session_document(provider: Provider) -> dict[str, Any]:
    """Return the session file of a provider's session, without its mode."""
    parts = dict(provider.document)
    data = {name: parts.pop(name) for name in ("symbols", "streams", "sessions") if name in parts}
    return {
        "session_name": provider.name,
        **parts,
        "session_data_config": {
            **data,
            "indicators": {
                "sma_5": {"type": "SMA", "interval": "1m", "timeperiod": 5},
                "rsi_3": {"type": "RSI", "interval": "5m", "timeperiod": 3},
                "vwap": {"type": "VWAP", "interval": "1m"},
            },
            "gap_filler": {"max_retries": 5, "retry_interval_seconds": 60},
        },
        # In a fast session a request takes minutes of the market.
        "live_config": {"reconcile_within_seconds": 18_000.0},
    }


def run_script(provider: Provider, seed: int, folder: Path, *, speed: float) -> Outcome:
    """Record a session under the random script of a seed, and compare; an error of the run is a finding."""
    outcome = Outcome(seed)
    try:
        _Script(provider, outcome, folder, speed).run()
    except Exception as error:  # noqa: BLE001 - it belongs to this seed
        traceback.print_exc()
        outcome.findings.append(f"{type(error).__name__}: {error}")
    return outcome


@contextmanager
def recorded_quietly() -> Iterator[None]:
    """Log nothing: faults are expected."""
    logger = logging.getLogger("tapedeck")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


class _Script:
    def __init__(self, provider: Provider, outcome: Outcome, folder: Path, speed: float) -> None:
        self._provider, self._outcome, self._folder = provider, outcome, folder
        self._random = random = Random(outcome.seed)
        document = session_document(provider)
        day = provider.day.isoformat()
        played = {"mode": "backtest", "backtest_config": {"start_date": day, "end_date": day}}
        self._live = parse_session_config({**document, "mode": "live"}, provider.name).config
        self._backtest = parse_session_config({**document, **played}, provider.name).config
        calendar = TimeManager(self._live.exchange, changes=self._live.session_data_config.sessions)
        self._slots = SessionSlots(calendar.get_trading_session(provider.day), MINUTE)
        self._opens, self._closes = int(self._slots.opened_at[0]), int(self._slots.closed_at[-1])
        start = self._opens - 1.5 * speed  # the feed connects, and loads its markets
        if random.random() < 0.2:
            start = random.uniform(self._opens, self._closes - 300)
        make_clock: Callable[..., LiveClock] = getattr(provider, "make_clock", LiveClock)
        self._told = ""  # of bars that are lacking at the end
        self._clock = make_clock(speed=speed, start=start)
        self._stops = [random.uniform(0.1, 0.9)] if random.random() < 0.2 else []

    def run(self) -> None:
        self._folder.mkdir(parents=True)
        kept = KeepRecords()
        with self._provider.play(self._random, self._clock, self._slots) as played:
            while True:
                stop = self._stops.pop() if self._stops else None
                summary = self._record(played, kept, stop)
                if stop is None or summary.complete:
                    break
                self._outcome.counts["stopped and started again"] += 1
            self._outcome.counts += played.counts()
            expected = played.bars(self._opens, self._closes)
            elsewhere = played.bars(self._opens - _BEFORE_S, self._closes + _AFTER_S).keys()
        self._outcome.counts["sessions"] += 1
        self._outcome.counts["editions"] += kept.records[-1].tape.edition
        self._count_versions()
        self._check_store(expected)
        self._check_other_hours(elsewhere)
        if {symbol for symbol, _ in expected} < set(self._live.session_data_config.symbols):
            self._outcome.counts["without bars of a symbol: no backtest"] += 1
            return
        self._check_backtest(kept, summary)

    def _record(self, played: PlayedProvider, kept: KeepRecords, stop: float | None) -> RunSummary:
        """Record until the session is over, or a part of it has passed; return the summary."""
        config = self._live
        with open_store(self._location, create=True) as store:
            with _MAKING, patch.dict(os.environ, played.environment):
                context = FeedContext(config, MINUTE, self._clock, time_of(config, self._clock))
                feed = make_feed(self._provider.name, context)
            options = LiveOptions(
                feed, self._clock, journal_path(self._location), 1, first_day=self._provider.day
            )
            export = CsvExport(self._folder / "live", config)
            system = SystemManager(config, store, sinks=[kept, export], live=options)
            system.start()
            try:
                if stop is not None:
                    at = self._clock.now() + stop * (self._closes - self._clock.now())
                    system.wait_for(lambda: self._clock.now() >= at, LIMIT_S)
                elif not system.wait(LIMIT_S):
                    raise AssertionError(f"not over: {system.snapshot().live}")
            finally:
                system.stop(LIMIT_S)
            if system.error is not None:
                raise system.error
            summary, lacking = system.summary(), system.lacking()
            self._told = "" if lacking is None else lacking.text
            export.finish(summary, system.metrics)
        return summary

    @property
    def _location(self) -> Path:
        return self._folder / "bars.db"

    def _count_versions(self) -> None:
        with ArrivalJournal(journal_path(self._location)) as journal:
            for part in journal.arrivals(MINUTE, self._opens, self._closes):
                self._outcome.counts.update(f"versions: {KINDS[kind].value}" for kind in part.kinds)

    def _check_store(self, expected: Mapping[tuple[str, int], Values]) -> None:
        with open_store(self._location) as store:
            stored = stored_bars(store, self._live, self._opens, self._closes)
        self._outcome.counts["bars"] += len(stored)
        for what, cells in (
            ("the store lacks", expected.keys() - stored.keys()),
            ("the provider never had", stored.keys() - expected.keys()),
        ):
            if cells:
                first = min(cells)
                slot = (first[1] - self._opens) // 60
                text = f"{what} {len(cells)} bars, such as {first[0]} in slot {slot}"
                self._outcome.findings.append(f"{text}; it told: {self._told or 'nothing'}")
        for cell in sorted(expected.keys() & stored.keys()):
            if stored[cell] != expected[cell]:
                text = f"{cell[0]} in slot {(cell[1] - self._opens) // 60} is {stored[cell]}"
                self._outcome.findings.append(f"{text}, the provider has {expected[cell]}")

    def _check_other_hours(self, known: Collection[tuple[str, int]]) -> None:
        """What is stored outside the session is of minutes in which the provider had a trade."""
        with open_store(self._location) as store:
            stored = stored_bars(store, self._live, self._opens - _BEFORE_S, self._closes + _AFTER_S)
        if odd := [cell for cell in stored if cell not in known]:
            symbol, at = min(odd)
            text = f"{len(odd)} bars that the provider never had, such as {symbol} {(at - self._opens) // 60}"
            self._outcome.findings.append(f"{text} minutes after the open")

    def _check_backtest(self, live: KeepRecords, summary: RunSummary) -> None:
        kept, export = KeepRecords(), CsvExport(self._folder / "backtest", self._backtest)
        with open_store(self._location) as store:
            system = SystemManager(self._backtest, store, sinks=[kept, export])
            system.start()
            try:
                assert system.wait(LIMIT_S), "the backtest did not end"
            finally:
                system.stop(LIMIT_S)
            if system.error is not None:
                raise system.error
            other = system.summary()
            export.finish(other, system.metrics)
        findings = self._outcome.findings
        mine, theirs = summary.sessions[-1].digest, other.sessions[-1].digest
        if mine != theirs:
            findings.append(f"digests: {differences(live.records[-1].tape, kept.records[-1].tape)}")
        if summary.stamp != other.stamp:
            findings.append(f"stamp {summary.stamp}, of the backtest {other.stamp}")
        quoted = (_QUOTES_FILE,) if self._live.session_data_config.wants_quotes else ()
        for name in (*SAME_FILES, *quoted):
            if (self._folder / "live" / name).read_bytes() != (self._folder / "backtest" / name).read_bytes():
                findings.append(f"{name} differs")


def stored_bars(
    store: BarStore, config: SessionConfig, start: int, end: int
) -> dict[tuple[str, int], Values]:
    """Return what a store holds of a session file's symbols in `start <= opened_at < end`."""
    found: dict[tuple[str, int], Values] = {}
    for symbol in config.session_data_config.symbols:
        bars = store.read(symbol, MINUTE, start, end)
        columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        found |= {(symbol, at): row for at, row in zip(bars.opened_at.tolist(), rows, strict=True)}
    return found
