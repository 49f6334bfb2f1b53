"""Session coordinator: the thread that sets up, plays and ends each session; only it moves the clock."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from queue import Empty, SimpleQueue
from threading import Condition as Signal
from threading import Thread
from typing import Any

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.errors import EngineError, TapedeckError
from tapedeck.engine.feeds.recorder_messages import Arrived, QuotesArrived
from tapedeck.engine.metrics.performance import Count, PerformanceMetrics
from tapedeck.engine.read.events import EventKind, EventLog
from tapedeck.engine.read.snapshot import BreakpointHit
from tapedeck.engine.read.status import RunState
from tapedeck.engine.run.analysis_engine import AnalysisEngine
from tapedeck.engine.run.breakpoints import Breakpoints
from tapedeck.engine.run.data_processor import DataProcessor
from tapedeck.engine.run.data_quality_manager import DataQualityManager
from tapedeck.engine.run.earlier_values import EarlierValueCache
from tapedeck.engine.run.joining import JoiningSymbols
from tapedeck.engine.run.live_alerts import LiveBreakpoints
from tapedeck.engine.run.live_player import LivePlayer
from tapedeck.engine.run.live_run import LiveRun, LiveSetup
from tapedeck.engine.run.live_walk import LiveWalk
from tapedeck.engine.run.messages import (
    AddBreakpoint,
    AnswerRecorded,
    EnableBreakpoint,
    LiveReport,
    Mark,
    Message,
    Pause,
    RemoveBreakpoint,
    Resume,
    RunTo,
    RunUntil,
    SetSpeed,
    Step,
    Stop,
    Wake,
    WorkerFailed,
)
from tapedeck.engine.run.render_priority import RenderPriority
from tapedeck.engine.run.scan_setup import ScanSetup
from tapedeck.engine.run.session_checks import SessionChecks
from tapedeck.engine.run.session_feed import LOAD_TIMEOUT_S, SessionFeed
from tapedeck.engine.run.session_loader import LoadedSession, SessionLoader
from tapedeck.engine.run.session_player import SessionPlayer
from tapedeck.engine.run.session_recorder import SessionRecorder
from tapedeck.engine.run.session_scans import NoScans, SessionScans
from tapedeck.engine.run.session_setup import complete_tape, extend_history, install_session
from tapedeck.engine.run.session_starts import SessionStarts
from tapedeck.engine.run.strategy_setup import StrategySetup
from tapedeck.engine.run.symbol_changer import SymbolChanger
from tapedeck.engine.run.symbol_requests import SymbolRequest
from tapedeck.engine.run.transport import Transport
from tapedeck.engine.run.worker import Worker
from tapedeck.engine.streams.stream_plan import StreamPlan
from tapedeck.engine.tape.earlier_values import EarlierNeed
from tapedeck.engine.tape.session_data import SessionData
from tapedeck.engine.tape.session_record import SessionRecord, SessionSink

log = logging.getLogger(__name__)

# Time for a thread to end: first without, then with its work cancelled.
_JOIN_S = 1.0
_JOIN_CANCELLED_S = 30.0


class _StopRequestedError(Exception):
    """Interrupts the coordinator's wait when the run is to stop."""


