"""Live runs for tests: a stored day as a feed, by a scaled clock, recorded into an overlay."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from threading import Lock

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.clock.slots import epoch_seconds
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.feeds.arrival_journal import journal_path
from tapedeck.engine.feeds.fault_script import FaultScript
from tapedeck.engine.feeds.live_feed import LiveFeed
from tapedeck.engine.feeds.live_options import LiveOptions
from tapedeck.engine.feeds.replay_feed import ReplayFeed
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.store.overlay_store import OverlayStore
from tapedeck.engine.system import SystemManager
from tests.support.runs import LIMIT_S, KeepRecords

SPEED = 40_000.0


class HeldWatch:
    """Real seconds since the beginning, which stand still at `limit` until it is raised; for any thread.

    What a test does while they stand takes no time of the market, however busy the machine is.
    """

    def __init__(self) -> None:
        self._lock = Lock()  # guards the next three
        self._limit, self._shown, self._read_at = math.inf, 0.0, time.monotonic()

    def __call__(self) -> float:
        """Return the seconds."""
        with self._lock:
            return self._read()

    def hold_at(self, limit: float) -> None:
        """Go on, at most to `limit` seconds."""
        with self._lock:
            self._read()
            self._limit = limit

    def _read(self) -> float:
        now = time.monotonic()
        self._shown = max(self._shown, min(self._shown + now - self._read_at, self._limit))
        self._read_at = now
        return self._shown


@dataclass
class Replay:
    """A day of a store, replayed into an overlay in `folder`; `begins_s`: clock start after the open."""

    config: SessionConfig
    base: Path
    folder: Path
    day: date
    speed: float = SPEED
    begins_s: float = -600.0
    top: str = "top.db"
    script: FaultScript | None = None
    days: int = 1
    clock: LiveClock = field(init=False)

    def __post_init__(self) -> None:
        session = TimeManager(self.config.exchange).get_trading_session(self.day)
        self.opens = epoch_seconds(session.regular_open)
        self.zone = session.zone
        self.first_day: date | None = self.day
        self.closes = epoch_seconds(session.regular_close)
        self.starts = self.opens + self.begins_s
        self._watch = HeldWatch()
        self.clock = LiveClock(
            speed=self.speed, start=self.starts, anchor=0.0, wall=self._watch, monotonic=self._watch
        )

    def hold_at(self, instant: float) -> None:
        """Let the market's clock go on to an instant, seconds UTC, and stand still there."""
        self._watch.hold_at((instant - self.starts) / self.speed)

    def play_out(self, system: SystemManager) -> None:
        """Let a run take all its slots before the waits of its close go by, and wait for its end.

        At the speed of a test these are some milliseconds, in which a busy machine may not deliver anything.
        """
        self.hold_at(self.closes + 150)  # its last bars are due, and those that never come were waited for
        reach(system, (self.closes - self.opens) // 60)
        self.hold_at(math.inf)
        assert system.wait(LIMIT_S)

    @contextmanager
    def system(self, feed: LiveFeed | None = None) -> Iterator[tuple[SystemManager, KeepRecords]]:
        """Yield a run that is not started, with its records; it is stopped at the end."""
        cutoff = self.opens - 4 * 3600
        with (
            open_store(self.base, read_only=True) as base,
            open_store(self.folder / self.top, create=True) as top,
        ):
            overlay = OverlayStore(base, top, cutoff=cutoff, cutoff_day=self.day)
            replay = ReplayFeed(
                base,
                self.clock,
                MINUTE,
                self.script,
                first=cutoff,
                zone=self.zone,
                has_quotes=self.config.session_data_config.wants_quotes,
            )
            journal = journal_path(self.folder / self.top)
            options = LiveOptions(feed or replay, self.clock, journal, self.days, first_day=self.first_day)
            kept = KeepRecords()
            system = SystemManager(self.config, overlay, sinks=[kept], tape_cache_bytes=2**26, live=options)
            try:
                yield system, kept
            finally:
                system.stop(LIMIT_S)


def reach(system: SystemManager, frontier: int) -> None:
    """Wait until a run has shown `frontier` slots of its session."""
    assert system.wait_for(lambda: system.snapshot().frontier >= frontier, LIMIT_S)
