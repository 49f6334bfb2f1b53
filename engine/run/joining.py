"""Joining symbols: one or more symbols of a session, loaded as if they had been there from the open."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from threading import Lock
from typing import Final

from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.errors import DataMissingError, EngineError, did_you_mean, listed
from tapedeck.engine.indicators.block_computer import BlockComputer
from tapedeck.engine.intervals import Interval
from tapedeck.engine.quality.gaps_and_scores import RunningScores
from tapedeck.engine.run.earlier_sessions import EarlierSessions
from tapedeck.engine.run.session_loader import SessionLoader
from tapedeck.engine.run.session_setup import install_session
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.store.symbol_hints import nearest_symbol
from tapedeck.engine.streams.requirements import StreamRequirements
from tapedeck.engine.streams.stream_plan import StreamPlan
from tapedeck.engine.symbols import symbol_fault
from tapedeck.engine.tape.history import History
from tapedeck.engine.tape.session_data import SessionData
from tapedeck.engine.tape.tape import Tape

# Symbols whose earlier sessions are kept, those that joined last.
_KEPT: Final = 16


@dataclass(frozen=True, slots=True)
class LoadedSymbols:
    """Symbols loaded for one session: their own plan, tape and history, in a SessionData of their own.

    `data.tape`: the whole session's bars of these symbols, with their historical values, of which nothing is
    computed yet.
    """

    plan: StreamPlan
    data: SessionData

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols, in the order of their rows."""
        return self.plan.symbols

    @property
    def trading_day(self) -> date:
        """The session's date."""
        return self.tape.session.trading_day

    @property
    def tape(self) -> Tape:
        """Their tape."""
        return self.data.require_tape()

    def computed(self, processed: int, scored: int) -> tuple[BlockComputer, RunningScores | None]:
        """Compute the tape up to one frontier, and score it up to another; return what goes on from there."""
        tape, scores = self.tape, None
        computer = BlockComputer(
            tape, self.plan.specs, self.data.history_before, min_completeness=self.plan.min_completeness
        )
        computer.compute(0, processed)
        tape.processed = processed
        if tape.scores is not None:
            scores = RunningScores(tape.scores)
            scores.advance(tape.base.present, scored, empty=tape.base.confirmed_empty)
            tape.scored = scored
        tape.frontier = processed if scores is None else min(processed, scored)
        return computer, scores


