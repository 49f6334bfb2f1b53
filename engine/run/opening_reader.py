"""Opening reader: opening values of any session of a run, on request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from tapedeck.engine.clock.pre_market import pre_market_span
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.errors import CalendarError
from tapedeck.engine.read.opening_values import OpeningValues, values_at_close
from tapedeck.engine.run.earlier_sessions import EarlierSessions
from tapedeck.engine.run.joining import JoiningSymbols
from tapedeck.engine.run.pre_market import pre_market_figures
from tapedeck.engine.run.tape_cache import TapeCache
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.streams.stream_plan import StreamPlan
from tapedeck.engine.tape.session_view import SessionView


class OpeningReader:
    """Reads opening values in the caller's thread; the run continues. Any thread may call it.

    A session before that is in memory is not computed again; before the run's first day it comes from
    `earlier`, and for symbols that joined from `joining`. `wait_until_recorded` is called if a
    day of the run is not in the cache yet.
    """

    def __init__(
        self,
        plan: StreamPlan,
        data: DataManager,
        time: TimeManager,
        earlier: EarlierSessions,
        joining: JoiningSymbols,
        played: TapeCache | None,
        wait_until_recorded: Callable[[], object],
    ) -> None:
        self._plan = plan
        self._data = data
        self._time = time
        self._earlier = earlier
        self._joining = joining
        self._played = played
        self._wait_until_recorded = wait_until_recorded

    def of(self, trading_day: date) -> OpeningValues:
        """Return the opening values of a trading day: of the file's symbols, and those there the day before.

        Raises StoreError if the store cannot be read, ExportError if the day before was played and the store
        has changed since.
        """
        before = self._session_before(trading_day)
        view = None if before is None else self._close_of(before.trading_day, trading_day)
        there = self._plan.symbols if view is None else view.symbols
        found = self._values(trading_day, there, view)
        # Symbols of the file that left during the day before.
        gone = [symbol for symbol in self._plan.symbols if symbol not in there]
        if not gone:
            return found
        symbols = tuple(dict.fromkeys((*self._plan.symbols, *there)))
        return found.with_others(self.of_others(trading_day, gone)).for_symbols(symbols)

    def of_others(self, trading_day: date, symbols: Sequence[str]) -> OpeningValues:
        """Return the opening values of other symbols, whose session before is computed for them alone.

        Raises StoreError if the store cannot be read, DataMissingError if it has nothing of a symbol.
        """
        tape = self._joining.tape_before(symbols, trading_day)
        return self._values(trading_day, symbols, None if tape is None else SessionView(tape))

    def _values(self, trading_day: date, symbols: Sequence[str], view: SessionView | None) -> OpeningValues:
        """Return the values of some symbols; `view`: their session before, at its close."""
        session, before = self._time.get_trading_session(trading_day), self._session_before(trading_day)
        return OpeningValues(
            trading_day,
            None if before is None else before.trading_day,
            tuple(symbols),
            {} if view is None else values_at_close(view),
            pre_market_figures(self._data, symbols, self._plan.base, pre_market_span(session, before)),
        )

    def _session_before(self, trading_day: date) -> TradingSession | None:
        try:
            return self._time.get_trading_session(self._time.get_previous_trading_date(trading_day))
        except CalendarError:  # the calendar's first day
            return None

    def _close_of(self, day: date, next_day: date) -> SessionView | None:
        """Return a session at its close; `next_day`: the trading day after it."""
        if self._played is not None:
            if day not in self._played.days() and day >= self._plan.sessions[0].trading_day:
                self._wait_until_recorded()
            if day in self._played.days():
                return (self._played.cached(day) or self._played.session(day)).view()
        tape = self._earlier.before(next_day)
        return None if tape is None else SessionView(tape)
