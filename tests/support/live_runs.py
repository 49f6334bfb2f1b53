"""Live runs for tests: a stored day as a feed, by a scaled clock, recorded into an overlay."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

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
        self.clock = LiveClock(speed=self.speed, start=self.opens + self.begins_s)

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
