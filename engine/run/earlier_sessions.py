"""Earlier sessions: whole sessions before a day, computed on request, also before the first day of a run."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import date
from threading import Lock
from typing import Final

from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.errors import CalendarError
from tapedeck.engine.run.session_recompute import recomputed_sessions
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.streams.requirements import StreamRequirements
from tapedeck.engine.streams.stream_plan import StreamPlan
from tapedeck.engine.tape.tape import Tape

_KEPT: Final = 2


class EarlierSessions:
    """Computes the session before a day as a run over it would have played it to its close.

    A session's values depend on the store and the session file alone, not on the day a run begins, so these
    tapes equal those of a run that began earlier. `cancelled` is polled while one is computed, and may block
    for a moment. The last few are kept. Any thread may call it; one session is computed at a time.
    """

    def __init__(
        self, config: SessionConfig, plan: StreamPlan, data: DataManager, cancelled: Callable[[], bool]
    ) -> None:
        self._config = config
        self._plan = plan
        self._data = data
        self._cancelled = cancelled
        self._time = TimeManager(config.exchange, changes=config.session_data_config.sessions)
        self._lock = Lock()  # guards what follows
        self._kept: OrderedDict[date, Tape] = OrderedDict()

    def before(self, trading_day: date) -> Tape | None:
        """Return the tape of the trading day before a day, None before the calendar's first day.

        Raises StoreError if the store cannot be read.
        """
        try:
            day = self._time.get_previous_trading_date(trading_day)
        except CalendarError:
            return None
        with self._lock:
            if day not in self._kept:
                tape = self._computed(day)
                if tape is None:  # cancelled
                    return None
                self._kept[day] = tape
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(day)
            return self._kept[day]

    def _computed(self, day: date) -> Tape | None:
        sessions = recomputed_sessions(
            self._plan_of(day),
            self._data,
            day,
            day,
            historical_quality=self._config.session_data_config.historical.enable_quality,
            cancelled=self._cancelled,
        )
        found = next(sessions, None)
        return None if found is None else found.require_tape()

    def _plan_of(self, day: date) -> StreamPlan:
        """Return a plan that plays a day: the run's, or for a day before it, one of the same file."""
        if any(session.trading_day == day for session in self._plan.sessions):
            return self._plan
        backtest = self._config.backtest_config
        assert backtest is not None  # the run has a plan
        only = backtest.model_copy(update={"start_date": day, "end_date": day, "start_time": None})
        config = self._config.model_copy(update={"backtest_config": only})
        time = TimeManager(config.exchange, changes=config.session_data_config.sessions)
        return StreamRequirements(config, time, self._data).plan(may_be_empty=True)
