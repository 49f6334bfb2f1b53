"""Campaign of replays as live: stored days through the replay feed with all threads, under random faults.

`python -m tests.faults.live_replays --runs 1000` runs some, `--first SEED` from another seed on,
`--seed SEED` one alone. A run records an overlay over a store at 5,000 to 100,000 times real
rhythm; some are stopped on the way, and started again. At the end of each, the tape's digest equals
that of a backtest of what the overlay holds, and no thread is left.
"""

from __future__ import annotations

import argparse
import logging
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random
from typing import Any, Final

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.feeds.fault_script import FaultScript
from tapedeck.engine.feeds.live_options import LiveOptions
from tapedeck.engine.feeds.replay_feed import ReplayFeed
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.store.overlay_store import OverlayStore
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.stamp import session_digest
from tests.faults.live_sessions import differences, random_script, scratch
from tests.support.markets import fill_store, open_new_store
from tests.support.runs import KeepRecords

_SYMBOLS: Final = ("AAA", "BBB", "CCC")
_LIMIT_S: Final = 120.0
_SPEEDS: Final = (5_000.0, 20_000.0, 20_000.0, 100_000.0)
# The exchange, the day, its hours if they are changed, and where the store begins.
_DAYS: Final[dict[str, tuple[str, str, dict[str, str], str]]] = {
    "whole day": ("XNYS", "2013-10-07", {}, "2013-10-02"),
    "early close": ("XNYS", "2013-11-29", {}, "2013-11-25"),
    "break": ("XTKS", "2013-10-07", {"open": "10:30", "close": "13:30"}, "2013-10-02"),
    "from the evening": ("US_FUTURES", "2013-10-07", {"open": "23:00", "close": "01:00"}, "2013-10-03"),
}


@dataclass(frozen=True, slots=True)
class Day:
    """A stored day that is replayed: its store, the session file, and the time from which it is replayed."""

    name: str
    store: Path
    live: SessionConfig
    backtest: SessionConfig
    slots: SessionSlots

    @property
    def cutoff(self) -> int:
        return int(self.slots.opened_at[0]) - 3 * 3600


