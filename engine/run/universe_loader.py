"""Universe loader: reads sessions of the universe, and computes all that scanners read of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from tapedeck.engine.clock.calendars import exchange_bounds
from tapedeck.engine.clock.pre_market import pre_market_span
from tapedeck.engine.clock.slots import SessionSlots, day_label
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.config import SessionConfig, SessionDataConfig
from tapedeck.engine.config.historical import HistoricalConfig, HistoricalData
from tapedeck.engine.config.readers import ALL
from tapedeck.engine.config.scanners import Universe
from tapedeck.engine.errors import CalendarError, ConfigError, ConfigProblem, EngineError
from tapedeck.engine.indicators.block_computer import BlockComputer
from tapedeck.engine.intervals import DAY, MINUTE, WEEK, Interval
from tapedeck.engine.run.pre_market import PreMarketBars, pre_market_figures
from tapedeck.engine.run.session_loader import LoadedSession, SessionLoader
from tapedeck.engine.run.session_setup import extend_history, install_session
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.streams.history_plan import HistoryPlanner
from tapedeck.engine.streams.requirements import indicator_specs
from tapedeck.engine.streams.store_start import StoreStart
from tapedeck.engine.streams.stream_plan import StreamPlan
from tapedeck.engine.tape.bar_grid import FIELDS, BarGrid, Ints
from tapedeck.engine.tape.earlier_values import NoEarlierValues
from tapedeck.engine.tape.history import History
from tapedeck.engine.tape.pre_market import PreMarket
from tapedeck.engine.tape.session_data import SessionData
from tapedeck.engine.tape.tape import Tape
from tapedeck.engine.universe.average_volume import (
    DayVolume,
    VolumeDay,
    VolumeToNow,
    moments_of,
    unknown_volume,
)
from tapedeck.engine.universe.figures import PRE_MARKET_FIGURES, UNIVERSE_FIGURES
from tapedeck.engine.universe.universe_session import UniverseSession, VolumeAt

MOST_SESSIONS: Final = 5
"""Most sessions of the universe that are read at once."""
# Chunks in memory: the one whose sessions play, and the next.
_CHUNKS: Final = 2
# Of a symbol's volume at a moment, at most.
_BYTES_OF_VOLUME: Final = 8


def universe_plan(
    config: SessionConfig,
    plan: StreamPlan,
    symbols: Sequence[str],
    time: TimeManager,
    data: DataManager,
    *,
    historical: Collection[str] = (),
    daily: bool = False,
) -> StreamPlan:
    """Return the plan of a run's universe: 1m bars of its symbols, in ascending order.

    They need not have bars in the range. `plan`: that of the run. `historical`: historical indicators that
    rules name, in addition to those that the universe lists. `daily`: whether to read the 1d bars that the
    file requests for all symbols, too. Raises ConfigError for a listed indicator that cannot be made of 1m
    bars, DataMissingError if the store lacks what history is made from.
    """
    own = _universe_config(config.session_data_config, tuple(sorted(symbols)), historical, daily=daily)
    specs = indicator_specs(own)
    finer = [spec.name for spec in specs if not spec.interval.can_be_made_from(MINUTE)]
    if finer:
        path, message = "session_data_config.universe.indicators", "needs bars finer than the universe's, 1m."
        raise ConfigError(config.session_name, [ConfigProblem(path, name, message) for name in finer])
    stored = {
        symbol: intervals | {MINUTE} for symbol, intervals in data.stored_intervals(own.symbols).items()
    }

    def first_label(symbol: str, interval: Interval) -> int | None:
        begin, _ = exchange_bounds(time.exchange)
        return data.store.first_at_or_after(symbol, interval, day_label(begin.toordinal()))

    start = StoreStart(own.symbols, stored, first_label)
    planner = HistoryPlanner(own, specs, plan.sessions, time, start, notes_shortage=False)
    return replace(
        plan,
        symbols=own.symbols,
        base=MINUTE,
        derived=tuple(sorted({spec.interval for spec in specs} - {MINUTE, WEEK})),
        specs=specs,
        history=planner.plan(stored),
        notes=(),
        warnings=(),
        compared_days=(),
        quotes=False,
    )


def _universe_config(
    config: SessionDataConfig, symbols: tuple[str, ...], historical: Collection[str], *, daily: bool
) -> SessionDataConfig:
    """Return the part of a file's data that is loaded for its universe."""
    listed = () if config.universe is None else config.universe.indicators
    session = {name: item for name, item in config.indicators.items() if name in listed}
    used = {*listed, *historical, *(item.against for item in session.values())}
    trailing = {name: item for name, item in config.historical.indicators.items() if name in used}
    requested = [
        entry.trailing_days
        for entry in config.historical.data
        if daily and DAY in entry.intervals and entry.apply_to == ALL
    ]
    days = [HistoricalData(trailing_days=max(requested), intervals=(DAY,))] if requested else []
    return config.model_copy(
        update={
            "symbols": symbols,
            "requested_streams": (MINUTE,),
            "historical": HistoricalConfig.model_construct(
                enable_quality=False, data=tuple(days), indicators=trailing
            ),
            "indicators": session,
        }
    )


