"""SystemManager: builds, starts and stops the parts of a run, and returns consistent snapshots of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import cached_property
from itertools import chain
from pathlib import Path
from threading import Event as ThreadEvent
from typing import ClassVar

from tapedeck.engine.broker.account_record import AccountRecord, SessionAccount
from tapedeck.engine.clock.slots import epoch_seconds
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.conditions import Condition, NumberedConditions, Vocabulary
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.errors import ConfigError, ConfigProblem, EngineError, unknown_name_with_hint
from tapedeck.engine.export.manifest import Manifest
from tapedeck.engine.export.partial_export import Records, export_played, with_current, write_state
from tapedeck.engine.feeds.live_options import LiveOptions, live_config_of
from tapedeck.engine.feeds.reconciliation import Lacking
from tapedeck.engine.intervals import Interval
from tapedeck.engine.metrics.performance import PerformanceMetrics
from tapedeck.engine.read.day_scans import DayScans
from tapedeck.engine.read.earlier_bars import EarlierBars
from tapedeck.engine.read.events import Event, EventKind, EventLog
from tapedeck.engine.read.explain.decision_explanation import DecisionExplanation
from tapedeck.engine.read.explain.decisions import DecisionReader
from tapedeck.engine.read.explain.explain import explain
from tapedeck.engine.read.explain.explanation import Explanation
from tapedeck.engine.read.moments import Moment, MomentCount
from tapedeck.engine.read.opening_values import OpeningValues
from tapedeck.engine.read.snapshot import Breakpoint, BreakpointHit, RunSummary, Snapshot
from tapedeck.engine.read.status import RunState
from tapedeck.engine.read.strategy_status import StrategyStatus
from tapedeck.engine.run.current_record import current_record
from tapedeck.engine.run.earlier_bars import EarlierBarsReader
from tapedeck.engine.run.earlier_sessions import EarlierSessions
from tapedeck.engine.run.joining import JoiningSymbols
from tapedeck.engine.run.live_plan import live_plan, market_time, with_daily_warning, with_feed_warning
from tapedeck.engine.run.live_run import LiveSetup
from tapedeck.engine.run.messages import (
    Mark,
    Message,
    Pause,
    Resume,
    RunTo,
    RunUntil,
    SetSpeed,
    Step,
    Stop,
    Wake,
)
from tapedeck.engine.run.moment_search import MomentSearch, Place, Progress
from tapedeck.engine.run.opening_reader import OpeningReader
from tapedeck.engine.run.past_breakpoints import hits_of
from tapedeck.engine.run.recomputed_symbols import put_others
from tapedeck.engine.run.render_priority import RenderPriority
from tapedeck.engine.run.run_reports import RunReports
from tapedeck.engine.run.scan_once import ScanTime, scan_once
from tapedeck.engine.run.scan_setup import ScanSetup, scan_setup
from tapedeck.engine.run.session_coordinator import SessionCoordinator
from tapedeck.engine.run.session_feed import LOAD_TIMEOUT_S
from tapedeck.engine.run.session_loader import SessionLoader
from tapedeck.engine.run.session_recompute import complete_record, recomputed_sessions
from tapedeck.engine.run.session_recorder import RECORDING_S
from tapedeck.engine.run.session_starts import SessionStarts
from tapedeck.engine.run.set_breakpoints import SetBreakpoints
from tapedeck.engine.run.strategy_setup import (
    StrategySetup,
    rule_vocabulary,
    strategy_setup,
    vocabulary_of,
)
from tapedeck.engine.run.symbol_requests import SymbolRequest, carry_out
from tapedeck.engine.run.tape_cache import MEMORY_BYTES, TapeCache
from tapedeck.engine.run.transport import checked_speed
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.strategies.from_config import definitions_of, terms_of
from tapedeck.engine.strategies.strategy_walk import StrategyError
from tapedeck.engine.streams.requirements import StreamRequirements
from tapedeck.engine.streams.stream_plan import StreamPlan
from tapedeck.engine.tape.played_session import PlayedSession
from tapedeck.engine.tape.scan_records import ScanRecord
from tapedeck.engine.tape.session_data import SessionData
from tapedeck.engine.tape.session_record import SessionRecord, SessionSink
from tapedeck.engine.tape.symbol_changes import SymbolChange
from tapedeck.engine.tape.tape import Tape
from tapedeck.engine.universe.scanner_manager import ScannerStatus

log = logging.getLogger(__name__)


class SystemManager:
    """One run of one session file over one store.

    Commands may be given from any thread, at any moment; they take effect between blocks, a pause within
    50 ms. `sinks` receive each session as it ends. `tape_cache_bytes`: memory for ended sessions, which
    `tape_cache` then returns; None: no cache. The store belongs to the caller, and stays open.
    `render_priority` makes the engine's threads yield for some milliseconds while a frame renders; no result
    depends on it. With `live` the run records bars of a feed into the store, in the market's time; it cannot
    be paused, and its breakpoints alert.
    """

    TAPE_CACHE_BYTES: ClassVar[int] = MEMORY_BYTES
    """What is enough for `tape_cache_bytes`, as a rule."""

    def __init__(
        self,
        config: SessionConfig,
        store: BarStore,
        *,
        sinks: Sequence[SessionSink] = (),
        tape_cache_bytes: int | None = None,
        load_timeout_s: float = LOAD_TIMEOUT_S,
        live: LiveOptions | None = None,
    ) -> None:
        self._live = live
        self.time = TimeManager(
            config.exchange,
            changes=config.session_data_config.sessions,
            wall_clock=None if live is None else market_time(live.clock),
        )
        self.config = config if live is None else live_config_of(config, live, self.time)
        self.session_data = SessionData()
        self.metrics = PerformanceMetrics()
        self.render_priority = RenderPriority()
        self._data = DataManager(store, between=self.render_priority.yield_to_rendering)
        self.tape_cache = (
            None if tape_cache_bytes is None else TapeCache(self._recomputed_records, tape_cache_bytes)
        )
        # The cache comes first: if an export fails, the day can still be viewed and exported again.
        self._sinks: tuple[SessionSink, ...] = (
            *(() if self.tape_cache is None else (self.tape_cache,)),
            *sinks,
        )
        self._events = EventLog()
        self._breakpoints = SetBreakpoints(self._send_if_running, lambda: self._present_symbols)
        self._store = store
        self._tape_cache_bytes = tape_cache_bytes
        self._load_timeout_s = load_timeout_s
        self._plan: StreamPlan | None = None
        self._scanning: ScanSetup | None = None
        self._strategies: StrategySetup | None = None
        self._coordinator: SessionCoordinator | None = None

    def renewed(
        self,
        make_sinks: Callable[[], Sequence[SessionSink]] = tuple,
        config: SessionConfig | None = None,
    ) -> SystemManager:
        """Return another run over the same store, not started yet, with the breakpoints set now.

        `config`: the session file as it is now; None for the same. Raises as `prepare`, before its sinks are
        made, and EngineError if it records a live session.
        """
        self._require_playback("restarted")
        again = SystemManager(
            self.config if config is None else config,
            self._store,
            tape_cache_bytes=self._tape_cache_bytes,
            load_timeout_s=self._load_timeout_s,
        )
        for known in self.breakpoints():
            again.add_breakpoint(known.text, enabled=known.enabled, may_wait=True)
        again.prepare()
        again._sinks = (*again._sinks, *make_sinks())
        return again

    # Life

    def prepare(self) -> StreamPlan:
        """Check the file against the store and the calendar, and return the plan, without starting the run.

        Raises ConfigError, CalendarError or DataMissingError.
        """
        if self._plan is None:
            plan = self._planned()
            self._scanning = scan_setup(
                self.config,
                plan,
                self.time,
                self._data,
                self.metrics,
                wake=lambda: self._send_if_running(Wake()),
                arriving=None if self._live is None else self._live.feed.abilities.intervals,
            )
            if self._scanning is not None:
                plan = replace(plan, warnings=(*plan.warnings, *self._scanning.warnings))
            self._strategies = strategy_setup(self.config, plan)
            self._plan = plan
            for line in (*plan.notes, *plan.warnings):
                log.info("%s", line)
        return self._plan

    def _planned(self) -> StreamPlan:
        requirements = StreamRequirements(self.config, self.time, self._data)
        if self._live is not None:
            plan = live_plan(requirements, self._live.feed, self.config.session_name)
            return with_daily_warning(with_feed_warning(plan, self._live), self._data)
        if self.config.mode == "live":
            problem = ConfigProblem("mode", "live", "cannot be played from a store.", "backtest")
            raise ConfigError(self.config.session_name, [problem])
        return requirements.plan()

    def start(self, *, paused: bool = False) -> None:
        """Start the run, optionally paused at the first open; EngineError if it was started before."""
        if self._coordinator is not None:
            raise EngineError("this run was started before: create a new SystemManager to run again")
        plan = self.prepare()
        backtest = self.config.backtest_config
        if backtest is None:
            raise EngineError("a run needs backtest_config")
        coordinator = SessionCoordinator(
            plan,
            SessionLoader(plan, self._data, checks=True),
            self.session_data,
            self.time,
            self.metrics,
            speed=checked_speed(backtest.speed_multiplier),
            prefetch_days=backtest.prefetch_days,
            starts=self._starts,
            earlier_values=self.earlier_sessions.values,
            joining=self.joining,
            historical_quality=self.config.session_data_config.historical.enable_quality,
            breakpoints=self._breakpoints.messages(),
            events=self._events,
            sinks=self._sinks,
            load_timeout_s=self._load_timeout_s,
            render_priority=self.render_priority,
            live=None if self._live is None else LiveSetup(self._live, self.config, self._store),
            scans=self._scanning,
            strategies=self._strategies,
        )
        self._coordinator = coordinator
        self.session_data.commands = self
        coordinator.start(paused=paused and self._live is None)

    def stop(self, timeout: float = 60.0) -> None:
        """Stop the run and wait until every thread has ended; safe to call twice, or before start.

        Searches in other threads that are reading earlier sessions for a condition end with CancelledError.
        EngineError if that takes longer than `timeout` seconds.
        """
        if self._coordinator is None:
            return
        self._coordinator.send(Stop())
        self.earlier_sessions.values.interrupt()
        self.joining.interrupt()
        if not self.wait(timeout):
            raise EngineError(
                f"the run did not stop within {timeout:g} s; its threads: {self._thread_names()}"
            )

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the run and its threads to end; return whether they have."""
        if self._coordinator is None:
            return True
        return self._coordinator.join(timeout)

    def wait_for(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Wait until a condition is true, checked after each change of the run; return whether it is."""
        return self._running().wait_for(condition, timeout)

    # Commands

    def pause(self) -> None:
        """Pause at the current slot; EngineError in a live run."""
        self._require_playback("paused")
        self._running().send(Pause())

    def resume(self) -> None:
        """Continue to play; EngineError in a live run."""
        self._require_playback("paused")
        self._running().send(Resume())

    def step(self, slots: int = 1) -> None:
        """Play a number of slots, then pause; at the close it continues with the next session."""
        self._require_playback("stepped")
        if slots < 1:
            raise EngineError(f"invalid step count {slots}: it must be at least 1")
        self._running().send(Step(slots))

    def set_speed(self, speed: float) -> None:
        """Set the speed: a multiple of real time, or 0 for maximum speed."""
        self._require_playback("played at another speed")
        self._running().send(SetSpeed(checked_speed(speed)))

    def run_to(self, instant: datetime) -> None:
        """Play until the clock is at or past an instant (zone-aware), and pause at exactly that slot."""
        self._require_playback("run to a time")
        if instant.tzinfo is None:
            raise EngineError(f"{instant} has no time zone: use a zone-aware instant")
        now = self.snapshot().clock
        if now is not None and instant <= now:
            raise EngineError(
                f"{instant.isoformat()} is not after the clock, {now.isoformat()}: a run only goes forward"
            )
        self._running().send(RunTo(epoch_seconds(instant)))

    def run_until(self, text: str) -> None:
        """Play until a condition becomes true, and pause there; pauses on the way do not end it.

        Another `run_until` or `run_to` replaces it. It is not listed among the breakpoints. ConditionError
        gives the fault in the text.
        """
        self._require_playback("run to a condition")
        self._running().send(RunUntil(self._parsed(text)))

    # Symbols that join and leave

    def add_symbol(self, symbol: str, *, keep: bool = False) -> SymbolChange:
        """Have a stored symbol join the current session, and return what changed and when.

        `keep`: the following sessions begin with it, too. It is there once this returns, as if it had been
        from the open. For any thread but the run's own. DataMissingError if the store has no bars of the base
        interval for it; EngineError if it is there already, the run is over, or it takes too long.
        """
        request = SymbolRequest(joining=(self.joining.stored_name(symbol),), keep=keep)
        return self._carried_out(request)

    def remove_symbol(self, symbol: str) -> SymbolChange:
        """Have a symbol leave the current session, and return what changed and when.

        The next session begins with it again if the file has it. EngineError if it is not there, if it is the
        last one, or the run is over.
        """
        return self._carried_out(SymbolRequest(leaving=(symbol,)))

    def joinable_symbols(self) -> tuple[str, ...]:
        """Return the stored symbols with bars of the base interval that are not in the session, sorted."""
        is_loaded = self.session_data.tape is not None
        there = frozenset(self.session_data.get_active_symbols() if is_loaded else self.prepare().symbols)
        return tuple(symbol for symbol in self.joining.known_symbols() if symbol not in there)

    @cached_property
    def joining(self) -> JoiningSymbols:
        """What loads symbols that join."""
        arriving = () if self._live is None else self._live.feed.abilities.intervals
        return JoiningSymbols(self.config, self.prepare(), self.time, self._data, arriving=arriving)

    def _carried_out(self, request: SymbolRequest) -> SymbolChange:
        coordinator = self._running()

        def send(request: SymbolRequest) -> None:
            coordinator.send(request)
            if self.state.is_over:  # it may not take it any more
                request.fail(EngineError("the run is over: symbols join and leave while it plays"))

        [change] = carry_out(request, send, self.joining.load, lambda: coordinator.send(Wake()))
        return change

    def mark(self) -> ThreadEvent:
        """Return an event that is set once all commands sent before have taken effect; not after the end."""
        reached = ThreadEvent()
        self._running().send(Mark(reached))
        return reached

    # Scanners

    def scanners(self) -> tuple[ScannerStatus, ...]:
        """Return the state of each scanner of the file, in its order; empty before the start."""
        return () if self._coordinator is None else self._coordinator.scans.status()

    def scans(self, trading_day: date) -> tuple[ScanRecord, ...]:
        """Return what the scanners of a session have found so far, in the order of their runs."""
        return () if self._coordinator is None else self._coordinator.scans.days.get(trading_day, ())

    def scan_once(
        self,
        trading_day: date,
        at: ScanTime | None = None,
        *,
        on_progress: Callable[[str], None] = lambda text: None,
    ) -> DayScans:
        """Run the file's scanners on a day, at one moment or by their schedules, without starting the run.

        Runs in the caller's thread; see `scan_once` in `engine/run/scan_once.py` for what it raises.
        """
        return scan_once(self.config, self._store, trading_day, at, on_progress=on_progress)

    # Strategies

    def account(self, trading_day: date) -> AccountRecord | None:
        """Return what the strategies did in a session, as far as they walked; None without strategies."""
        analysis = None if self._coordinator is None else self._coordinator.analysis
        return None if analysis is None else analysis.days.get(trading_day)

    def strategies(self) -> tuple[StrategyStatus, ...]:
        """Return the status of each strategy of the file, in its order; cheap."""
        tape, error = self.session_data.tape, self.error
        record = None if tape is None or tape.account is None else tape.account.record
        frontier = 0 if tape is None else tape.frontier
        failed = error.strategy if isinstance(error, StrategyError) else None
        return tuple(
            StrategyStatus.of(
                strategy.name,
                "rule" if strategy.strategy is None else "class",
                record,
                frontier,
                str(error) if strategy.name == failed else None,
            )
            for strategy in self.config.strategies
        )

    def explain_decisions(
        self, symbol: str, frontier: int | None = None, *, session: SessionData | None = None
    ) -> tuple[DecisionExplanation, ...]:
        """Return what each strategy decided for a symbol at the close of the slot before a frontier, and why.

        `frontier`: up to the clock, by default there. `session`: an earlier one, from `recompute_session`.
        Empty without strategies. EngineError for an unknown symbol, and before the first session.
        """
        tape = (session or self.session_data).require_tape()
        at = tape.frontier if frontier is None else max(0, min(frontier, tape.frontier))
        return self._decisions.explain(tape.lineage.at_frontier(at), symbol, at)

    def find_entry(
        self,
        strategy: str,
        symbol: str | None = None,
        place: Place | None = None,
        *,
        backwards: bool = False,
        on_progress: Progress = lambda day, done, total: None,
        cancelled: Callable[[], bool] = bool,
    ) -> Moment | None:
        """Return the nearest moment after a place, or before it, where an entry rule became true, or None.

        `symbol`: None for all of the strategy's; `Moment.symbols` has those for which it became true. It is
        the rule alone, also where the strategy could not enter. Otherwise as `find_moment`. EngineError for
        an unknown strategy or symbol, and for a class.
        """
        if symbol is not None and symbol not in (known := self.vocabulary().symbols):
            raise EngineError(unknown_name_with_hint("symbol", symbol, known))
        entries = self._decisions.entries(strategy, symbol)
        search = self._moment_search(on_progress, cancelled)
        return (search.find_previous if backwards else search.find_next)(entries, place)

    # Breakpoints and bookmarks

    def vocabulary(self) -> Vocabulary:
        """Return the words that a condition may use in this run.

        The symbols are those of the file, and those that have joined the run so far, also if they left.
        """
        plan, coordinator = self.prepare(), self._coordinator
        days = () if coordinator is None else coordinator.symbols.days.values()
        symbols = tuple(dict.fromkeys(chain(plan.symbols, *(day.symbols for day in days))))
        return replace(vocabulary_of(plan), symbols=symbols, account=bool(self.config.strategies))

    def add_breakpoint(self, text: str, *, enabled: bool = True, may_wait: bool = False) -> Breakpoint:
        """Pause when a condition such as `SPY.rsi_14 < 30` becomes true; may be called at any moment.

        During a session it is checked from the next slot on. `enabled`: False for one that is switched on
        later. `may_wait`: symbols of the store that have not joined are allowed, and it waits for them.
        ConditionError gives the fault in the text and its position.
        """
        return self._breakpoints.add(self._parsed(text, may_wait=may_wait), enabled=enabled)

    def remove_breakpoint(self, number: int) -> None:
        """Delete a breakpoint; EngineError for an unknown number."""
        self._breakpoints.remove(number)

    def enable_breakpoint(self, number: int, enabled: bool) -> None:
        """Switch a breakpoint on, from the next slot on, or off; EngineError for an unknown number."""
        self._breakpoints.enable(number, enabled)

    def breakpoints(self) -> tuple[Breakpoint, ...]:
        """Return the breakpoints that are set, in the order of their numbers, also those switched off."""
        coordinator = self._coordinator
        return self._breakpoints.listed(() if coordinator is None else coordinator.breakpoints.listed)

    def conditions(self) -> NumberedConditions:
        """Return the conditions of the breakpoints that are switched on, by number."""
        return self._breakpoints.conditions()

    def find_moment(
        self,
        text: str,
        place: Place | None = None,
        *,
        backwards: bool = False,
        on_progress: Progress = lambda day, done, total: None,
        cancelled: Callable[[], bool] = bool,
    ) -> Moment | None:
        """Return the nearest moment after a place, or before it, where a condition became true, or None.

        `place`: a trading day and a frontier, which itself is not searched; None: the start of the run, or
        backwards its present. A condition becomes true as for a breakpoint that is set from the start on.
        Only what was played is searched. Runs in the caller's thread; a session that must be recomputed takes
        some milliseconds, up to half a second for 500 symbols. `cancelled` ends the search, with None. Raises
        ConditionError, EngineError if the run has no tape cache, ExportError if the store has changed since.
        """
        condition = self._parsed(text)
        search = self._moment_search(on_progress, cancelled)
        return (search.find_previous if backwards else search.find_next)(condition, place)

    def count_moments(
        self,
        text: str,
        *,
        on_progress: Progress = lambda day, done, total: None,
        cancelled: Callable[[], bool] = bool,
    ) -> MomentCount | None:
        """Return how often and where a condition became true in all that was played; None if cancelled.

        Runs and raises as `find_moment`.
        """
        return self._moment_search(on_progress, cancelled).count(self._parsed(text))

    def past_hits(self, session: PlayedSession, conditions: NumberedConditions) -> tuple[BreakpointHit, ...]:
        """Return where conditions, as of `conditions`, would have stopped a session as far as it was played.

        A symbol that joined counts from the open, one that left up to then.
        Runs in the caller's thread: some milliseconds, or more where they read earlier sessions. Raises
        StoreError if the store cannot be read.
        """
        begun_at = self._starts.frontier(session.tape)
        return hits_of(conditions, session.tape.whole(), session.frontier, begun_at=begun_at)

    def add_bookmark(
        self, text: str = "", frontier: int | None = None, *, session: PlayedSession | None = None
    ) -> Event:
        """Bookmark a frontier of the current session, by default the current one; return the event.

        `session`: an earlier session of this run.
        """
        session = session or self.session_data.played()
        if session is None:
            raise EngineError("no bookmark possible before the first session starts")
        if frontier is not None and not 0 <= frontier <= session.frontier:
            raise EngineError(f"invalid slot {frontier} for a bookmark: use 0 to {session.frontier}")
        return self._events.add(EventKind.BOOKMARK, text or "bookmark", frontier=frontier, session=session)

    # Reading

    def events(self) -> tuple[Event, ...]:
        """Return the events of the run, in the order of the session clock.

        A gap that has ended keeps its number and gets a new text. Until an event changes, the same tuple
        object is returned.
        """
        return self._events.events()

    def unlisted_gaps(self) -> int:
        """Return how many older gaps were dropped from `events`, which keeps the latest few thousand."""
        return self._events.unlisted_gaps()

    def explain(
        self,
        symbol: str,
        name: str,
        frontier: int | None = None,
        *,
        interval: Interval | None = None,
        session: SessionData | None = None,
    ) -> Explanation:
        """Return the derivation of a number of the current session, at a frontier up to the clock.

        `name`: an indicator, a historical indicator, a bar field (of `interval`, or of the base interval),
        `last`, a figure of the day, `quality`, `missing` or `gaps`. `session`: an earlier one, from
        `recompute_session`.
        EngineError if the session does not have that name.
        """
        data = session or self.session_data
        load = self.joining.history_of
        return explain(self.prepare(), data, symbol, name, frontier=frontier, interval=interval, load=load)

    def recompute_session(self, trading_day: date) -> SessionData:
        """Recompute an earlier session of the run, and return it with the history before it.

        Explanations need that history; a tape alone lacks it. Runs in the caller's thread: some milliseconds,
        up to half a second for 500 symbols. EngineError if the run has no tape cache, ExportError if the day
        was not played or the store has changed since, StoreError if the store cannot be read.
        """
        if self.tape_cache is None:
            raise EngineError("earlier sessions cannot be explained: this run has no tape cache")
        self.tape_cache.require_played(trading_day)
        data = next(self._recomputed(trading_day, trading_day))
        tape = data.require_tape()
        tape.frontier = self.tape_cache.verified_frontier(tape)
        return data

    @cached_property
    def earlier_sessions(self) -> EarlierSessions:
        """Sessions before any day of the run, computed on request; the run continues."""
        return EarlierSessions(
            self.config, self.prepare(), self._data, self.render_priority.yield_to_rendering, self._whole_tape
        )

    def opening_values(self, trading_day: date, others: Sequence[str] = ()) -> OpeningValues:
        """Return the last indicator values of the session before a day of the run, and its pre-market.

        Of the file's symbols, and of those there at the end of that session; or of `others` alone, symbols
        that joined.

        Runs in the caller's thread, as long as a recompute if the session before is not in memory; the run
        continues. CalendarError for a day without a session, StoreError if the store cannot be read,
        ExportError if the session before was played and the store has changed since.
        """
        reader = self._opening_reader
        return reader.of_others(trading_day, others) if others else reader.of(trading_day)

    def session_in_memory_before(self, trading_day: date) -> PlayedSession | None:
        """Return the session before a day of the run, also before its first, if it is in memory, else None.

        Returns at once.
        """
        cache = self.tape_cache
        day = None if cache is None else cache.before(trading_day)
        if cache is not None and day is not None:
            return cache.cached(day)
        tape = self.earlier_sessions.in_memory_before(trading_day)
        return None if tape is None else PlayedSession(tape)

    def bars_before(
        self, trading_day: date, symbol: str, interval: Interval, candles: int
    ) -> tuple[EarlierBars, ...]:
        """Return about `candles` bars of a symbol from the sessions before a day, oldest first.

        Below a day one part per session, at least that of the session before; else one part in all. Read from
        the store in the caller's thread; the run continues. Raises StoreError if it cannot be read.
        """
        return EarlierBarsReader(self.prepare(), self._data, self.time).before(
            trading_day, symbol, interval, candles
        )

    @cached_property
    def _opening_reader(self) -> OpeningReader:
        return OpeningReader(
            self.prepare(),
            self._data,
            self.time,
            self.earlier_sessions,
            self.joining,
            self.tape_cache,
            lambda: self._coordinator is None or self.wait_until_recorded(RECORDING_S),
        )

    @property
    def state(self) -> RunState:
        """State of the run."""
        return RunState.STOPPED if self._coordinator is None else self._coordinator.state

    @property
    def mode(self) -> str:
        """`backtest` or `live`."""
        return self.config.mode

    @property
    def error(self) -> Exception | None:
        """The error that ended the run, in state `error`; else None."""
        return None if self._coordinator is None else self._coordinator.error

    def snapshot(self) -> Snapshot:
        """Return a consistent snapshot of the run; cheap."""
        return self._reports.snapshot(self._coordinator, self.breakpoints())

    def export_csv(self, folder: Path) -> Manifest:
        """Write the sessions played so far into a folder, as an export at the end of the run does.

        The current session is included as far as it is computed. EngineError if the run has no tape cache,
        ExportError if a session cannot be recomputed or the folder cannot be written.
        """
        return export_played(folder, self.config, self._played(), self.summary(), self.metrics)

    def export_json(self, path: Path) -> None:
        """Write the current state as the session.json of an export; raises as `export_csv`."""
        write_state(path, self.config, self._played(), self.summary())

    def _played(self) -> Records:
        """Yield the ended sessions, once all are recorded, and the current one."""
        if self.tape_cache is None:
            raise EngineError("earlier sessions cannot be exported: this run has no tape cache")
        coordinator = self._running()
        coordinator.recorder.require_ready()
        # If a session could not be recorded, the export ends before it, so that it has no hole.
        is_next = len(self.tape_cache.days()) >= coordinator.position
        current = current_record(self.session_data, coordinator) if is_next else None
        return with_current(self.tape_cache.records(), current)

    def lacking(self) -> Lacking | None:
        """Return what the last session of a live run lacked at its end; None before, and in a backtest."""
        live = None if self._coordinator is None else self._coordinator.live
        return None if live is None else live.lacking

    def wait_until_recorded(self, timeout: float) -> bool:
        """Wait until all ended sessions have been recorded, and return whether they have.

        Recording goes on while the next session plays. False also if the recorder ended early.
        """
        return self._running().recorder.wait_until_ready(timeout)

    def summary(self) -> RunSummary:
        """Return the run's summary; complete after the run, empty before its start."""
        summary = self._reports.summary(self._coordinator)
        scanning, strategies = self._scanning, self._strategies
        parameters = {one.name: one.parameters for one in self.config.strategies}
        if strategies is not None:
            parameters |= strategies.walk.parameters
        return replace(
            summary,
            scanner_code={} if scanning is None else dict(scanning.manager.code_hashes),
            strategy_code={} if strategies is None else dict(strategies.walk.code_hashes),
            strategy_parameters={name: values for name, values in parameters.items() if values},
        )

    # Internal

    def _require_playback(self, done: str) -> None:
        if self._live is not None:
            raise EngineError(f"a live session cannot be {done}: it goes on with the market")

    def _running(self) -> SessionCoordinator:
        if self._coordinator is None:
            raise EngineError("the run has not been started")
        return self._coordinator

    def _send_if_running(self, message: Message) -> None:
        if self._coordinator is not None:
            self._coordinator.send(message)

    def _recomputed_records(self, first: date, last: date) -> Iterator[SessionRecord]:
        return map(complete_record, self._recomputed(first, last))

    def _recomputed(self, first: date, last: date) -> Iterator[SessionData]:
        """Recompute some of the run's sessions; the run continues."""
        return recomputed_sessions(
            self.prepare(),
            self._data,
            first,
            last,
            historical_quality=self.config.session_data_config.historical.enable_quality,
            cancelled=self._yield_and_continue,
            earlier=self.earlier_sessions.values.before,
            complete=self._complete_session,
        )

    def _complete_session(self, session_data: SessionData) -> None:
        """Give a recomputed session the symbols that joined and left, and its account."""
        tape = session_data.require_tape()
        account = self.account(tape.session.trading_day)
        tape.account = None if account is None else SessionAccount(account)
        days = {} if self._coordinator is None else self._coordinator.symbols.days
        symbols = days.get(tape.session.trading_day)
        if symbols is not None:
            put_others(session_data, symbols, self.joining)

    def _whole_tape(self, trading_day: date) -> Tape | None:
        """Return the tape of a day that was played to its close, if it is in memory, in the file's rows."""
        tape = None if self.tape_cache is None else self.tape_cache.whole_tape(trading_day)
        return None if tape is None or tape.symbols != self.prepare().symbols or tape.changes else tape

    def _yield_and_continue(self) -> bool:
        self.render_priority.yield_to_rendering()
        return False

    def _parsed(self, text: str, *, may_wait: bool = False) -> Condition:
        if may_wait:
            return Condition.parse_waiting(text, self.vocabulary(), self.joining.known_symbols)
        return Condition.parse(text, self.vocabulary())

    @property
    def _present_symbols(self) -> Container[str]:
        """The symbols of the current session, between two sessions those of the file."""
        tape = self.session_data.tape
        return self.prepare().symbols if tape is None else tape.rows

    def _moment_search(self, on_progress: Progress, cancelled: Callable[[], bool]) -> MomentSearch:
        if self.tape_cache is None:
            raise EngineError("earlier sessions cannot be searched: this run has no tape cache")
        tape = self.session_data.tape
        if self._coordinator is not None:
            self._coordinator.recorder.require_ready()  # of the session before this tape

        def is_cancelled() -> bool:
            self.render_priority.yield_to_rendering()
            return cancelled()

        return MomentSearch(
            self.tape_cache,
            None if tape is None else (tape, min(tape.frontier, tape.processed)),
            first_frontier=self._starts.frontier,
            on_progress=on_progress,
            cancelled=is_cancelled,
        )

    @cached_property
    def _decisions(self) -> DecisionReader:
        words = rule_vocabulary(self.config, self.prepare())
        return DecisionReader(definitions_of(self.config), terms_of(self.config), words)

    @cached_property
    def _starts(self) -> SessionStarts:
        return SessionStarts(self.config, self.prepare())

    @cached_property
    def _reports(self) -> RunReports:
        return RunReports(self.config, self.prepare(), self.time, self.session_data, self.metrics)

    def _thread_names(self) -> str:
        return ", ".join(f"{status.name} {status.state.value}" for status in self.snapshot().threads)