def main() -> int:
    """Run the campaign; exit code 1 with the findings if there are any."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--first", type=int, default=1, help="seed of the first run")
    parser.add_argument("--seed", type=int, help="run this seed alone")
    options = parser.parse_args()
    seeds = [options.seed] if options.seed is not None else range(options.first, options.first + options.runs)
    began = time.monotonic()
    counts, findings = campaign(seeds)
    for what, count in sorted(counts.items()):
        print(f"{what}: {count:,}", flush=True)  # noqa: T201
    print(f"{time.monotonic() - began:.0f} s", flush=True)  # noqa: T201
    for finding in findings:
        print(f"FINDING {finding}", file=sys.stderr, flush=True)  # noqa: T201
    return 1 if findings else 0


def campaign(seeds: Sequence[int], names: Sequence[str] = tuple(_DAYS)) -> tuple[Counter[str], list[str]]:
    """Run all seeds over the named days; return the counts, and the findings, each with its seed."""
    logging.getLogger("tapedeck").setLevel(logging.CRITICAL)
    counts: Counter[str] = Counter()
    findings: list[str] = []
    with scratch() as folder:
        days = [stored_day(folder / name.replace(" ", "-"), name) for name in names]
        for seed in seeds:
            try:
                found = replay(seed, days, folder / f"run-{seed}", counts)
            except Exception as error:  # noqa: BLE001 - it belongs to this seed
                traceback.print_exc()
                found = f"{type(error).__name__}: {error}"
            if found:
                findings.append(f"seed {seed}: {found}")
                print(f"FINDING seed {seed}: {found}", flush=True)  # noqa: T201
    return counts, findings


def stored_day(folder: Path, name: str) -> Day:
    """Store some days of a market, the last of which is replayed."""
    exchange, day, hours, first = _DAYS[name]
    folder.mkdir()
    document: dict[str, Any] = {
        "session_name": "replay",
        "exchange_group": exchange,
        "session_data_config": {
            "symbols": list(_SYMBOLS),
            "streams": ["1m", "5m", "1d"],
            "sessions": {day: hours} if hours else {},
            "indicators": {
                "sma": {"type": "SMA", "interval": "1m", "timeperiod": 20},
                "rsi": {"type": "RSI", "interval": "5m", "timeperiod": 14},
                "vwap": {"type": "VWAP", "interval": "1m"},
            },
        },
    }
    played = {"backtest_config": {"start_date": day, "end_date": day}}
    backtest = parse_session_config({**document, **played}, "replay").config
    live = parse_session_config({**document, "mode": "live"}, "replay").config
    store = folder / ("bars" if name == "break" else "bars.db")
    with open_new_store(store) as opened:
        fill_store(opened, _SYMBOLS, first, day, exchange=backtest.exchange, missing=0.02)
    calendar = TimeManager(live.exchange, changes=live.session_data_config.sessions)
    slots = SessionSlots(calendar.get_trading_session(date.fromisoformat(day)), MINUTE)
    return Day(name, store, live, backtest, slots)


def replay(seed: int, days: Sequence[Day], folder: Path, counts: Counter[str]) -> str:
    """Replay one day as live, and compare; return what differs, "" if nothing does."""
    random = Random(seed)
    day = random.choice(days)
    script = random_script(random, seed)
    folder.mkdir()
    counts[day.name] += 1
    opens = int(day.slots.opened_at[0])
    start = opens - 60 if random.random() < 0.7 else random.uniform(opens, int(day.slots.closed_at[-1]))
    speed, anchor = random.choice(_SPEEDS), time.time()
    stops = sorted(random.uniform(0.05, 1.0) for _ in range(random.choice((0, 0, 1, 2))))
    kept = KeepRecords()
    while True:
        clock = LiveClock(speed=speed, start=start, anchor=anchor)
        if _recorded(day, script, clock, folder, kept, stops.pop(0) if stops else None):
            break
        counts["stopped and started again"] += 1
    record = kept.records[-1]
    counts["editions"] += record.tape.edition
    if not record.tape.base.present.any(axis=1).all():
        counts["without bars of a symbol: no backtest"] += 1
        return ""
    with _overlay(day, folder) as overlay:
        system = SystemManager(day.backtest, overlay, sinks=[kept])
        system.start()
        assert system.wait(_LIMIT_S), "the backtest did not end"
        if system.error is not None:
            raise system.error
    left = [thread.name for thread in threading.enumerate() if thread.name.startswith("tapedeck")]
    if left:
        return f"{day.name}: threads are left: {left}"
    other = kept.records[-1]
    if session_digest(record.tape, record.frontier) != session_digest(other.tape, other.frontier):
        return f"{day.name}: {differences(record.tape, other.tape)}"
    return ""


def _recorded(
    day: Day, script: FaultScript, clock: LiveClock, folder: Path, kept: KeepRecords, stop_after: float | None
) -> bool:
    """Record until the day is over, or for some seconds; return whether it is over."""
    zone = day.slots.session.zone
    with open_store(day.store, read_only=True) as base, _overlay(day, folder) as overlay:
        feed = ReplayFeed(base, clock, MINUTE, script, first=day.cutoff, zone=zone)
        options = LiveOptions(
            feed, clock, folder / "top.db.arrivals", first_day=day.slots.session.trading_day
        )
        system = SystemManager(day.live, overlay, sinks=[kept], live=options)
        system.start()
        try:
            ended = system.wait(_LIMIT_S if stop_after is None else stop_after)
            assert ended or stop_after is not None, f"not over: {system.snapshot().live}"
        finally:
            system.stop()
        if system.error is not None:
            raise system.error
        return ended


def _overlay(day: Day, folder: Path) -> OverlayStore:
    return OverlayStore(
        open_store(day.store, read_only=True),
        open_store(folder / "top.db", create=True),
        cutoff=day.cutoff,
        cutoff_day=day.slots.session.trading_day,
    )


if __name__ == "__main__":
    sys.exit(main())
