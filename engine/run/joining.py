"""Joining symbols: one or more symbols of a session, loaded as if they had been there from the open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.indicators.block_computer import BlockComputer
from tapedeck.engine.quality.gaps_and_scores import RunningScores
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.streams.stream_plan import StreamPlan
from tapedeck.engine.tape.session_data import SessionData
from tapedeck.engine.tape.tape import Tape


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
        raise NotImplementedError


class JoiningSymbols:
    """Loads symbols that are to join a run, in the caller's thread. Thread-safe.

    They get the intervals, indicators and history of the session file, on the run's base interval, whatever
    else is stored for them.
    """

    def __init__(
        self,
        config: SessionConfig,
        plan: StreamPlan,
        time: TimeManager,
        data: DataManager,
        *,
        cancelled: Callable[[], bool] = bool,
    ) -> None:
        self._config = config
        self._plan = plan
        self._time = time
        self._data = data
        self._cancelled = cancelled

    def known_symbols(self) -> tuple[str, ...]:
        """Return the symbols of the store that have bars of the base interval, sorted."""
        raise NotImplementedError

    def stored_name(self, symbol: str) -> str:
        """Return a symbol as it is stored; other case is accepted if only one symbol is meant.

        DataMissingError for one that is not stored, with the nearest names, or that has no bars of the base
        interval, with the command that imports them.
        """
        raise NotImplementedError

    def load(self, symbols: Sequence[str], trading_day: date) -> LoadedSymbols:
        """Load symbols for a session of the run. Raises DataMissingError as `stored_name`; StoreError.

        A symbol without bars on that day is loaded, and empty.
        """
        raise NotImplementedError
