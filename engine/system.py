"""SystemManager: builds a run's parts, starts and stops them, and gives one picture of it all."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from engine.clock.slots import epoch_seconds
from engine.clock.start_time import start_instant
from engine.clock.time_manager import TimeManager
from engine.config import SessionConfig
from engine.errors import ConfigError, ConfigProblem, EngineError
from engine.monitoring.metrics import Count, PerformanceMetrics
from engine.monitoring.snapshot import RunSummary, Snapshot
from engine.monitoring.status import RunState
from engine.store.bar_store import BarStore
from engine.store.data_manager import DataManager
from engine.streams.requirements import StreamRequirements
from engine.streams.stream_plan import StreamPlan
from engine.tape.session_data import SessionData
from engine.tape.tape import Tape
from engine.threads.messages import Pause, Resume, RunTo, SetSpeed, Step, Stop
from engine.threads.session_coordinator import SessionCoordinator
from engine.threads.session_feed import LOAD_TIMEOUT_S
from engine.threads.session_loader import SessionLoader
from engine.threads.session_recorder import SessionSink
from engine.threads.transport import checked_speed

log = logging.getLogger(__name__)


class SystemManager:
    """One run of one session file over one store.

    Commands may be given from any thread, at any moment; they take effect between blocks, a pause within
    50 ms. `sinks` get each session as it ends. The store is the caller's, and stays open.
    """

    def __init__(
        self,
        config: SessionConfig,
        store: BarStore,
        *,
        sinks: Sequence[SessionSink] = (),
        load_timeout_s: float = LOAD_TIMEOUT_S,
    ) -> None:
        self.config = config
        self.time = TimeManager(config.exchange)
        self.session_data = SessionData()
        self.metrics = PerformanceMetrics()
        self._data = DataManager(store)
        self._sinks = tuple(sinks)
        self._load_timeout_s = load_timeout_s
        self._plan: StreamPlan | None = None
        self._coordinator: SessionCoordinator | None = None

    # Life

    def prepare(self) -> StreamPlan:
        """Check the file against the store and the calendar, and return the plan; starts nothing.

        Raises ConfigError, CalendarError or DataMissingError, with what to do.
        """
        if self._plan is None:
            if self.config.mode == "live":
                problem = ConfigProblem("mode", "live", "cannot be played from a store.", "backtest")
                raise ConfigError(self.config.session_name, [problem])
            self._plan = StreamRequirements(self.config, self.time, self._data).plan()
            for line in (*self._plan.notes, *self._plan.warnings):
                log.info("%s", line)
        return self._plan

    def start(self, *, paused: bool = False) -> None:
        """Start the run, paused at the first open where asked for; EngineError if it was started before."""
        if self._coordinator is not None:
            raise EngineError("this run was started before; make a new SystemManager to play again")
        plan = self.prepare()
        backtest = self.config.backtest_config
        if backtest is None:
            raise EngineError("a run needs backtest_config")
        start_seconds = None
        if backtest.start_time is not None:
            start_seconds = epoch_seconds(start_instant(plan.sessions[0], backtest.start_time))
        coordinator = SessionCoordinator(
            plan,
            SessionLoader(plan, self._data),
            self.session_data,
            self.time,
            self.metrics,
            speed=checked_speed(backtest.speed_multiplier),
            prefetch_days=backtest.prefetch_days,
            start_seconds=start_seconds,
            historical_quality=self.config.session_data_config.historical.enable_quality,
            sinks=self._sinks,
            load_timeout_s=self._load_timeout_s,
        )
        self._coordinator = coordinator
        coordinator.start(paused=paused)

    def stop(self, timeout: float = 60.0) -> None:
        """End the run in order and wait until every thread has ended; safe to call twice, or before start.

        EngineError where that takes longer than `timeout` seconds.
        """
        if self._coordinator is None:
            return
        self._coordinator.tell(Stop())
        if not self.wait(timeout):
            raise EngineError(
                f"the run did not stop within {timeout:g} s; its threads: {self._thread_names()}"
            )

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the run to be over; return whether it is. Every thread has then ended."""
        if self._coordinator is None:
            return True
        return self._coordinator.join(timeout)

    def wait_for(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Wait until a condition on the run holds, asked after every change of it; return whether it does."""
        return self._running().wait_for(condition, timeout)

    # Commands

    def pause(self) -> None:
        """Stop at the present slot."""
        self._running().tell(Pause())

    def resume(self) -> None:
        """Play on."""
        self._running().tell(Resume())

    def step(self, slots: int = 1) -> None:
        """Play so many slots more, then pause; a session that is over is followed by the next."""
        if slots < 1:
            raise EngineError(f"{slots} slots are no step: give 1 or more")
        self._running().tell(Step(slots))

    def set_speed(self, speed: float) -> None:
        """Play at so many times real time; 0 as fast as data allow."""
        self._running().tell(SetSpeed(checked_speed(speed)))

    def run_to(self, instant: datetime) -> None:
        """Play on until the clock is at or past an instant (zone-aware), and pause at exactly that slot."""
        if instant.tzinfo is None:
            raise EngineError(f"{instant} has no time zone: give a zone-aware instant")
        now = self.snapshot().clock
        if now is not None and instant <= now:
            raise EngineError(
                f"{instant.isoformat()} is not after the clock, {now.isoformat()}; the engine never runs back"
            )
        self._running().tell(RunTo(epoch_seconds(instant)))

    # Reading

    @property
    def state(self) -> RunState:
        """Where the run stands."""
        return RunState.STOPPED if self._coordinator is None else self._coordinator.state

    @property
    def mode(self) -> str:
        """`backtest` or `live`."""
        return self.config.mode

    @property
    def error(self) -> Exception | None:
        """What ended the run, where its state is `error`."""
        return None if self._coordinator is None else self._coordinator.error

    def snapshot(self) -> Snapshot:
        """Return the run as it is now; cheap, and never half-written."""
        plan, coordinator = self.prepare(), self._coordinator
        view = self.session_data.view()
        session = None if view is None else view.session
        transport = None if coordinator is None else coordinator.transport
        workers = () if coordinator is None else coordinator.workers
        self._count_calendar()
        return Snapshot(
            version=0 if coordinator is None else coordinator.version,
            state=self.state,
            mode=self.mode,
            session_name=self.config.session_name,
            exchange=self.time.exchange,
            error=None if self.error is None else str(self.error),
            warnings=plan.warnings if coordinator is None else coordinator.warnings,
            trading_day=None if session is None else session.trading_day,
            clock=None if view is None else view.clock,
            regular_open=None if session is None else session.regular_open,
            regular_close=None if session is None else session.regular_close,
            is_early_close=session is not None and session.is_early_close,
            session_active=self.session_data.is_session_active(),
            frontier=0 if view is None else view.frontier,
            slots=0 if view is None else view.slots,
            steps_left=0 if transport is None else transport.steps_left,
            speed=self._file_speed() if transport is None else transport.speed,
            achieved_speed=None if coordinator is None else coordinator.achieved_speed(),
            session=0 if coordinator is None else coordinator.position + 1,
            sessions=len(plan.sessions),
            base=plan.base,
            view=view,
            threads=tuple(worker.status() for worker in workers),
            counts=self.metrics.counts(),
            finished=() if coordinator is None else coordinator.recorder.summaries,
            stamp="" if coordinator is None else coordinator.recorder.stamp,
        )

    def summary(self) -> RunSummary:
        """Return how the run went; meant for when it is over."""
        plan, coordinator = self.prepare(), self._running()
        sessions = coordinator.recorder.summaries
        self._count_calendar()
        return RunSummary(
            session_name=self.config.session_name,
            exchange=self.time.exchange,
            mode=self.mode,
            state=self.state.value,
            complete=self.state is RunState.COMPLETED,
            error=None if self.error is None else str(self.error),
            first_day=plan.sessions[0].trading_day.isoformat(),
            last_day=plan.sessions[-1].trading_day.isoformat(),
            base=str(plan.base),
            derived=tuple(str(interval) for interval in plan.derived),
            symbols=plan.symbols,
            sessions=sessions,
            sessions_planned=len(plan.sessions),
            bars=sum(session.bars for session in sessions),
            seconds=coordinator.seconds,
            stamp=coordinator.recorder.stamp,
            warnings=coordinator.warnings,
            notes=plan.notes,
            parameters=_resolved_parameters(plan),
            counts=self.metrics.counts(),
        )

    @property
    def tape(self) -> Tape | None:
        """The tape in place: the last day's, once the run is over."""
        return self.session_data.tape

    # Within

    def _running(self) -> SessionCoordinator:
        if self._coordinator is None:
            raise EngineError("the run has not been started")
        return self._coordinator

    def _file_speed(self) -> float:
        backtest = self.config.backtest_config
        return 0.0 if backtest is None else backtest.speed_multiplier

    def _count_calendar(self) -> None:
        infos = self.time.cache_info().values()
        self.metrics.set_count(Count.CALENDAR_HITS, sum(info.hits for info in infos))
        self.metrics.set_count(Count.CALENDAR_MISSES, sum(info.misses for info in infos))

    def _thread_names(self) -> str:
        return ", ".join(f"{status.name} {status.state.value}" for status in self.snapshot().threads)


def _resolved_parameters(plan: StreamPlan) -> Mapping[str, Mapping[str, float | int | str]]:
    resolved: dict[str, Mapping[str, float | int | str]] = {}
    for spec in plan.specs:
        against = {"against": spec.against} if spec.against else {}
        resolved[spec.name] = {
            "type": spec.kind,
            "interval": str(spec.interval),
            **spec.parameters,
            **against,
        }
    return resolved
