"""Campaign of live sessions: random faults of feeds, kills and restarts, by a clock by hand, in one thread.

`python -m tests.faults.live_sessions --runs 1000` runs some, `--first SEED` from another seed on,
`--seed SEED` one alone. At the end of each the tape's digest, and of one in ten the exported CSV
files, must equal those of a backtest of what the store holds; every bar that was sent is in the
journal, unless a kill took it before; no bar is asked for more often than allowed; a breakpoint
alerts once a slot at most. One in three has quotes: those that were sent add up to what is stored. One
in four has strategies: what they did before a kill stays, and they do what they do in the backtest if no
bar came after its slot was shown.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from itertools import product, zip_longest
from pathlib import Path
from random import Random
from typing import Any, Final

import numpy as np

from tapedeck.engine.broker.account_record import AccountRecord
from tapedeck.engine.clock.slots import SessionSlots, utc_from_epoch
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.export.csv_export import CsvExport
from tapedeck.engine.feeds.arrival_journal import ArrivalJournal, journal_path
from tapedeck.engine.feeds.arrivals import KINDS
from tapedeck.engine.feeds.fault_script import FaultScript, parse_fault_script
from tapedeck.engine.feeds.feed_bar import BarKind, FeedBar
from tapedeck.engine.feeds.feed_quote import FeedQuote
from tapedeck.engine.feeds.history_request import HistoryAnswer, HistoryPurpose, HistoryRequest
from tapedeck.engine.feeds.live_options import LiveOptions
from tapedeck.engine.feeds.scripted_market import ScriptedMarket
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.read.events import Event, EventKind
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.bar_grid import OPEN
from tapedeck.engine.tape.stamp import session_digest
from tapedeck.engine.tape.tape import Tape
from tests.faults.live_changes import JOINING, UNKNOWN, Requests, play_with
from tests.faults.live_quotes import Quote, QuoteMessage, calm_quotes, last_quotes, random_quotes
from tests.faults.live_world import HandFeed, HandWorld, KilledError, Told, one_thread
from tests.support.markets import open_new_store, random_bars
from tests.support.memory_store import MemoryStore
from tests.support.runs import KeepRecords

MOST_TRIES: Final = 3
_SYMBOLS: Final = ("AAA", "BBB", "CCC")
_CONDITIONS: Final = ("AAA.close crosses above AAA.sma_5", "BBB.rsi_5 < 45")
_SAME_FILES: Final = ("bars.csv", "indicators.csv", "quality.csv")
_TRADING: Final = {
    "trading_config": {"allow_short": True, "commission": {"per_share": 0.01}},
    "strategies": [
        {
            "name": "dips",
            "enter": "close < sma_5",
            "exit": "close > sma_5",
            "size": {"shares": 20},
        },
        {
            "name": "falls",
            "side": "short",
            "enter": "close crosses below vwap or AAA.rsi_5 < 40",
            "exit": "bars_held > 2",
            "size": {"cash": 900},
        },
    ],
}
_QUOTED: Final = {
    "dips": {"enter": "bid < sma_5", "exit": "ask > sma_5 or spread > 0.04"},
    "falls": {"enter": "bid crosses below vwap or BBB.spread < 0.02"},
}
"""Conditions of the strategies in sessions with quotes."""
_TRADES_EVERY: Final = 4
_QUOTES_EVERY: Final = 3
_PAST_DAYS: Final = 3
_CHANGES: Final = (0, 0, 2, 6)
"""Numbers of requests for symbols to join and leave in a run."""
_SQLITE_EVERY: Final = 5
"""One run in so many has a store of SQLite, the others one in memory."""


@dataclass(frozen=True, slots=True)
class Market:
    """An exchange, and the days that are recorded: of each the hours that make it short, or very short."""

    exchange: str
    hours: dict[str, tuple[dict[str, str], dict[str, str]]]


MARKETS: Final = {
    "early close": Market("XNYS", {"2013-11-29": ({"open": "12:36"}, {"open": "12:48"})}),
    "break": Market(
        "XTKS",
        {"2013-10-07": ({"open": "11:18", "close": "12:42"}, {"open": "11:24", "close": "12:37"})},
    ),
    "over midnight": Market(
        "24/7",
        {
            "2013-10-07": ({"open": "23:44"}, {"open": "23:53"}),
            "2013-10-08": ({"close": "00:13"}, {"close": "00:07"}),
        },
    ),
    "from the evening": Market(
        "US_FUTURES",
        {"2013-10-07": ({"open": "23:48", "close": "00:12"}, {"open": "23:54", "close": "00:06"})},
    ),
    "two days": Market(
        "XNYS",
        {
            "2013-12-02": ({"close": "09:48"}, {"close": "09:36"}),
            "2013-12-03": ({"open": "15:45"}, {"open": "15:53"}),
        },
    ),
}


@dataclass(frozen=True, slots=True)
class Template:
    """A store with the days before those that are recorded, and what is common to all runs of a market."""

    folder: Path
    memory: MemoryStore
    configs: dict[tuple[str, bool, bool], SessionConfig]
    """Session files by mode, `live` or `backtest`, and whether they have strategies, and quotes."""
    slots: tuple[SessionSlots, ...]


@dataclass(slots=True)
class Outcome:
    """Result of one run: what was counted, and what was found wrong."""

    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)


def main() -> int:
    """Run the campaign; exit code 1 with the findings if there are any."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--first", type=int, default=1, help="seed of the first run")
    parser.add_argument("--seed", type=int, help="run this seed alone")
    parser.add_argument("--short", action="store_true", help="sessions of 12 slots, not 25")
    options = parser.parse_args()
    seeds = [options.seed] if options.seed is not None else range(options.first, options.first + options.runs)
    began = time.process_time()
    with templates_of_markets(is_short=options.short) as templates:
        counts, findings = campaign(seeds, templates)
    for what, count in sorted(counts.items()):
        print(f"{what}: {count:,}", flush=True)  # noqa: T201
    print(f"{time.process_time() - began:.1f} s of processor time", flush=True)  # noqa: T201
    for finding in findings:
        print(f"FINDING {finding}", file=sys.stderr, flush=True)  # noqa: T201
    return 1 if findings else 0


