"""Replays of the command line: a day of the past as a live session, over a store that stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tapedeck.console.cli.live_choice import REPLAY, REPLAY_SPEED, LiveChoice
from tapedeck.console.cli.live_session import LiveSession, live_interval, time_of
from tapedeck.console.cli.options import bad_option
from tapedeck.console.cli.replay_folder import KeptReplay, ReplayKey, remove_old_replays
from tapedeck.engine.clock.slots import SessionSlots, epoch_seconds
from tapedeck.engine.errors import DataMissingError
from tapedeck.engine.feeds.arrival_journal import journal_path
from tapedeck.engine.feeds.fault_script import load_fault_script
from tapedeck.engine.feeds.feed_context import FeedContext
from tapedeck.engine.feeds.live_options import LiveOptions, live_config_of
from tapedeck.engine.feeds.recorded_day_feed import (
    has_recorded,
    last_arrival,
    recorded_changes,
    recorded_day_feed,
    recorded_scans,
)
from tapedeck.engine.feeds.registry import make_feed
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.store.demo import DEMO_LIVE_DAY, DEMO_LIVE_TIME, demo_live_document, ensure_demo_market
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.store.overlay_store import OverlayStore
from tapedeck.engine.streams.stored_session import stored_days, stored_intervals

if TYPE_CHECKING:
    from tapedeck.console.cli.invocation import Invocation
    from tapedeck.engine.clock.live_clock import LiveClock
    from tapedeck.engine.clock.trading_session import TradingSession
    from tapedeck.engine.config import SessionConfig
    from tapedeck.engine.feeds.live_feed import LiveFeed
    from tapedeck.engine.intervals import Interval
    from tapedeck.engine.store.bar_store import BarStore
    from tapedeck.engine.tape.scan_records import ScanRecord
    from tapedeck.engine.tape.symbol_changes import SymbolChange

_DEMO: Final = Path("built-in-market")
_SYNTHETIC: Final = "synthetic"
_DELIVERY_S: Final = 0.5
"""Time for the last bar of a recorded day to come, in seconds of the machine."""


@contextmanager
def replay_session(
    invocation: Invocation, config: SessionConfig, choice: LiveChoice, session_file: Path
) -> Iterator[LiveSession]:
    """Open the replay of a day of a session file.

    Raises ConfigError, StoreError, DataMissingError, CalendarError or FeedError.
    """
    with ExitStack() as stack:
        stored = stack.enter_context(open_store(invocation.settings.store, read_only=True))
        interval = _interval(config, stored)
        day = choice.journal_day or choice.day or _last_day(config, interval, stored)
        replay = _Replay(invocation.folders.replays, config, stored, interval, choice, session_file, day)
        yield stack.enter_context(replay.opened(replay.opens, past_until=None))


@contextmanager
def demo_session(invocation: Invocation, choice: LiveChoice) -> Iterator[LiveSession]:
    """Open the day of the built-in market that is played as live; the market is made on first use.

    Raises as `replay_session`.
    """
    location = invocation.folders.demo_market
    if ensure_demo_market(location):
        invocation.terminal.remark(f"demo market created in {location}")
    config = parse_session_config(demo_live_document(), "demo market").config
    with ExitStack() as stack:
        stored = stack.enter_context(open_store(location, read_only=True))
        day = choice.journal_day or choice.day or DEMO_LIVE_DAY
        interval = _interval(config, stored)
        replay = _Replay(invocation.folders.replays, config, stored, interval, choice, None, day)
        begins = datetime.combine(day, DEMO_LIVE_TIME, replay.session.zone)
        start = epoch_seconds(begins) if choice.shows_demo else replay.opens
        # It is for showing: after the close it begins anew by itself.
        yield stack.enter_context(replay.opened(start, past_until=replay.closes))


class _Replay:
    """One replay: its session by the calendar, and what it needs to begin."""

    def __init__(
        self,
        root: Path,
        config: SessionConfig,
        stored: BarStore,
        interval: Interval,
        choice: LiveChoice,
        session_file: Path | None,
        day: date,
    ) -> None:
        self._root = root
        self._config = config
        self._stored = stored
        self._interval = interval
        self._choice = choice
        self._file = session_file
        self._day = day
        self._symbols = config.session_data_config.symbols
        self.session: TradingSession = time_of(config).get_trading_session(day)
        self.opens = epoch_seconds(self.session.regular_open)
        self.closes = epoch_seconds(self.session.regular_close)

    @contextmanager
    def opened(self, start: float, *, past_until: float | None) -> Iterator[LiveSession]:
        """Yield the session; its clock shows `start`, unless an earlier replay goes on."""
        remove_old_replays(self._root)
        choice = self._choice
        with ExitStack() as stack:
            kept = KeptReplay(self._root, self._key(), anew=choice.restarts, past_until=past_until)
            stack.enter_context(kept)
            clock = kept.begin(start, choice.speed, REPLAY_SPEED)
            feed, config = self._feed(clock), self._config_to_the_end(clock.speed)
            top = stack.enter_context(open_store(kept.bars, create=True))
            overlay = OverlayStore(self._stored, top, cutoff=self.opens, cutoff_day=self._day)
            journal = journal_path(kept.bars)
            seen = self._seen()
            live = LiveOptions(feed, clock, journal, choice.days or 1, self._day, *seen)
            config = live_config_of(config, live, time_of(config, clock))
            note = _SYNTHETIC if self._file is None else ""
            yield LiveSession(config, overlay, live, kept.folder, kept, self._stored, self._file, note)

    def _key(self, source: str | None = None) -> ReplayKey:
        source = source or self._choice.source
        return ReplayKey(self._file or _DEMO, source, self._stored.location, self._day)

    def _feed(self, clock: LiveClock) -> LiveFeed:
        if self._choice.journal_day is not None:
            return recorded_day_feed(self._journal(), self._day, self._interval, self._symbols, clock)
        self._check_stored()
        faults, times = self._choice.faults, time_of(self._config, clock)
        script = None if faults is None else load_fault_script(faults)
        context = FeedContext(self._config, self._interval, clock, times, self._stored, self.opens, script)
        return make_feed(REPLAY, context)

    def _seen(self) -> tuple[tuple[str, ...], tuple[SymbolChange, ...], tuple[ScanRecord, ...] | None]:
        """Return how the symbols of a recorded day that is played differ from the file's, and its scans."""
        if self._choice.journal_day is None:
            return (), (), None
        wanted = self._journal(), self._day, self._interval, self._symbols
        return *recorded_changes(*wanted), recorded_scans(*wanted)

    def _config_to_the_end(self, speed: float) -> SessionConfig:
        """Return the session file, for a recorded day with a close that waits for its last arrival."""
        config = self._config
        if self._choice.journal_day is None:
            return config
        last = last_arrival(self._journal(), self._day, self._interval, self._symbols)
        waits = config.live_config
        longest = max(waits.reconcile_within_seconds, last - self.closes + 1 + speed * _DELIVERY_S)
        return config.model_copy(
            update={"live_config": waits.model_copy(update={"reconcile_within_seconds": longest})}
        )

    def _journal(self) -> Path:
        """Return the journal with the day: that of the store, else that of a kept replay."""
        own = journal_path(self._stored.location)
        of_replay = journal_path(KeptReplay.bars_of(self._root, self._key(REPLAY)))
        wanted = self._day, self._interval, self._symbols
        return of_replay if not has_recorded(own, *wanted) and has_recorded(of_replay, *wanted) else own

    def _check_stored(self) -> None:
        slots = [SessionSlots(self.session, self._interval)]
        data = DataManager(self._stored)
        first, last = stored_days(self._symbols, self._interval, self._config.exchange, self._stored)
        if any(data.first_session_with_bars(symbol, slots) is not None for symbol in self._symbols):
            self._check_days(last)
            return
        raise DataMissingError(
            f"no {self._interval} bars of {self._day} to replay in {self._stored.location}: the symbols are "
            f"stored from {first} to {last}. Choose a day of these with --date.",
            symbols=self._symbols,
            interval=str(self._interval),
        )

    def _check_days(self, last: date) -> None:
        """Refuse more days than are stored: the others would be recorded without a bar."""
        wanted, count, day, time = self._choice.days or 1, 1, self._day, time_of(self._config)
        while count < wanted and day < last:
            day, count = time.get_next_trading_date(day), count + 1
        if count < wanted:
            message = f"bars are stored up to {last}: from {self._day} on, at most {count}."
            raise bad_option("--days", wanted, message)


def _interval(config: SessionConfig, stored: BarStore) -> Interval:
    """Return the interval to play."""
    return live_interval(config, stored_intervals(config.session_data_config.symbols, stored))


def _last_day(config: SessionConfig, interval: Interval, stored: BarStore) -> date:
    """Return the last stored trading day of the file's symbols."""
    return stored_days(config.session_data_config.symbols, interval, config.exchange, stored)[1]
