"""Earlier sessions: whole sessions before a day, computed on request, also before the first day of a run."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from datetime import date
from threading import Lock
from typing import Final, TypeVar

from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.errors import CalendarError
from tapedeck.engine.run.earlier_days import most_sessions_at_once, sessions_before
from tapedeck.engine.run.earlier_values import EarlierValueCache
from tapedeck.engine.run.session_recompute import recomputed_sessions
from tapedeck.engine.run.stored_bars import StoredBars
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.streams.requirements import StreamRequirements
from tapedeck.engine.streams.stream_plan import StreamPlan
from tapedeck.engine.tape.tape import Tape

# Sessions that are kept, the last one always; and the most bytes of several.
_KEPT: Final = 2
_KEPT_BYTES: Final = 32 * 2**20

Read = TypeVar("Read")


class EarlierSessions:
    """Computes the session before a day as a run over it would have played it to its close.

    A session's values depend on the store and the session file alone, not on the day a run begins, so these
    tapes equal those of a run that began earlier. `between` is called again and again while one is computed,
    and may block for a moment. The last few are kept; those that `played` returns, of the run, are not
    computed. Any thread may call it; one session is computed at a time. `cancelled` ends a computation.
    """

    def __init__(
        self,
        config: SessionConfig,
        plan: StreamPlan,
        data: DataManager,
        between: Callable[[], object],
        played: Callable[[date], Tape | None] = lambda day: None,
    ) -> None:
        self._config = config
        self._plan = plan
        self._data = data
        self._between = between
        self._played = played
        self._time = TimeManager(config.exchange, changes=config.session_data_config.sessions)
        self.values = EarlierValueCache(plan, StoredBars(plan, data, self._time), self.before, self.read_back)
        """Values of these sessions, for conditions."""
        self._lock = Lock()  # guards what follows
        self._kept: OrderedDict[date, Tape] = OrderedDict()

    def before(self, trading_day: date, cancelled: Callable[[], bool] = bool) -> Tape | None:
        """Return the tape of the trading day before a day; None before the calendar's first, or if cancelled.

        Raises StoreError if the store cannot be read.
        """
        try:
            day = self._time.get_previous_trading_date(trading_day)
        except CalendarError:
            return None
        played = self._played(day)
        if played is not None:
            return played
        with self._lock:
            if day not in self._kept:
                tape = next(self._computed(day, day, cancelled), None)
                if tape is None:  # cancelled
                    return None
                self._kept[day] = tape
                while len(self._kept) > (_KEPT if self._kept_bytes() <= _KEPT_BYTES else 1):
                    self._kept.popitem(last=False)
            self._kept.move_to_end(day)
            return self._kept[day]

    def in_memory_before(self, trading_day: date) -> Tape | None:
        """Return the tape of the trading day before a day, if it is in memory; returns at once."""
        try:
            day = self._time.get_previous_trading_date(trading_day)
        except CalendarError:
            return None
        played = self._played(day)
        return self._kept.get(day) if played is None else played  # without the lock: a computation holds it

    def _kept_bytes(self) -> int:
        return sum(tape.nbytes for tape in self._kept.values())

    def read_back(
        self, trading_day: date, read: Callable[[Tape], Read], cancelled: Callable[[], bool] = bool
    ) -> Iterator[tuple[TradingSession, Read]]:
        """Yield the sessions before a day, the latest first, with what `read` returns of each one's tape.

        Several are computed at once, more each time. Ends early if cancelled. Raises StoreError if the store
        cannot be read.
        """
        last = self.before(trading_day, cancelled)
        if last is None:
            return
        session, count = last.session, 1
        base, symbols = self._plan.base, len(self._plan.symbols)
        yield session, read(last)
        while True:
            count = min(2 * count, most_sessions_at_once(session, base, symbols))
            sessions = sessions_before(self._time, session.trading_day, count)
            if not sessions:
                return
            tapes = self._computed(sessions[0].trading_day, sessions[-1].trading_day, cancelled)
            found = [(tape.session, read(tape)) for tape in tapes]
            if cancelled():  # the latest may be missing
                return
            yield from reversed(found)
            session = sessions[0]

    def _computed(self, first: date, last: date, cancelled: Callable[[], bool]) -> Iterator[Tape]:
        """Yield the tapes of the sessions from one day to another, oldest first; fewer if cancelled."""

        def is_cancelled() -> bool:
            self._between()
            return cancelled()

        for session_data in recomputed_sessions(
            self._plan_of(first, last),
            self._data,
            first,
            last,
            historical_quality=self._config.session_data_config.historical.enable_quality,
            cancelled=is_cancelled,
            earlier=self.values.before,
        ):
            yield session_data.require_tape()

    def _plan_of(self, first: date, last: date) -> StreamPlan:
        """Return a plan that plays some days: the run's, or for days before it, one of the same file."""
        days = [session.trading_day for session in self._plan.sessions]
        if first in days and last in days:
            return self._plan
        backtest = self._config.backtest_config
        assert backtest is not None  # the run has a plan
        only = backtest.model_copy(update={"start_date": first, "end_date": last, "start_time": None})
        config = self._config.model_copy(update={"backtest_config": only})
        time = TimeManager(config.exchange, changes=config.session_data_config.sessions)
        # On the run's base, also where the store has none of its bars yet, as at the start of a recording.
        requirements = StreamRequirements(config, time, self._data)
        return requirements.plan(may_be_empty=True, arriving=(self._plan.base,))
