"""Live sessions of the command line: the store, feed, clock and journal of a recording."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tapedeck.console.cli.live_choice import JOURNAL, REPLAY_SPEED, LiveChoice
from tapedeck.console.cli.opening_times import next_session_text
from tapedeck.console.cli.replay_folder import KeptReplay, ReplayKey, remove_old_replays
from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.clock.slots import epoch_seconds, utc_from_epoch
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.config import LoadedConfig, SessionConfig
from tapedeck.engine.errors import DataMissingError, NotTradingError
from tapedeck.engine.feeds.arrival_journal import journal_path
from tapedeck.engine.feeds.fault_script import load_fault_script
from tapedeck.engine.feeds.feed_context import FeedContext
from tapedeck.engine.feeds.live_options import LiveOptions
from tapedeck.engine.feeds.recorded_day_feed import recorded_day_feed
from tapedeck.engine.feeds.registry import feed_names, make_feed
from tapedeck.engine.intervals import MINUTE, SECOND, WEEK, Interval
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.store.demo import DEMO_LIVE_DAY, DEMO_LIVE_TIME, demo_live_document, ensure_demo_market
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.store.overlay_store import OverlayStore
from tapedeck.engine.streams.base_interval import choose_base
from tapedeck.engine.streams.stored_session import stored_days, stored_intervals

if TYPE_CHECKING:
    from tapedeck.console.cli.invocation import Invocation
    from tapedeck.engine.clock.trading_session import TradingSession
    from tapedeck.engine.feeds.live_feed import LiveFeed
    from tapedeck.engine.store.bar_store import BarStore

_LIVE_BASES: Final = frozenset({SECOND, MINUTE})
_DEMO: Final = Path("built-in-market")


@dataclass(frozen=True, slots=True)
class LiveSession:
    """What is needed for a recording. `replay`: the kept replay, None for a feed in real time."""

    config: SessionConfig
    store: BarStore
    live: LiveOptions
    recorded_in: Path
    replay: KeptReplay | None = None
    session_file: Path | None = None
    note: str = ""

    def heading(self) -> str:
        """Return what is recorded, and where, in a line."""
        live, name = self.live, self.config.session_name
        if self.replay is None:
            return f"{name}: recording from {live.feed.name} into {self.recorded_in}"
        speed = f"x{live.clock.speed:g}"
        return f"{name}: {live.feed.name} of {live.first_day} at {speed}, recorded in {self.recorded_in}"

    def check_trading(self) -> None:
        """Raise NotTradingError, with the next session, if the market is closed at the clock's time."""
        time = time_of(self.config, self.live.clock)
        now = time.get_current_time()
        session = time.get_trading_session(time.get_trading_date(now))
        if now < session.regular_open:
            raise NotTradingError(
                f"the market is closed: {next_session_text(session.trading_day, session.regular_open, now)}"
            )


@contextmanager
def live_session(
    invocation: Invocation, loaded: LoadedConfig, choice: LiveChoice, session_file: Path
) -> Iterator[LiveSession]:
    """Open what a session file records: by a feed in real time, or a replay.

    Raises ConfigError, StoreError, DataMissingError, CalendarError or FeedError.
    """
    name = choice.feed_for(loaded, feed_names())
    config, location = loaded.config, invocation.settings.store
    if choice.is_replay(name):
        with _replay(invocation, config, location, choice, session_file) as session:
            yield session
        return
    with open_store(location, create=True) as store:
        clock = LiveClock()
        context = FeedContext(config, live_interval(config), clock, time_of(config, clock))
        live = LiveOptions(make_feed(name, context), clock, journal_path(location), choice.days)
        yield LiveSession(config, store, live, location, session_file=session_file)


@contextmanager
def demo_live_session(invocation: Invocation, choice: LiveChoice) -> Iterator[LiveSession]:
    """Open the day of the built-in market that is played as live; the market is made on first use."""
    choice.feed_for(None, feed_names())
    location = invocation.folders.demo_market
    if ensure_demo_market(location):
        invocation.terminal.remark(f"demo market created in {location}")
    config = parse_session_config(demo_live_document(), "demo market").config
    with _replay(invocation, config, location, choice, None) as session:
        yield session


@contextmanager
def _replay(
    invocation: Invocation,
    config: SessionConfig,
    location: Path,
    choice: LiveChoice,
    session_file: Path | None,
) -> Iterator[LiveSession]:
    with ExitStack() as stack:
        stored = stack.enter_context(open_store(location, read_only=True))
        interval = replay_interval(config, stored)
        day = choice.journal_day or choice.day or (_last_day(config, interval, stored) if session_file else DEMO_LIVE_DAY)
        session = TimeManager(config.exchange, changes=config.session_data_config.sessions).get_trading_session(day)
        opens, closes = epoch_seconds(session.regular_open), epoch_seconds(session.regular_close)
        root = invocation.folders.replays
        remove_old_replays(root)
        key = ReplayKey(session_file or _DEMO, choice.source, location, day)
        is_demo = session_file is None
        # The built-in market is for showing: after its close it begins anew by itself.
        kept = stack.enter_context(
            KeptReplay(root, key, anew=choice.restarts, past_until=closes if is_demo else None)
        )
        clock = kept.begin(_start(session, day) if is_demo else opens, choice.speed, REPLAY_SPEED)
        if choice.journal_day is not None:
            journal = _journal_of(key, root, location, day)
            feed: LiveFeed = recorded_day_feed(journal, day, config.session_data_config.symbols, interval, clock)
        else:
            _check_stored(config, session, interval, stored)
            script = None if choice.faults is None else load_fault_script(choice.faults)
            context = FeedContext(config, interval, clock, time_of(config, clock), stored, opens, script)
            feed = make_feed(choice.source, context)
        top = stack.enter_context(open_store(kept.bars, create=True))
        overlay = OverlayStore(stored, top, cutoff=opens, cutoff_day=day)
        live = LiveOptions(feed, clock, journal_path(kept.bars), 1, day)
        yield LiveSession(config, overlay, live, kept.folder, kept, session_file, note=kept.note)