@contextmanager
def templates_of_markets(*, is_short: bool) -> Iterator[dict[str, Template]]:
    """Give the templates of all markets, by name; `is_short`: sessions of about 12 slots, instead of 25."""
    with scratch() as folder:
        yield {name: template(folder / name, market, is_short=is_short) for name, market in MARKETS.items()}


def campaign(seeds: Sequence[int], templates: dict[str, Template]) -> tuple[Counter[str], list[str]]:
    """Run all seeds; return the counts, and the findings, each with its seed."""
    counts: Counter[str] = Counter()
    findings: list[str] = []
    with scratch() as folder:
        for seed in seeds:
            outcome = Run(seed, templates, folder / "run").outcome()
            counts += outcome.counts
            findings += [f"seed {seed}: {finding}" for finding in outcome.findings]
    return counts, findings


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a folder in memory, where there is one."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


def template(folder: Path, market: Market, *, is_short: bool) -> Template:
    """Make the store of a market, with bars of the days before those that are recorded."""
    folder.mkdir()
    document = {
        "session_name": "campaign",
        "exchange_group": market.exchange,
        "session_data_config": {
            "symbols": list(_SYMBOLS),
            "streams": ["1m", "5m", "1d"],
            "sessions": {day: hours[is_short] for day, hours in market.hours.items()},
            "gap_filler": {"max_retries": MOST_TRIES},
            "indicators": {
                "sma_5": {"type": "SMA", "interval": "1m", "timeperiod": 5},
                "rsi_5": {"type": "RSI", "interval": "5m", "timeperiod": 3},
                "vwap": {"type": "VWAP", "interval": "1m"},
            },
        },
    }
    days = sorted(date.fromisoformat(day) for day in market.hours)
    played = {"backtest_config": {"start_date": str(days[0]), "end_date": str(days[-1])}}
    modes = {"live": {**document, "mode": "live"}, "backtest": {**document, **played}}
    configs = {
        (mode, trades, quotes): _config_of(of_mode, trades=trades, quotes=quotes)
        for mode, of_mode in modes.items()
        for trades, quotes in product((False, True), repeat=2)
    }
    live = configs["live", False, False]
    calendar = TimeManager(live.exchange, changes=live.session_data_config.sessions)
    past = [calendar.get_previous_trading_date(days[0], n) for n in range(_PAST_DAYS, 0, -1)]
    before = [calendar.get_trading_session(day) for day in past]
    memory = MemoryStore(folder / "bars.db")
    with open_new_store(memory.location) as store:
        for number, symbol in enumerate((*_SYMBOLS, *JOINING)):
            labels = np.concatenate([SessionSlots(one, MINUTE).stored_labels[-60:] for one in before])
            bars = random_bars(labels, seed=number, missing=0.05)
            store.write(symbol, MINUTE, bars)
            memory.write(symbol, MINUTE, bars)
    slots = tuple(SessionSlots(calendar.get_trading_session(day), MINUTE) for day in days)
    return Template(folder, memory, configs, slots)