@dataclass(frozen=True, slots=True, eq=False)
class BegunSession:
    """A session of the universe without bars of its day, and what computes its tape as they come.

    `pre_market`: span of its pre-market, seconds UTC; None if its figures are not read.
    """

    session: UniverseSession
    computer: BlockComputer
    pre_market: tuple[int, int] | None


class UniverseLoader:
    """Reads the sessions of a universe's plan, one after the other. Not thread-safe: one worker owns it.

    `universe`: its memory and the days of averages. `figures`: those that are read, of `UNIVERSE_FIGURES`;
    others are missing. `moments`: seconds after the open at which scans run, int64, ascending; volumes are
    kept there, by default at every minute, which takes more memory.
    """

    def __init__(
        self,
        plan: StreamPlan,
        data: DataManager,
        time: TimeManager,
        universe: Universe,
        *,
        figures: Collection[str] = tuple(UNIVERSE_FIGURES),
        moments: Ints | None = None,
    ) -> None:
        self._plan = replace(plan, measure_quality=False)  # quality is counted from the bars when it is read
        self._measures_quality = plan.measure_quality
        self._data = data
        self._time = time
        self._memory = universe.memory_mb * 2**20
        self._reads_pre_market = any(name in figures for name in PRE_MARKET_FIGURES)
        days = universe.average_days if "avg_volume_to_now" in figures else 0
        self._volumes: deque[VolumeDay] = deque(maxlen=days)
        self._moments = moments_of(plan.sessions, moments)
        self._sessions = SessionLoader(self._plan, data)
        self.cancelled = self._sessions.cancelled
        """Set to cancel a long load."""
        self._position = 0
        self._session_data = SessionData()
        self._session_data.restore_symbols(plan.symbols)

    @property
    def store(self) -> BarStore:
        """The store that is read."""
        return self._data.store

    def chunk_length(self, session: TradingSession, most: int) -> int:
        """Return how many sessions to read at once: `most`, or fewer to keep to the memory; at least one."""
        return min(most, self._sessions_at_once(session, _CHUNKS))

    def _sessions_at_once(self, session: TradingSession, chunks: int) -> int:
        """Return how many sessions a chunk may have if so many chunks are in memory; at least one."""
        symbols, slots = len(self._plan.symbols), len(SessionSlots(session, MINUTE))
        columns = len(FIELDS) + sum(len(spec.outputs) for spec in self._plan.specs)
        volumes = _BYTES_OF_VOLUME * symbols * len(self._moments)
        per_session = symbols * slots * (8 * columns + 1) + volumes  # a byte: whether there is a bar
        kept = volumes * (self._volumes.maxlen or 0)
        return max(1, min(MOST_SESSIONS, (self._memory - kept) // (chunks * per_session)))

    def load_history(self) -> History:
        """Read and return the history before the first session; also the volumes of the days before it."""
        self._session_data.history = self._sessions.load_history()
        if self._volumes.maxlen:
            self._read_volumes(self._sessions_before(self._volumes.maxlen))
        return self._session_data.history

    def load(self, sessions: Sequence[TradingSession]) -> list[UniverseSession]:
        """Return the next sessions of the plan, complete; EngineError if it is cancelled meanwhile."""
        symbols = len(self._plan.symbols)
        if not self._reads_pre_market:
            pre_market = [PreMarket.unknown(symbols)] * len(sessions)
            return list(map(self._completed, self._sessions.load(sessions), pre_market))
        found = PreMarketBars(self._pre_market_spans(sessions), MINUTE)
        loaded = self._sessions.load(sessions, others=found)
        return list(map(self._completed, loaded, found.figures(symbols)))

    def begin(self, session: TradingSession) -> BegunSession:
        """Return a session of the plan that is to grow: without bars of its day, whatever the store has."""
        [loaded] = self._sessions.load([session])
        slots, symbols = loaded.slots, len(self._plan.symbols)
        tape, computer = self._installed(replace(loaded, base=BarGrid.empty(symbols, len(slots))))
        span = self._pre_market_spans([session])[0] if self._reads_pre_market else None
        pre_market = PreMarket.unknown(symbols)
        if span is not None:
            pre_market = pre_market_figures(self._data, self._plan.symbols, MINUTE, span)
        made = UniverseSession(tape, pre_market, self._average(slots), self._session_data.history.daily)
        return BegunSession(made, computer, span)

    def _completed(self, loaded: LoadedSession, pre_market: PreMarket) -> UniverseSession:
        """Compute a session's tape, and add it to the history of the next one."""
        slots, data = loaded.slots, self._session_data
        tape = self._computed_tape(loaded)
        day = VolumeDay.of(slots, tape.base, self._moments)
        average = self._average(slots)
        self._volumes.append(day)
        data.clear_session_bars()
        extend_history(data.history, tape, loaded.companions)
        self._position += 1
        day_volume = DayVolume(day, slots, self._moments)
        return UniverseSession(tape, pre_market, average, data.history.daily, day_volume)

    def _average(self, slots: SessionSlots) -> VolumeAt:
        if not self._volumes:
            return unknown_volume(len(self._plan.symbols))
        return VolumeToNow(self._volumes, slots, self._moments)

    def _computed_tape(self, loaded: LoadedSession) -> Tape:
        tape, computer = self._installed(loaded)
        if not computer.compute(0, len(tape)):
            raise EngineError("the load of the universe was cancelled")
        return tape

    def _installed(self, loaded: LoadedSession) -> tuple[Tape, BlockComputer]:
        """Return the tape of a session with its history, and what computes it."""
        data, plan = self._session_data, self._plan
        install_session(plan, data, loaded, self._position, scores_history=False, earlier=NoEarlierValues())
        tape = data.require_tape()
        if self._measures_quality:
            tape.scores = np.broadcast_to(np.float64(np.nan), (len(tape.symbols), len(tape) + 1))
        computer = BlockComputer(
            tape,
            plan.specs,
            data.history_before,
            min_completeness=plan.min_completeness,
            cancelled=self.cancelled.is_set,
        )
        return tape, computer

    def _pre_market_spans(self, sessions: Sequence[TradingSession]) -> list[tuple[int, int]]:
        history = self._plan.history
        at = history.first_played + self._position
        before = [history.sessions[at - 1] if at else None, *sessions[:-1]]
        return [pre_market_span(session, one) for session, one in zip(sessions, before, strict=True)]

    def _sessions_before(self, days: int) -> tuple[TradingSession, ...]:
        """Return the trading days before the first session, oldest first; fewer where the calendar begins."""
        first = self._plan.sessions[0].trading_day
        try:
            start = self._time.get_previous_trading_date(first, days)
        except CalendarError:
            start, _ = exchange_bounds(self._time.exchange)
        return self._time.trading_sessions(start, first)[:-1]

    def _read_volumes(self, sessions: Sequence[TradingSession]) -> None:
        start = 0
        while start < len(sessions) and not self.cancelled.is_set():
            stop = start + self._sessions_at_once(sessions[start], 1)
            slots = [SessionSlots(session, MINUTE) for session in sessions[start:stop]]
            grids = self._data.load_sessions(self._plan.symbols, slots)
            for own, grid in zip(slots, grids, strict=True):
                self._volumes.append(VolumeDay.of(own, grid, self._moments))
            del grids  # before the next ones are read
            start = stop