class SessionCoordinator:
    """Plays the sessions of a plan. Made by SystemManager; `send` takes commands from any thread.

    `starts`: where sessions begin to play. `joining`: loads symbols that join.
    `earlier_values`: values of earlier sessions, for conditions. `historical_quality`: whether to score
    history. `load_timeout_s`: longest wait for a session to load. `render_priority`: lets its threads yield
    while a frame renders. `live`: what records the sessions of a live run, in which no session is read ahead.
    `scans`: the scanners, if there are any; `strategies`: the strategies.
    """

    def __init__(
        self,
        plan: StreamPlan,
        loader: SessionLoader,
        session_data: SessionData,
        time_manager: TimeManager,
        metrics: PerformanceMetrics,
        *,
        speed: float,
        prefetch_days: int,
        starts: SessionStarts,
        earlier_values: EarlierValueCache,
        joining: JoiningSymbols,
        historical_quality: bool = True,
        breakpoints: Sequence[AddBreakpoint] = (),
        events: EventLog | None = None,
        sinks: Sequence[SessionSink] = (),
        load_timeout_s: float = LOAD_TIMEOUT_S,
        render_priority: RenderPriority | None = None,
        live: LiveSetup | None = None,
        scans: ScanSetup | None = None,
        strategies: StrategySetup | None = None,
    ) -> None:
        self._plan = plan
        self._loader = loader
        self._data = session_data
        self._time = time_manager
        self._metrics = metrics
        self._starts = starts
        self._earlier_values = earlier_values
        self._historical_quality = historical_quality
        self._events = EventLog() if events is None else events

        self._mailbox: SimpleQueue[Message] = SimpleQueue()
        self.render_priority = RenderPriority() if render_priority is None else render_priority
        self.processor = DataProcessor(plan, session_data, metrics, self.send, self.render_priority)
        self.quality = DataQualityManager(session_data, metrics, self.send)
        self.analysis: AnalysisEngine | None = None
        if strategies is not None:
            walk, timeouts = strategies.walk, strategies.timeouts
            self.analysis = AnalysisEngine(walk, session_data, metrics, self.send, timeouts)
        self.recorder = SessionRecorder(
            sinks, metrics, self.send, self.render_priority, plan.changed_sessions
        )
        self.feed: SessionFeed[LoadedSession] = SessionFeed(
            plan,
            loader,
            metrics,
            self.send,
            prefetch_days=prefetch_days,
            load_timeout_s=load_timeout_s,
            is_recording=live is not None,
        )
        self.live = None if live is None else LiveRun(live, plan, self.send, self._events)
        self.symbols = SymbolChanger(
            session_data,
            plan.symbols,
            joining,
            self.processor,
            self.quality,
            self._events,
            self._process_messages,
            wake=lambda: self.send(Wake()),
            on_change=self._update_state,
            feed=None if self.live is None else self.live.symbols,
        )
        self.scans: SessionScans = NoScans()
        if scans is not None and self.live is not None:
            self.scans = scans.live_scans_of(
                self.live,
                session_data,
                self.symbols,
                self._events,
                joining.load,
                self._process_messages,
                lambda: self.send(Wake()),
            )
        elif scans is not None:
            self.scans = scans.scans_of(
                session_data, self.symbols, self._events, metrics, self.send, self._process_messages
            )
        self._thread = Thread(target=self._run, name="tapedeck-session-coordinator", daemon=False)

        # Written by the coordinator's thread only; any thread may read.
        self.transport = Transport(speed)
        self.breakpoints = Breakpoints(self._record_hit)
        for added in breakpoints:
            self.breakpoints.add(added.number, added.condition, enabled=added.enabled)
        self.state = RunState.STOPPED
        self.error: Exception | None = None
        self.position = -1
        self.version = 0
        self._warnings: tuple[str, ...] = plan.warnings
        self._checks = SessionChecks(plan)
        self.seconds = 0.0
        self._changed = Signal()  # no lock for data; wakes threads in `wait_for`
        self._loaded: LoadedSession | None = None
        self._player: SessionPlayer | LivePlayer | None = None
        self._unrecorded = False
        self._has_new_conditions = True  # values of earlier sessions may have to be found for them
        self._started = 0.0

    # From any thread

    def start(self, *, paused: bool = False) -> None:
        """Start the run's threads."""
        self.transport.paused = paused
        self._set_state(RunState.STARTING)
        self._started = self._metrics.start_timer()
        self._thread.start()

    def send(self, message: Message) -> None:
        """Put a message into the mailbox; it wakes the coordinator at once."""
        self._mailbox.put(message)

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the run and all its threads to end; return whether they have."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def wait_for(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Wait until a condition is true, checked after each change of the run; return whether it is."""
        with self._changed:
            return self._changed.wait_for(condition, timeout)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings of the plan, of the days so far, and of the sessions that have ended."""
        return (*self._warnings, *self._checks.warnings)

    @property
    def is_alive(self) -> bool:
        """Whether the coordinator's thread runs."""
        return self._thread.is_alive()

    @property
    def waiting(self) -> int:
        """Number of messages in the mailbox."""
        return self._mailbox.qsize()

    def achieved_speed(self) -> float | None:
        """Return the measured speed as a multiple of real time; None while paused."""
        player = self._player
        return None if player is None else player.achieved_speed()

    # The run

    def _run(self) -> None:
        final = RunState.ERROR
        try:
            self._play_sessions()
            final = RunState.COMPLETED
        except _StopRequestedError:
            final = RunState.STOPPED
        except Exception as error:
            log.exception("the run failed")
            self.error = error
        self._end_run(final)

    def _play_sessions(self) -> None:
        for worker in self.workers:
            worker.start()
        if self.live is not None:
            self.live.start()
            # Before history is read: the store then has what a killed recorder has left in the journal.
            self._begin_recording(self.live, 0)
        for symbol in self._plan.symbols:
            self._data.register_symbol_data(symbol)
        started = self._metrics.start_timer()
        self._data.history = self.feed.history(self._process_messages)
        self._data.requested_history = self._plan.history.requested
        self._find_earlier_values(self._plan.sessions[0].trading_day)
        self._metrics.record_historical_load(started, first=True)
        last = len(self._plan.sessions) - 1
        gap: float | None = None
        for position in range(last + 1):
            if position:
                self._teardown()
            self._initialise(position)
            if gap is not None:
                self._metrics.record_session_gap(gap)
            failure = self._play()
            gap = self._metrics.start_timer()
            self._record(RunState.COMPLETED if position == last else RunState.RUNNING)
            if failure is not None:
                raise failure

    def _begin_recording(self, live: LiveRun, position: int) -> None:
        slots = SessionSlots(self._plan.sessions[position], self._plan.base)
        kept = live.begin_session(
            slots, self._process_messages, self.symbols.kept, has_strategies=self.analysis is not None
        )
        self.symbols.keep(kept)

    def _find_earlier_values(self, day: date) -> None:
        """Find what new breakpoints read of the sessions before a day; commands still take effect.

        Those that are set from the start on need it once: it is carried on from session to session.
        """
        while self._has_new_conditions:  # more may be set meanwhile
            self._has_new_conditions = False
            needs = self._earlier_needs()
            if not self._earlier_values.has(day, needs):
                find = partial(self._earlier_values.find, day, needs, lambda: self.feed.is_cancelled)
                self.feed.in_background(find, self._process_messages)

    def _earlier_needs(self) -> set[EarlierNeed]:
        """Return what breakpoints and strategies read of earlier sessions."""
        symbols = self._plan.symbols
        own = frozenset[EarlierNeed]() if self.analysis is None else self.analysis.walk.earlier_needs(symbols)
        return self.breakpoints.earlier_needs(symbols) | own

    def _teardown(self) -> None:
        """Phase 1: release the session that has ended and add it to history."""
        tape, loaded = self._data.require_tape(), self._loaded
        self._player = self._loaded = None
        for worker in (self.processor, self.quality):
            worker.teardown()
        self._data.clear_session_bars()  # first, so that a session is never in its history
        self._data.restore_symbols(self._plan.symbols)
        following = self._plan.sessions[self.position + 1]
        if tape.symbols == self._plan.symbols and not tape.changes:
            if loaded is not None:
                extend_history(self._data.history, tape, loaded.companions)
            self._earlier_values.carry_on(tape, following.trading_day, self._earlier_needs())
        else:  # its rows are not those of the file
            if loaded is not None:
                extend_history(self._data.history, complete_tape(self._plan, loaded), loaded.companions)
            self._has_new_conditions = True
        log.info("advancing from %s to %s", tape.session.trading_day, following.trading_day)

    def _initialise(self, position: int) -> None:
        """Phase 2: install the next session's tape, with all values known before its open."""
        if self.live is not None and position:
            self._begin_recording(self.live, position)
        loaded = self.feed.next_session(self._process_messages)
        started = self._metrics.start_timer()
        self._metrics.begin_session()
        self._loaded = loaded
        self._time.enter_session(self._plan.sessions[position])
        install_session(
            self._plan,
            self._data,
            loaded,
            position,
            scores_history=self._historical_quality,
            earlier=self._earlier_values.before(loaded.slots.session.trading_day),
        )
        for worker in (self.processor, self.quality):
            worker.setup()
        self.symbols.begin_session()
        self.scans.begin_session(self._data.require_tape())
        self.position = position  # before commands take effect
        if self.analysis is not None:
            self.analysis.begin_session(self._process_messages)
        self._warn_of_missing_symbols(loaded)
        if position:
            self._metrics.record_historical_load(started, first=False)

    def _play(self) -> Exception | None:
        """Phases 3 and 4: activate, play to the close, deactivate; the data stays.

        Returns what ends the run after this session, as it was raised in the wait for the next one.
        """
        tape = self._data.require_tape()
        day = tape.session.trading_day
        started = self._metrics.start_timer()
        self._player = player = self._make_player(day)
        if isinstance(player, LivePlayer):
            player.wait_for_open()
            tape = self._data.require_tape()  # symbols may have joined
        self._data.activate_session()
        self._unrecorded = True
        start = self._starts.frontier(tape)
        self.breakpoints.begin_session(start)
        self._events.begin_session(tape)
        player.begin(start)
        # From here on the run is seen as paused or running, so not before it is at its start time.
        self._set_state(RunState.PAUSED if self.transport.is_held else RunState.RUNNING)
        self._metrics.record_activation(started)
        log.info("session %s activated", day)

        playing = self._metrics.start_timer()
        player.play()
        seconds = self._metrics.record_session_duration(playing)
        log.info("session %s: close reached in %.3f s", day, seconds)
        self.scans.end_session()
        if self.analysis is not None:
            self.analysis.end_session(self._process_messages)
            self._update_state()
        failure = self._wait_for_next_session(player)

        ending = self._metrics.start_timer()
        self._data.deactivate_session()
        if self.live is not None and self._loaded is not None:
            self._loaded = self._loader.recorded(self._loaded, self._data.require_tape())
        self._check_session()
        self._events.end_session()
        self._metrics.count(Count.SESSIONS)
        self._metrics.record_queue_sizes({worker.name: worker.waiting for worker in self.workers})
        self._metrics.record_deactivation(ending)
        log.info("session %s deactivated", day)
        return failure

    def _wait_for_next_session(self, player: SessionPlayer | LivePlayer) -> Exception | None:
        """Wait at the close until the next session is loaded; commands take effect, and a pause holds there.

        Returns the error of the load, or the stop: the session is ended and recorded before it is raised.
        """
        if self.live is not None or self.position == len(self._plan.sessions) - 1:
            return None
        try:
            self.feed.wait_for_next(self._process_messages)
            self.scans.wait_for_next()
            self.symbols.apply(player.wait_until_computed)
            while self.transport.is_held:
                self._process_messages(None)
                self.symbols.apply(player.wait_until_computed)
        except (TapedeckError, _StopRequestedError) as error:
            return error
        return None

    def _make_player(self, day: date) -> SessionPlayer | LivePlayer:
        find_earlier_values = partial(self._find_earlier_values, day)
        if self.live is not None:
            walk = None
            if self.analysis is not None:
                walk = LiveWalk(self.analysis, self.live, self._metrics, lambda: self.send(Wake()))
            return LivePlayer(
                self._data,
                self.live,
                self._metrics,
                processor=self.processor,
                quality=self.quality,
                breakpoints=LiveBreakpoints(
                    self.breakpoints, find_earlier_values, self.live.note_corrected_hit
                ),
                symbols=self.symbols,
                scans=self.scans,
                walk=walk,
                process_messages=self._process_messages,
                on_change=self._update_state,
            )
        return SessionPlayer(
            self._data,
            self.transport,
            self._time,
            self._metrics,
            consumers=(self.processor,),
            followers=(self.quality,),
            breakpoints=self.breakpoints,
            symbols=self.symbols,
            scans=self.scans,
            analysis=self.analysis,
            process_messages=self._process_messages,
            find_earlier_values=find_earlier_values,
            on_change=self._update_state,
            render_priority=self.render_priority,
        )

    def _record(self, state: RunState) -> None:
        """Hand the session to the recorder, after waiting for the session before to be recorded."""
        while not self.recorder.is_ready:
            self._process_messages(None)
        self.recorder.hand_over(self._session_record(state))
        self._unrecorded = False
        if state is RunState.COMPLETED or self.live is not None:
            while not self.recorder.is_ready:
                self._process_messages(None)
        if self.live is not None:
            self.live.note_export(self._data.require_tape().session.trading_day)

    def _session_record(self, state: RunState) -> SessionRecord:
        tape = self._data.require_tape()
        text = None if self.error is None else str(self.error)
        scans = self.scans.days.get(tape.session.trading_day, ())
        return SessionRecord(tape, tape.computed_frontier(), state.value, text, scans)

    def _check_session(self) -> None:
        if self._loaded is None:
            return
        for warning in self._checks.end_session(self._loaded):
            self._events.add(EventKind.ERROR, warning)
            log.warning("%s", warning)

    def _warn_of_missing_symbols(self, loaded: LoadedSession) -> None:
        if loaded.base.full or self.live is not None:
            return
        has_bars = np.any(loaded.base.present, axis=1)
        empty = [symbol for symbol, any_bar in zip(self._plan.symbols, has_bars, strict=True) if not any_bar]
        if not empty:
            return
        names = ", ".join(empty) if len(empty) <= 5 else f"{len(empty)} symbols, {empty[0]} first"
        missing = f"no {self._plan.base} bars of {names}"
        warning = f"{loaded.slots.session.trading_day}: {missing}"
        self._warnings = (*self._warnings, warning)
        # Belongs to its own day: views of earlier days do not show it.
        self._events.add(EventKind.ERROR, missing, session=self._data.played(), frontier=0)
        log.warning("%s", warning)

    # The end of the run

    def _end_run(self, final: RunState) -> None:
        """End every thread, even if ending another one fails, and publish the final state."""
        self._set_state(RunState.STOPPING)
        self.symbols.close("the run is over")
        self._data.deactivate_session()
        for step in (
            self._flush,
            self._end_analysis,
            lambda: self._end_worker(self.processor),
            lambda: self._end_worker(self.quality),
            lambda: self._record_unfinished(final),
            lambda: self._end_worker(self.recorder),
            lambda: self.scans.close(self._pass_messages),
            self.feed.shutdown,
            self._close_live,
        ):
            try:
                step()
            except Exception as error:
                log.exception("the run did not end cleanly")
                self.error = self.error or error
        self.error = self.error or next((w.error for w in self.workers if w.error is not None), None)
        if self.error is not None:
            final = RunState.ERROR
            self._events.add(EventKind.ERROR, str(self.error))
        self._events.end_session()
        self.seconds = self._metrics.start_timer() - self._started
        log.info("run %s in %.3f s", final.value, self.seconds)
        self._set_state(final)
        self._refuse_requests()

    def _refuse_requests(self) -> None:
        """Refuse requests that were sent meanwhile; after this, callers find that the run is over."""
        while not self._mailbox.empty():
            self._pass_messages(0)

    def _pass_messages(self, timeout: float | None) -> None:
        """Wait for a message, and refuse what it asks for; at the end of the run."""
        try:
            message = self._mailbox.get(timeout != 0, timeout)
        except Empty:
            return
        if isinstance(message, SymbolRequest):
            self.symbols.take(message)

    def _close_live(self) -> None:
        if self.live is not None:
            self.live.close()

    def _end_analysis(self) -> None:
        if self.analysis is not None:
            self.analysis.end()

    def _flush(self) -> None:
        if self._player is not None:
            self._player.flush()

    def _record_unfinished(self, final: RunState) -> None:
        """Record the played part of an interrupted session."""
        if self._unrecorded and self.recorder.is_alive:
            self.recorder.hand_over(self._session_record(final))
            self._unrecorded = False

    @staticmethod
    def _end_worker(worker: Worker[range] | SessionRecorder) -> None:
        worker.stop()
        try:
            worker.join(_JOIN_S)
        except EngineError:
            worker.cancelled.set()
            worker.join(_JOIN_CANCELLED_S)

    # Messages and state

    @property
    def workers(self) -> tuple[Worker[Any], ...]:
        """The worker threads, in the order of the data."""
        analysis = () if self.analysis is None else (self.analysis,)
        return self.processor, *analysis, self.quality, self.recorder

    def _process_messages(self, timeout: float | None) -> None:
        """Handle all messages in the mailbox; wait for the first one, at most `timeout` seconds.

        None waits without a limit, 0 does not wait. Raises a failed worker's error, and on Stop.
        """
        try:
            message = self._mailbox.get(timeout != 0, timeout)
            while True:
                self._handle(message)
                message = self._mailbox.get_nowait()
        except Empty:
            return

    def _handle(self, message: Message) -> None:
        match message:
            case Wake():
                return
            case WorkerFailed(_, error):
                raise error
            case Stop():
                raise _StopRequestedError
            case AddBreakpoint(number, condition, enabled):
                self.breakpoints.add(number, condition, self._frontier(), enabled=enabled)
                self._has_new_conditions = True
            case EnableBreakpoint(number, enabled):
                self.breakpoints.enable(number, enabled, self._frontier())
                self._has_new_conditions = True
            case RemoveBreakpoint(number):
                self.breakpoints.remove(number)
            case RunUntil(condition):
                self._apply(Resume())
                self.breakpoints.run_until(condition)
                self._has_new_conditions = True
            case SymbolRequest():
                self.symbols.take(message)
            case Mark(reached):
                reached.set()
            case Arrived() | QuotesArrived() | LiveReport() | AnswerRecorded():
                self._handle_live(message)
                return
            case _:
                self._apply(message)
        self._update_state()

    def _handle_live(self, message: Arrived | QuotesArrived | LiveReport | AnswerRecorded) -> None:
        assert self.live is not None  # it has sent the message
        match message:
            case Arrived() | QuotesArrived():
                self.live.take(message)
            case LiveReport(report):
                self.live.report(report)
            case AnswerRecorded(answer):
                self.live.answered(answer)

    def _apply(self, command: Pause | Resume | Step | SetSpeed | RunTo) -> None:
        """Apply a command; one that continues play clears the last breakpoint hit."""
        if isinstance(command, Resume | Step | RunTo):
            self.breakpoints.last_hit = None
        if isinstance(command, RunTo):
            self.breakpoints.run_until(None)
        self.transport.apply(command)

    def _frontier(self) -> int:
        tape = self._data.tape
        return -1 if tape is None else tape.frontier

    def _record_hit(self, hit: BreakpointHit) -> None:
        self._events.add(EventKind.BREAK, hit.text, frontier=hit.frontier)
        if self.live is not None:
            self.live.alert(f"{hit.text}, at {hit.local_clock:%H:%M}")
        log.info("breakpoint %d, %s: true at %s", hit.number, hit.text, hit.clock.isoformat())

    def _update_state(self) -> None:
        """Set the state from the transport, and wake threads that wait for a change.

        A pause is seen once strategies have ended their walk: then the frontier stays where it is.
        """
        if self.state in (RunState.RUNNING, RunState.PAUSED):
            walks = self.analysis is not None and self.live is None and not self.analysis.is_ready
            is_paused = self.transport.paused and not (walks and self.transport.is_held)
            self.state = RunState.PAUSED if is_paused else RunState.RUNNING
        self._notify_waiters()

    def _set_state(self, state: RunState) -> None:
        self.state = state
        self._notify_waiters()

    def _notify_waiters(self) -> None:
        with self._changed:
            self.version += 1
            self._changed.notify_all()