def _config_of(document: dict[str, Any], *, trades: bool, quotes: bool) -> SessionConfig:
    made = {**document, **(_TRADING if trades else {})}
    if quotes and trades:
        made["strategies"] = [one | _QUOTED[one["name"]] for one in _TRADING["strategies"]]
    if quotes:
        data = made["session_data_config"]
        made["session_data_config"] = {**data, "streams": [*data["streams"], "quotes"]}
    return parse_session_config(made, "campaign").config


class Run:
    """One random run of live sessions, from its seed."""

    def __init__(self, seed: int, templates: dict[str, Template], folder: Path) -> None:
        self._random = random = Random(seed)
        self._outcome = Outcome(seed)
        # Nights take long.
        weights = [1 if name == "two days" else 6 for name in templates]
        self._market = random.choices(list(templates), weights)[0]
        self._template = templates[self._market]
        self._slots = self._template.slots
        self._folder = folder
        self._location = folder / "bars.db"
        self._memory = self._template.memory.copy(self._location) if seed % _SQLITE_EVERY else None
        self._trades = seed % _TRADES_EVERY == 1
        self._decided: list[AccountRecord] = []  # before each kill
        self._corrected: list[Event] = []  # bars in which orders had filled
        self._conditions = random.choice((_CONDITIONS, (), ()))
        self._script = random_script(random, seed)
        self._bars = true_bars(random, self._slots)
        opens, closes = int(self._slots[0].opened_at[0]), int(self._slots[0].closed_at[-1])
        begun = opens - 90 if random.random() < 0.7 else random.uniform(opens, closes)
        self._world = HandWorld(random, start=begun, speed=random.choice((30.0, 120.0, 1200.0)))
        ends = int(self._slots[-1].closed_at[-1]) + 120
        self._kills = sorted(random.uniform(begun, ends) for _ in range(random.choice((0, 0, 0, 1, 3))))
        self._kept = KeepRecords()
        span = random.choice(_CHANGES)
        self._changes = sorted(random.uniform(begun, ends) for _ in range(span))
        # Between a kill at night and the next start, nothing tells which symbols were kept.
        self._requests = Requests(random, _SYMBOLS, keeps=not self._kills)
        self._sent: list[FeedBar] = []
        self._quotes: list[QuoteMessage] = []
        if seed % _QUOTES_EVERY == 2:
            # Not of the run's own source: runs with quotes are to be the same as without, but for these.
            self._quotes = random_quotes(Random(seed), self._slots, (*_SYMBOLS, *JOINING))
        self._sent_quotes: list[FeedQuote] = []
        self._told: list[Told] = []

    def calm(self, kills: int, *, has_quotes: bool = False) -> Run:
        """Return the run without faults of the feed and changes of symbols, but killed some times.

        `has_quotes`: with quotes that come as their slots are over.
        """
        opens, closes = int(self._slots[0].opened_at[0]), int(self._slots[0].closed_at[-1])
        self._script, self._changes, self._trades = parse_fault_script({}), [], True
        self._quotes = calm_quotes(self._random, self._slots, _SYMBOLS[:2]) if has_quotes else []
        self._world = HandWorld(self._random, start=opens - 90.0, speed=self._random.choice((1.0, 30.0)))
        self._kills = sorted(self._random.uniform(opens - 90, closes + 100) for _ in range(kills))
        return self

    def outcome(self) -> Outcome:
        """Run to the end, and compare; an error of the run is a finding."""
        logging.getLogger("tapedeck").setLevel(logging.CRITICAL)
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()
        if self._memory is None:
            shutil.copy(self._template.memory.location, self._location)
        self._count(self._market)
        try:
            while not self._live():
                self._count("kills")
            self._check_journal()
            self._check_quotes()
            self._check_reconciled()
            self._check_requests()
            self._check_breakpoints()
            self._check_changes()
            self._check_decided()
            if self._has_bars() and self._can_be_repeated():
                self._check_digests()
                if self._outcome.seed % 10 == 0:
                    self._check_exports()
        except Exception as error:  # noqa: BLE001 - it belongs to this seed
            traceback.print_exc()
            self._finding(f"{type(error).__name__}: {error}")
        return self._outcome

    def _opened(self) -> BarStore:
        return open_store(self._location) if self._memory is None else self._memory

    def _config(self, mode: str) -> SessionConfig:
        return self._template.configs[mode, self._trades, bool(self._quotes)]

    def _count(self, what: str, number: int = 1) -> None:
        self._outcome.counts[what] += number

    def _finding(self, text: str) -> None:
        self._outcome.findings.append(f"{self._market}: {text}")

    # The run

    def _live(self) -> bool:
        """Record until all days are over, or the process is killed; return whether all are."""
        world, told = self._world, Told()
        self._told.append(told)
        if self._kills:
            world.kill_at = world.at(self._kills.pop(0))
            world.kill_when = self._random.choice(KILL_PLACES)
        done = len(self._days_recorded())
        market = ScriptedMarket(self._bars, self._script, zone=self._slots[0].session.zone)
        world.feed = HandFeed(market, world, self._sent, self._quotes, self._sent_quotes)
        world.feed.refuses = frozenset([UNKNOWN])
        options = LiveOptions(
            world.feed,
            world.clock,
            journal_path(self._location),
            days=len(self._slots) - done,
            first_day=self._slots[done].session.trading_day,
        )
        with one_thread(world, told), self._opened() as store:
            system = SystemManager(self._config("live"), store, sinks=[self._kept], live=options)
            for condition in self._conditions:
                system.add_breakpoint(condition)
            self._requests.schedule(world, system, self._changes)
            try:
                system.start()
            except KilledError:
                self._note_corrections(system)
                account = system.account(self._slots[done].session.trading_day)
                if account is not None:
                    self._decided.append(account)
                recorder = world.recorder
                if recorder is not None:
                    for bar in recorder.unsaved():
                        if bar.kind not in (BarKind.HISTORY, BarKind.RECONCILED):
                            self._sent.remove(bar)
                    lost = len(recorder.unsaved_quotes())
                    del self._sent_quotes[len(self._sent_quotes) - lost :]
                    recorder.kill()
                pause = self._random.choice((0.0, 60.0, 400.0)) / world.speed
                world.restart(pause)
                return False
        self._note_corrections(system)
        if system.error is not None:
            raise system.error
        self._count("sessions", len(self._slots) - done)
        self._count("editions", sum(record.tape.edition for record in self._kept.records[done:]))
        return True

    def _note_corrections(self, system: SystemManager) -> None:
        self._corrected += [event for event in system.events() if event.kind is EventKind.CORRECTION]

    @property
    def _tapes(self) -> list[Tape]:
        return [record.tape for record in self._kept.records]

    @property
    def _always_there(self) -> frozenset[str]:
        """Symbols that never joined or left."""
        changed = {change.symbol for tape in self._tapes for change in tape.changes}
        return frozenset(_SYMBOLS) - changed

    def _days_recorded(self) -> list[date]:
        return [record.tape.session.trading_day for record in self._kept.records]

    def _has_bars(self) -> bool:
        """Whether every symbol has a bar: without, there is no backtest."""
        bounds = int(self._slots[0].stored_labels[0]), int(self._slots[-1].closed_at[-1])
        there = {symbol for symbol, _ in self._stored(*bounds)}
        self._count("without bars of a symbol", int(not there.issuperset(_SYMBOLS)))
        return there.issuperset(_SYMBOLS)

    def _can_be_repeated(self) -> bool:
        """Whether a backtest can make the same changes.

        It cannot pause at the open of a session that follows another one without a rest, and its store does
        not know a symbol that joined while the feed could not refuse it.
        """
        follows = [later for later in self._tapes[1:] if self._market == "over midnight"]
        at_open = any(change.frontier == 0 for tape in follows for change in tape.changes)
        unknown = any(change.symbol == UNKNOWN for tape in self._tapes for change in tape.changes)
        self._count("changes that a backtest cannot make", int(at_open or unknown))
        return not (at_open or unknown)

    # What must hold

    def _check_digests(self) -> None:
        kept = KeepRecords()
        with self._opened() as store:
            system = SystemManager(self._config("backtest"), store, sinks=[kept])
            play_with(system, self._tapes)
        if self._trades:
            self._check_account(kept.records[0].tape)
        for record in (*self._kept.records, *kept.records):
            record.tape.account = None  # the digest is that of the bars
        live = [session_digest(record.tape, record.frontier) for record in self._kept.records]
        expected = [session_digest(record.tape, record.frontier) for record in kept.records]
        for mine, other, one, two in zip(live, expected, self._kept.records, kept.records, strict=True):
            if mine != other:
                self._finding(f"{one.tape.session.trading_day}: {differences(one.tape, two.tape)}")

    def _check_journal(self) -> None:
        """Every bar that was sent is in the journal."""
        journalled: Counter[tuple[object, ...]] = Counter()
        with ArrivalJournal(journal_path(self._location)) as journal:
            for part in journal.arrivals(MINUTE, 0, 2**40):
                rows = zip(
                    part.symbols, part.opened_at.tolist(), *part.values.tolist(), part.kinds, strict=True
                )
                journalled.update((*row[:-1], KINDS[row[-1]]) for row in rows)
        there = self._always_there
        missing = Counter(tuple(bar) for bar in self._sent if bar.symbol in there) - journalled
        self._count("bars sent", len(self._sent))
        if missing:
            self._finding(f"{missing.total()} bars are not in the journal, such as {next(iter(missing))}")

    def _check_quotes(self) -> None:
        """The quotes that were sent of a session add up to what is stored of it."""
        there = self._always_there
        self._count("quotes sent", len(self._sent_quotes))
        for slots in self._slots if self._quotes else ():
            labels = frozenset(slots.stored_labels.tolist())
            sent = {
                key: one for key, one in last_quotes(self._sent_quotes, labels).items() if key[0] in there
            }
            stored: dict[tuple[str, int], Quote] = {}
            with self._opened() as store:
                for symbol in there:
                    quotes = store.quotes.read(symbol, MINUTE, min(labels), max(labels) + 1)
                    columns = (quotes.bid, quotes.ask, quotes.bid_size, quotes.ask_size)
                    rows = zip(*(column.tolist() for column in columns), strict=True)
                    stored |= {
                        (symbol, at): row for at, row in zip(quotes.opened_at.tolist(), rows, strict=True)
                    }
            self._count("quotes stored", len(stored))
            # As text, NaN is equal to NaN.
            if differing := [key for key in sent | stored if repr(sent.get(key)) != repr(stored.get(key))]:
                key = differing[0]
                self._finding(
                    f"{len(differing)} quotes: {key} stored {stored.get(key)}, sent {sent.get(key)}"
                )

    def _check_reconciled(self) -> None:
        """What a session's history had at its end is stored, but for corrections sent after the answer."""
        corrected = {tuple(bar[:7]) for bar in self._sent if bar.kind is BarKind.UPDATED}
        for slots in self._slots:
            start, end = int(slots.stored_labels[0]), int(slots.closed_at[-1])
            answer = self._reconciled(start)
            if answer is None:
                self._count("sessions not compared with history")
                continue
            stored = self._stored(start, end)
            for bar in answer.bars:
                if bar.symbol not in self._always_there:
                    continue
                found = stored.get(bar[:2])
                if found != bar[2:7] and (*bar[:2], *(found or ())) not in corrected:
                    self._finding(f"stored {found}, history {bar}")

    def _reconciled(self, start: int) -> HistoryAnswer | None:
        """Return the answer that the last recording of a session was compared with."""
        found = None
        for told in self._told:
            asked = [answer for request, answer in told.asked if _is_reconcile(request, start)]
            if asked:
                found = next((one for one in reversed(asked) if one is not None and one.error is None), None)
        return found

    def _stored(self, start: int, end: int) -> dict[tuple[str, int], tuple[float, ...]]:
        found: dict[tuple[str, int], tuple[float, ...]] = {}
        with self._opened() as store:
            for symbol in (*_SYMBOLS, *JOINING):
                bars = store.read(symbol, MINUTE, start, end)
                columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
                rows = zip(*(column.tolist() for column in columns), strict=True)
                found |= {(symbol, at): row for at, row in zip(bars.opened_at.tolist(), rows, strict=True)}
        return found

    def _check_requests(self) -> None:
        """No bar is asked for more often than allowed, since the last start."""
        for told in self._told:
            tries: Counter[tuple[str, int]] = Counter()
            for request, answer in told.asked:
                if request.purpose is HistoryPurpose.GAPS and answer is not None and answer.error is None:
                    self._count("requests for missing bars")
                    times = range(request.start, request.end, 60)
                    symbols = self._always_there.intersection(request.symbols)
                    tries.update((symbol, at) for symbol in symbols for at in times)
            if most := [cell for cell, count in tries.items() if count > MOST_TRIES]:
                self._finding(f"{len(most)} bars were asked for more than {MOST_TRIES} times: {most[0]}")

    def _check_breakpoints(self) -> None:
        """A breakpoint alerts once a slot, and of the final tape's hits all were told."""
        for told in self._told:
            self._count("breakpoints alerted", len(told.hits))
            self._count("breakpoints made true by corrections", len(told.corrected))
            hits = Counter([*told.hits, *told.corrected])
            if again := [hit for hit, count in hits.items() if count > 1]:
                self._finding(f"alerted more than once: {again[0]}")

    def _check_changes(self) -> None:
        """What joined and left stands in the journal; requests have their outcomes."""
        with ArrivalJournal(journal_path(self._location)) as journal:
            recorded = {day.trading_day: day for day in journal.days()}
        for tape in self._tapes:
            day = recorded[tape.session.trading_day]
            self._count("joins and leaves", len(tape.changes))
            if (day.changes, day.kept) != (tape.changes, tape.opening[len(_SYMBOLS) :]):
                self._finding(f"journal {day.changes}, tape {tape.changes}")
        for text in self._requests.refused():
            self._count(f"refused: {text.split(':')[0]}")

    def _check_decided(self) -> None:
        """What strategies did in the first session before a kill stays."""
        day, account = self._slots[0].session.trading_day, self._tapes[0].account
        if account is None:
            return
        if account.record.walked != len(self._tapes[0]):
            self._finding(f"{account.record.walked} slots were walked of {len(self._tapes[0])}")
        self._count("fills", len(account.record.fills))
        for before in self._decided:
            if before.day == day:
                self._count("fills before kills", len(before.fills))
                if did := _difference(before, account.record, before.walked):
                    self._finding(f"decided otherwise before slot {before.walked}: {did}")

        self._check_told(account.record)

    def _check_told(self, account: AccountRecord) -> None:
        """Of each fill at another price than the last open of its bar, an event tells."""
        tape = self._tapes[0]
        told = {(event.symbol, event.text.split()[3]) for event in self._corrected}
        for fill in account.fills:
            if fill.symbol not in self._always_there:
                continue
            if fill.price != tape.base.values[OPEN, tape.rows[fill.symbol], fill.slot]:
                self._count("fills at opens that were corrected")
                opened_at = utc_from_epoch(int(tape.slots.opened_at[fill.slot]))
                clock = f"{opened_at.astimezone(tape.session.zone):%H:%M}"
                if (fill.symbol, clock) not in told:
                    self._finding(f"not told that the bar of a fill was corrected: {fill}")

    def _check_account(self, backtest: Tape) -> None:
        """Strategies do in the first session what they do in its backtest, if no bar came too late."""
        tape = self._tapes[0]
        if tape.corrected is not None or tape.account is None or backtest.account is None:
            return
        if self._quotes and tape.edition:
            return  # by a late quote, perhaps
        self._count("accounts compared with the backtest")
        if did := _difference(backtest.account.record, tape.account.record, len(tape)):
            self._finding(f"the backtest does otherwise: {did}")

    def _check_exports(self) -> None:
        """The exported files of the recorded tapes are those of the backtest."""
        config = self._template.configs["backtest", False, bool(self._quotes)]
        live = CsvExport(self._folder / "live", config)
        for record in self._kept.records:
            live.write_session(record, session_digest(record.tape, record.frontier))
        other = CsvExport(self._folder / "backtest", config)
        with self._opened() as store:
            system = SystemManager(config, store, sinks=[other])
            play_with(system, self._tapes)
        for export in (live, other):
            export.finish(system.summary(), system.metrics)
        self._count("exports compared")
        for name in (*_SAME_FILES, *(["quotes.csv"] if self._quotes else [])):
            if (self._folder / "live" / name).read_bytes() != (self._folder / "backtest" / name).read_bytes():
                self._finding(f"{name} differs")


