"""Live session of the command line: the session file, store, feed, clock and journal of a recording."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tapedeck.console.cli.live_choice import LiveChoice
from tapedeck.console.cli.opening_times import next_session_text
from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.config import LoadedConfig, SessionConfig
from tapedeck.engine.errors import NotTradingError
from tapedeck.engine.feeds.arrival_journal import journal_path
from tapedeck.engine.feeds.feed_context import FeedContext
from tapedeck.engine.feeds.live_options import LiveOptions, live_config_of
from tapedeck.engine.feeds.registry import make_feed
from tapedeck.engine.intervals import MINUTE, SECOND, WEEK, Interval
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.streams.base_interval import Stored, choose_base

if TYPE_CHECKING:
    from tapedeck.console.cli.batch import Outcome
    from tapedeck.console.cli.invocation import Invocation
    from tapedeck.console.cli.replay_folder import KeptReplay
    from tapedeck.engine.store.bar_store import BarStore

_LIVE_BASES: Final = frozenset({SECOND, MINUTE})


@dataclass(frozen=True, slots=True)
class LiveSession:
    """What a recording needs. `config`: the session file in mode live, with the days to record.

    `recorded_in`: where its bars go; `replay`, `replayed`: the kept folder of a replay and the store that it
    plays, None for a feed in real time; `session_file`: None for the built-in market; `note`: of the session
    bar.
    """

    config: SessionConfig
    store: BarStore
    live: LiveOptions
    recorded_in: Path
    replay: KeptReplay | None = None
    replayed: BarStore | None = None
    session_file: Path | None = None
    note: str = ""

    def heading(self) -> str:
        """Return what is recorded, and where, in a line."""
        live, name = self.live, self.config.session_name
        if self.replay is None:
            return f"{name}: recording from feed {live.feed.name} into {self.recorded_in}"
        speed = f"x{live.clock.speed:,g}"
        return f"{name}: {live.feed.name} of {live.first_day} at {speed}, kept in {self.recorded_in}"

    def continuation(self, outcome: Outcome) -> str:
        """Return where an unfinished recording is, as a line; "" after one that came to its end."""
        if outcome.summary.complete or outcome.error is not None:
            return ""
        return f"what was recorded is in {self.recorded_in}; the same command goes on"

    def note_end(self, outcome: Outcome) -> None:
        """Note the end of a recording: a replay that was recorded to its end begins anew next time."""
        if self.replay is not None and outcome.summary.complete:
            self.replay.finish()

    def check_trading(self) -> None:
        """Raise NotTradingError, with the next session, if the market is closed at the clock's time."""
        time = time_of(self.config, self.live.clock)
        now = time.get_current_time()
        session = time.get_trading_session(time.get_trading_date(now))
        if now < session.regular_open:
            following = next_session_text(session.trading_day, session.regular_open, now)
            raise NotTradingError(f"the market is closed: {following}.")


@contextmanager
def feed_session(
    invocation: Invocation, loaded: LoadedConfig, choice: LiveChoice, name: str, session_file: Path
) -> Iterator[LiveSession]:
    """Open what a feed records in real time; the store is made if there is none.

    Raises StoreError, DataMissingError or FeedError.
    """
    config, location = loaded.config, invocation.settings.store
    with open_store(location, create=True) as store:
        clock = LiveClock()
        context = FeedContext(config, live_interval(config), clock, time_of(config, clock))
        live = LiveOptions(make_feed(name, context), clock, journal_path(location), choice.days)
        recorded = live_config_of(config, live, time_of(config, clock))
        yield LiveSession(recorded, store, live, location, session_file=session_file)


def live_interval(config: SessionConfig, stored: Stored | None = None) -> Interval:
    """Return the interval of the bars to record: the coarsest that makes all of the file's.

    `stored`: what there is to play, by symbol; None for what feeds have. DataMissingError if there is none.
    """
    data = config.session_data_config
    requested = [*data.streams, *(item.interval for item in data.indicators.values())]
    available = stored or dict.fromkeys(data.symbols, _LIVE_BASES)
    # Weeks are history: no session has their bars.
    return choose_base([interval for interval in requested if interval != WEEK], data.symbols, available)


def time_of(config: SessionConfig, clock: LiveClock | None = None) -> TimeManager:
    """Return the calendar of a session file, with the time of a live clock."""
    changes = config.session_data_config.sessions
    if clock is None:
        return TimeManager(config.exchange, changes=changes)

    def now() -> datetime:
        return datetime.fromtimestamp(clock.now(), UTC)

    return TimeManager(config.exchange, wall_clock=now, changes=changes)
