"""Reports of a run: snapshots while it plays, and its summary."""

from __future__ import annotations

from collections.abc import Mapping

from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.feeds.live_status import LiveStatus
from tapedeck.engine.metrics.performance import Count, PerformanceMetrics
from tapedeck.engine.read.snapshot import Breakpoint, RunSummary, Snapshot
from tapedeck.engine.read.status import RunState
from tapedeck.engine.run.session_coordinator import SessionCoordinator
from tapedeck.engine.streams.stream_plan import StreamPlan
from tapedeck.engine.tape.session_data import SessionData
from tapedeck.engine.tape.session_record import symbols_played
from tapedeck.engine.tape.session_view import SessionView
from tapedeck.engine.tape.stamp import run_stamp


class RunReports:
    """Makes reports of a run, whose coordinator is None before its start. Any thread may call it."""

    def __init__(
        self,
        config: SessionConfig,
        plan: StreamPlan,
        time: TimeManager,
        session_data: SessionData,
        metrics: PerformanceMetrics,
    ) -> None:
        self._config = config
        self._plan = plan
        self._time = time
        self._session_data = session_data
        self._metrics = metrics

    def snapshot(
        self, coordinator: SessionCoordinator | None, breakpoints: tuple[Breakpoint, ...]
    ) -> Snapshot:
        """Return a consistent snapshot; cheap."""
        view = self._session_data.view()
        session = None if view is None else view.session
        transport = None if coordinator is None else coordinator.transport
        workers = () if coordinator is None else coordinator.workers
        self._count_calendar()
        return Snapshot(
            version=0 if coordinator is None else coordinator.version,
            state=_state(coordinator),
            mode=self._config.mode,
            session_name=self._config.session_name,
            exchange=self._time.exchange,
            error=_error(coordinator),
            warnings=self._warnings(coordinator),
            trading_day=None if session is None else session.trading_day,
            clock=None if view is None else view.clock,
            regular_open=None if session is None else session.regular_open,
            regular_close=None if session is None else session.regular_close,
            is_early_close=session is not None and session.is_early_close,
            session_active=self._session_data.is_session_active(),
            frontier=0 if view is None else view.frontier,
            slots=0 if view is None else view.slots,
            steps_left=0 if transport is None else transport.steps_left,
            speed=self._file_speed() if transport is None else transport.speed,
            achieved_speed=None if coordinator is None else coordinator.achieved_speed(),
            session=0 if coordinator is None else coordinator.position + 1,
            sessions=len(self._plan.sessions),
            base=self._plan.base,
            view=view,
            threads=tuple(worker.status() for worker in workers),
            counts=self._metrics.counts(),
            finished=() if coordinator is None else coordinator.recorder.summaries,
            stamp="" if coordinator is None else coordinator.recorder.stamp,
            breakpoints=breakpoints,
            stopped_at=None if coordinator is None else coordinator.breakpoints.last_hit,
            live=_live_status(coordinator, view),
        )

    def summary(self, coordinator: SessionCoordinator | None) -> RunSummary:
        """Return the summary; complete after the run, empty before its start."""
        plan, state = self._plan, _state(coordinator)
        sessions = () if coordinator is None else coordinator.recorder.summaries
        planned = plan.sessions
        if coordinator is not None and coordinator.live is not None:
            planned = planned[: max(1, coordinator.position + 1)]  # a recording may have no end
        self._count_calendar()
        return RunSummary(
            session_name=self._config.session_name,
            exchange=self._time.exchange,
            mode=self._config.mode,
            state=state.value,
            complete=state is RunState.COMPLETED,
            error=_error(coordinator),
            first_day=plan.sessions[0].trading_day.isoformat(),
            last_day=planned[-1].trading_day.isoformat(),
            base=str(plan.base),
            derived=tuple(str(interval) for interval in plan.derived),
            symbols=symbols_played(sessions, plan.symbols),
            sessions=sessions,
            sessions_planned=len(planned),
            bars=sum(session.bars for session in sessions),
            seconds=0.0 if coordinator is None else coordinator.seconds,
            stamp=run_stamp((session.digest for session in sessions), plan.changed_sessions),
            warnings=self._warnings(coordinator),
            notes=plan.notes,
            parameters=_resolved_parameters(plan),
            counts=self._metrics.counts(),
            changed_sessions=plan.changed_sessions,
        )

    def _warnings(self, coordinator: SessionCoordinator | None) -> tuple[str, ...]:
        return self._plan.warnings if coordinator is None else coordinator.warnings

    def _file_speed(self) -> float:
        backtest = self._config.backtest_config
        return 0.0 if backtest is None else backtest.speed_multiplier

    def _count_calendar(self) -> None:
        infos = self._time.cache_info().values()
        self._metrics.set_count(Count.CALENDAR_HITS, sum(info.hits for info in infos))
        self._metrics.set_count(Count.CALENDAR_MISSES, sum(info.misses for info in infos))


def _state(coordinator: SessionCoordinator | None) -> RunState:
    return RunState.STOPPED if coordinator is None else coordinator.state


def _live_status(coordinator: SessionCoordinator | None, view: SessionView | None) -> LiveStatus | None:
    return None if coordinator is None or coordinator.live is None else coordinator.live.status(view)


def _error(coordinator: SessionCoordinator | None) -> str | None:
    return None if coordinator is None or coordinator.error is None else str(coordinator.error)


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