class JoiningSymbols:
    """Loads symbols that are to join a run, in the caller's thread. Thread-safe.

    They get the intervals, indicators and history of the session file, on the run's base interval, whatever
    else is stored for them. `arriving`: intervals that a feed delivers, which count as stored for every
    symbol.
    """

    def __init__(
        self,
        config: SessionConfig,
        plan: StreamPlan,
        time: TimeManager,
        data: DataManager,
        *,
        arriving: Collection[Interval] = (),
    ) -> None:
        self._config = config
        self._plan = plan
        self._data = data
        self._arriving = frozenset(arriving)
        self._requirements = StreamRequirements(config, time, data)
        self._sessions = {session.trading_day: session for session in plan.sessions}
        self._lock = Lock()  # guards the next
        self._earlier: OrderedDict[tuple[str, ...], EarlierSessions] = OrderedDict()

    def known_symbols(self) -> tuple[str, ...]:
        """Return the symbols of the store that have bars of the base interval, sorted.

        All of them where these bars arrive.
        """
        base = self._plan.base
        every = base in self._arriving
        return tuple(
            symbol for symbol, stored in self._data.store.series().items() if every or base in stored
        )

    def stored_name(self, symbol: str) -> str:
        """Return a symbol as it is stored; other case is accepted if only one symbol is meant.

        DataMissingError for one that is not stored, with the nearest names, or that has no bars of the base
        interval, with the command that imports them. Where these bars arrive, any symbol will do.
        """
        stored = self._data.stored_intervals([symbol])[symbol]
        if self._plan.base in stored | (self._arriving if stored else frozenset()):
            return symbol
        if stored:
            raise self._without_base(symbol, stored)
        meant = [name for name in self._data.store.series() if name.casefold() == symbol.casefold()]
        if len(meant) == 1 and meant[0] != symbol:
            return self.stored_name(meant[0])
        if len(meant) > 1:
            raise DataMissingError(
                f"{symbol}: not stored; {' and '.join(meant)} differ in case alone. Write one of them.",
                symbols=[symbol],
                interval=str(self._plan.base),
            )
        if self._plan.base in self._arriving and symbol_fault(symbol) is None:
            return symbol
        raise self._without_base(symbol, stored)

    def load(self, symbols: Sequence[str], trading_day: date) -> LoadedSymbols:
        """Load symbols for a session of the run. Raises DataMissingError as `stored_name`; StoreError.

        A symbol without bars on that day is loaded, and empty.
        """
        plan = self._plan_of(symbols, trading_day)
        loader, data = SessionLoader(plan, self._data), SessionData()
        for symbol in symbols:
            data.register_symbol_data(symbol)
        data.history, data.requested_history = loader.load_history(), plan.history.requested
        [loaded] = loader.load(plan.sessions)
        install_session(
            plan,
            data,
            loaded,
            0,
            scores_history=self._config.session_data_config.historical.enable_quality,
            earlier=self.earlier_sessions(plan).values.before(trading_day),
        )
        return LoadedSymbols(plan, data)

    def history_of(self, symbol: str, trading_day: date) -> tuple[History, int]:
        """Return the history of a symbol before a session of the run, and its row in it. Raises as `load`."""
        return self.load([symbol], trading_day).data.history, 0

    def tape_before(self, symbols: Sequence[str], trading_day: date) -> Tape | None:
        """Return the session before one of the run, computed to its close for some symbols alone.

        None before the calendar's first. Raises DataMissingError, StoreError.
        """
        plan = self._plan_of(symbols, trading_day)
        return self.earlier_sessions(plan).before(trading_day)

    def _plan_of(self, symbols: Sequence[str], trading_day: date) -> StreamPlan:
        """Return the plan of symbols for a session of the run, if they have bars of the base interval."""
        session = self._sessions.get(trading_day)
        if session is None:
            first, last = self._plan.sessions[0].trading_day, self._plan.sessions[-1].trading_day
            raise EngineError(f"{trading_day} is not a session of this run, which plays {first} to {last}")
        for symbol, stored in self._data.stored_intervals(symbols).items():
            if self._plan.base not in stored | self._arriving:
                raise self._without_base(symbol, stored)
        return self._requirements.plan_beside(self._plan, symbols, session, arriving=self._arriving)

    def earlier_sessions(self, plan: StreamPlan) -> EarlierSessions:
        """Return the sessions of the symbols of a plan before any day, computed on request."""
        with self._lock:
            if plan.symbols not in self._earlier:
                data_config = self._config.session_data_config.model_copy(update={"symbols": plan.symbols})
                config = self._config.model_copy(update={"session_data_config": data_config})
                self._earlier[plan.symbols] = EarlierSessions(config, plan, self._data, lambda: None)
                if len(self._earlier) > _KEPT:
                    self._earlier.popitem(last=False)
            self._earlier.move_to_end(plan.symbols)
            return self._earlier[plan.symbols]

    def interrupt(self) -> None:
        """End the searches in earlier sessions of these symbols that are in progress: with CancelledError."""
        with self._lock:
            known = list(self._earlier.values())
        for earlier in known:
            earlier.values.interrupt()

    def _without_base(self, symbol: str, stored: Collection[Interval]) -> DataMissingError:
        if not stored:
            return self._missing(
                symbol, f"no bars stored.{did_you_mean(nearest_symbol(symbol, self._data.store.series()))}"
            )
        only = listed([str(interval) for interval in sorted(stored)])
        return self._missing(
            symbol, f"no {self._plan.base} bars stored, which this session plays, only {only}."
        )

    def _missing(self, symbol: str, fault: str) -> DataMissingError:
        base, location = self._plan.base, self._data.store.location
        return DataMissingError(
            f"{symbol}: {fault}\nImport its {base} bars: `tapedeck import lean PATH --store {location}`, or "
            "`import csv`, `import parquet`.",
            symbols=[symbol],
            interval=str(base),
        )