KILL_PLACES: Final = ("waiting", "before bars are shown", "before bars are stored")


def random_script(random: Random, seed: int) -> FaultScript:
    """Return a script with some kinds of faults, each at a random share."""
    shares: dict[str, float] = {}
    for name, most in _SHARES.items():
        if random.random() < 0.5:
            shares[name] = round(random.uniform(0, most), 4)
    return parse_fault_script(
        {"random": {"seed": seed, **shares}, "history_confirms_empty": random.random() < 0.5}
    )


_SHARES: Final = {
    "duplicate": 0.3,
    "reorder": 0.3,
    "late": 0.3,
    "early": 0.2,
    "corrected": 0.4,
    "missing": 0.4,
    "lost": 0.1,
    "history_late": 0.3,
    "history_differs": 0.3,
    "gap": 0.05,
    "disconnect": 0.05,
    "mute": 0.03,
    "history_fails": 0.2,
}


def true_bars(random: Random, sessions: Sequence[SessionSlots]) -> list[FeedBar]:
    """Return bars of all symbols for most slots, and of some minutes around each session."""
    bars: list[FeedBar] = []
    missing = random.choice((0.0, 0.0, 0.05, 0.3))
    minutes = {
        int(at)
        for slots in sessions
        for at in (
            *slots.opened_at,
            *(int(slots.opened_at[0]) - 60 * n for n in range(1, 4)),
            *(int(slots.closed_at[-1]) + 60 * n for n in range(3)),
        )
    }
    for symbol in (*_SYMBOLS, *JOINING):
        price = 50.0
        for at in sorted(minutes):
            price = round(price + random.randint(-9, 9) / 100, 2)
            if random.random() >= missing:
                high, low = price + random.randint(0, 5) / 100, price - random.randint(0, 5) / 100
                bars.append(FeedBar(symbol, at, price, high, low, price, random.randint(1, 9999) / 7))
    return bars


