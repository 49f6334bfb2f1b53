"""Data that a strategy reads: those of the session and its history, cut at the slot of its call."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy

import numpy as np

from tapedeck.engine.errors import EngineError, unknown_name
from tapedeck.engine.intervals import Interval
from tapedeck.engine.quality.gaps_and_scores import FULL_SCORE, RunningScores
from tapedeck.engine.strategies.market import Market
from tapedeck.engine.tape.bar_grid import Floats
from tapedeck.engine.tape.session_data import SessionData, SymbolSessionData
from tapedeck.engine.tape.session_view import Bars, SessionView
from tapedeck.engine.tape.tape import SessionIdentity, Tape


class StrategyData:
    """Reads session data up to the slot of the call that is made now, by the names of `SessionData`.

    Arrays are read-only, and gaps are NaN. All raise EngineError for an unknown symbol or name.
    """

    __slots__ = ("_data", "_market", "_reading", "_scores", "_source", "_tape")

    def __init__(self, market: Market) -> None:
        self._market = market
        self._source = SessionData()
        self._tape: Tape | None = None
        self._reading: Tape | None = None
        self._data = SessionData()
        self._scores: RunningScores | None = None

    def begin_session(self, data: SessionData | None) -> None:
        """Read the session of the market; `data`: of the run, None without history."""
        self._source = SessionData() if data is None else data
        if data is None:
            self._source.restore_symbols(self._market.tape.symbols)
        self.forget()

    def forget(self) -> None:
        """Read the tape of the market anew: it may have another edition."""
        self._reading = None

    def _cut(self) -> SessionData:
        """Return session data that end at the slot of the market."""
        frontier = self._market.slot + 1
        tape = self._reading
        if tape is None:
            tape = self._reading = self._copied()
        tape.frontier = tape.processed = tape.scored = frontier
        if self._scores is not None:
            base = tape.base
            empty = base.confirmed_empty
            self._scores.advance(base.present, frontier, empty=empty, full=base.full is True)
        return self._data

    def _copied(self) -> Tape:
        """Return a tape with the arrays of the market's, and frontiers and scores of its own.

        The frontiers of the market's are those of other threads, which may be before or after this slot.
        """
        source = self._market.tape
        made = copy(source)
        made.identity, made.account = SessionIdentity(), None
        if source is not self._tape:
            self._tape, self._scores = source, None
            if source.scores is not None:
                values = np.full(source.scores.shape, np.nan)
                values[:, 0] = FULL_SCORE
                self._scores = RunningScores(values)
        made.scores = None if self._scores is None else self._scores.values
        self._data = self._source.reading(made)
        return made

    # Reading

    def view(self) -> SessionView:
        """Return the session so far."""
        view = self._cut().view()
        assert view is not None  # a tape is loaded
        return view

    def get_active_symbols(self) -> tuple[str, ...]:
        """Return the symbols of the session, in the order of their rows."""
        return self._cut().get_active_symbols()

    def get_loaded_symbols(self) -> tuple[str, ...]:
        """Return the symbols with at least one bar of the session so far."""
        return self._cut().get_loaded_symbols()

    def get_symbols_with_derived(self) -> Mapping[str, tuple[Interval, ...]]:
        """Return the intervals derived for each symbol."""
        return self._cut().get_symbols_with_derived()

    def get_streamed_data(self) -> tuple[Interval, ...]:
        """Return the streamed intervals: the base interval."""
        return self._cut().get_streamed_data()

    def get_generated_data(self) -> tuple[Interval, ...]:
        """Return the intervals that are derived from the base interval."""
        return self._cut().get_generated_data()

    def get_bars(self, symbol: str, interval: Interval | str) -> Bars:
        """Return a symbol's bars of the session so far; `interval`: such as `5m`."""
        return self._cut().get_bars(symbol, self._known(_interval(interval)))

    def get_indicator(self, symbol: str, name: str) -> float | None:
        """Return the last value of a session indicator, None before the first value."""
        return self._cut().get_indicator(symbol, name)

    def get_historical_indicator(self, symbol: str, name: str) -> float | Floats:
        """Return a historical indicator: a number, or float64 (minutes,); NaN where it is missing."""
        return self._cut().get_historical_indicator(symbol, name)

    def get_quality_metric(self, symbol: str) -> float:
        """Return a symbol's score so far, in percent."""
        return self._cut().get_quality_metric(symbol)

    def get_symbol_data(self, symbol: str) -> SymbolSessionData:
        """Return a symbol's bars, totals, indicators and history."""
        return self._cut().get_symbol_data(symbol)

    def history_bars(self, symbol: str, interval: Interval | str) -> tuple[Bars, ...]:
        """Return a symbol's bars before the session, as deep as the session file requests, oldest first.

        Below a day one part per session, otherwise one part in all.
        """
        return self._cut().history_bars(self.view(), symbol, _interval(interval))

    def _known(self, interval: Interval) -> Interval:
        known = self._market.tape.intervals
        if interval not in known:
            raise EngineError(unknown_name("interval", str(interval), [str(one) for one in known]))
        return interval


def _interval(interval: Interval | str) -> Interval:
    return Interval.parse(interval) if isinstance(interval, str) else interval