def _difference(one: AccountRecord, other: AccountRecord, frontier: int) -> str:
    """Return what differs between two accounts at a frontier, in words; "" for nothing."""
    mine, theirs = one.at(frontier), other.at(frontier)
    # Orders of symbols that left at the frontier may have been cancelled after it was told.
    orders = one.at(frontier - 1).orders, other.at(frontier - 1).orders
    for pair in (orders, (mine.fills, theirs.fills), (mine.trades, theirs.trades)):
        for first, second in zip_longest(*pair):
            if repr(first) != repr(second):
                return f"{first} is {second}"
    return "" if np.array_equal(mine.equity_so_far, theirs.equity_so_far) else "equity"


def _is_reconcile(request: HistoryRequest, start: int) -> bool:
    return request.purpose is HistoryPurpose.RECONCILE and request.start == start


def differences(one: Tape, two: Tape) -> str:
    """Return what differs between two tapes, in words."""
    found = []
    for interval in one.intervals:
        mine, other = one.grid(interval).values, two.grid(interval).values
        if mine.shape != other.shape:
            found.append(f"shape of {interval} {mine.shape} {other.shape}")
        elif mine.tobytes() != other.tobytes():
            at = np.argwhere(~((mine == other) | (np.isnan(mine) & np.isnan(other))))
            where = at[0].tolist() if len(at) else []
            first = tuple(where)
            found.append(f"{len(at)} values of {interval}, first at {where}: {mine[first]}, {other[first]}")
    for name, column in one.indicators.items():
        mine, other = column.values, two.indicators[name].values
        at = np.argwhere(~((mine == other) | (np.isnan(mine) & np.isnan(other))))
        if len(at):
            found.append(f"{len(at)} of {name}, first at {at[0].tolist()}")
    if one.quotes is not None and two.quotes is not None:
        for name in ("came", "values", "made"):
            mine, other = getattr(one.quotes, name), getattr(two.quotes, name)
            if not np.array_equal(mine, other, equal_nan=True):
                found.append(f"quotes: {name}")
    if one.scores is not None and two.scores is not None and not np.array_equal(one.scores, two.scores):
        found.append("scores")
    if not np.array_equal(one.prior_close.values, two.prior_close.values, equal_nan=True):
        found.append(f"prior close {one.prior_close.values} {two.prior_close.values}")
    return ", ".join(found) or "digest"


if __name__ == "__main__":
    sys.exit(main())
