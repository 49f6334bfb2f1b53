"""Session data: a run's symbols, its current tape, and its history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np

from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.errors import EngineError, unknown_name_with_hint
from tapedeck.engine.intervals import Interval
from tapedeck.engine.quality.gaps_and_scores import Gap, HistoricalQuality
from tapedeck.engine.tape.bar_grid import FIELDS, BarGrid, Floats, Ints
from tapedeck.engine.tape.edition_memory import EditionMemory
from tapedeck.engine.tape.historical_value import HistoricalValue
from tapedeck.engine.tape.history import History, HistoryDay
from tapedeck.engine.tape.played_session import PlayedSession
from tapedeck.engine.tape.quote_view import QuoteView
from tapedeck.engine.tape.session_totals import SessionTotals
from tapedeck.engine.tape.session_view import Bars, SessionView, frozen
from tapedeck.engine.tape.tape import IndicatorColumn, Lineage, Tape


@dataclass(frozen=True, slots=True)
class BarIntervalData:
    """A symbol's bars of one interval, up to the clock.

    `base`: the interval they are derived from, None for the base interval. `quality` (percent) and `gaps`
    (base slots) are those of the base interval. `updated`: close of the last bar, UTC, None before the first.
    """

    interval: Interval
    derived: bool
    base: Interval | None
    data: Bars
    quality: float
    gaps: tuple[Gap, ...]
    updated: datetime | None


@dataclass(frozen=True, slots=True)
class HistoricalSymbolData:
    """A symbol's history: bars by interval, historical indicators by name, quality by interval."""

    bars: Mapping[Interval, tuple[Bars, ...]]
    indicators: Mapping[str, float | Floats]
    quality: Mapping[Interval, HistoricalQuality]


@dataclass(frozen=True, slots=True)
class SymbolSessionData:
    """One symbol's data, cut at the clock of the call that returned it.

    `quotes`: None unless the session streams them.
    """

    symbol: str
    row: int
    base_interval: Interval
    bars: Mapping[Interval, BarIntervalData]
    totals: SessionTotals | None
    indicators: Mapping[str, float | None]
    historical: HistoricalSymbolData
    quotes: QuoteView | None = None


class SymbolCommands(Protocol):
    """Commands of a run that change the symbols of its session; they block until it is done."""

    def add_symbol(self, symbol: str) -> object:
        """Have a symbol join."""
        ...

    def remove_symbol(self, symbol: str) -> object:
        """Have a symbol leave."""
        ...


class SessionData:
    """Symbols, the current tape and history, for strategies, scanners and users.

    All reading goes through a `SessionView` at the clock; `view()` gives several values of one moment. Each
    engine thread writes its own part, through the tape's own methods, here as in the engine. While a session
    is loaded, symbols join and leave through the run's `commands`, from any thread but its own. Reading
    raises EngineError for an unknown symbol or without a loaded session; lists are empty and `view()` is
    None then.
    """

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._lineage: Lineage | None = None
        self._active = False
        self.history = History({}, None)
        self.requested_history: Mapping[Interval, Ints] = {}
        self.commands: SymbolCommands | None = None
        self.joined: Mapping[str, SessionData] = {}
        """Symbols that joined the current session, each with the data it was loaded with, and its history."""

    # Symbols

    def register_symbol_data(self, symbol: str) -> int:
        """Add a symbol unless it is registered, and return its row.

        While a session is loaded it joins the session: raises as `SystemManager.add_symbol`.
        """
        tape = self.tape
        if tape is not None and self.commands is not None:
            if symbol not in tape.rows:
                self.commands.add_symbol(symbol)
            return self._row(symbol, self.tape)
        return self._rows.setdefault(symbol, len(self._rows))

    def remove_symbol(self, symbol: str) -> None:
        """Remove a symbol; the rows after it move up.

        While a session is loaded it leaves the session: raises as `SystemManager.remove_symbol`. EngineError
        between two sessions, once history is loaded.
        """
        self._row(symbol, self.tape)
        if self.tape is not None and self.commands is not None:
            self.commands.remove_symbol(symbol)
            return
        if self.tape is not None or self.history.intraday or self.history.daily is not None:
            raise EngineError(
                f"{symbol} cannot be removed while a tape or history holds it; clear them first"
            )
        kept = [name for name in self._rows if name != symbol]
        self._rows = {name: row for row, name in enumerate(kept)}

    def restore_symbols(self, symbols: Sequence[str]) -> None:
        """Register the symbols with which the next session is loaded, between two sessions."""
        self._rows = {symbol: row for row, symbol in enumerate(symbols)}
        self.joined = {}

    def get_active_symbols(self) -> tuple[str, ...]:
        """Return the symbols of the session, in the order of their rows."""
        tape = self.tape
        return tuple(self._rows) if tape is None else tape.symbols

    def get_loaded_symbols(self) -> tuple[str, ...]:
        """Return the symbols with at least one bar of the session up to the clock."""
        view = self.view()
        return tuple(s for s in self.get_active_symbols() if view is not None and view.totals(s) is not None)

    def get_symbols_with_derived(self) -> Mapping[str, tuple[Interval, ...]]:
        """Return the intervals derived for each symbol."""
        derived = self.get_generated_data()
        return dict.fromkeys(self.get_active_symbols(), derived)

    def get_streamed_data(self) -> tuple[Interval, ...]:
        """Return the streamed intervals: the base interval."""
        tape = self.tape
        return () if tape is None else (tape.base_interval,)

    def get_generated_data(self) -> tuple[Interval, ...]:
        """Return the intervals that are derived from the base interval."""
        tape = self.tape
        return () if tape is None else tuple(tape.derived)

    # The session

    def load_tape(self, tape: Tape) -> None:
        """Set the current tape; EngineError unless its rows are the registered symbols in order."""
        if tape.symbols != tuple(self._rows):
            raise EngineError(
                f"the tape's symbols are {', '.join(tape.symbols)}: they must be the registered ones: "
                + ", ".join(self._rows)
            )
        self._lineage = tape.lineage

    def reading(self, tape: Tape) -> SessionData:
        """Return session data of the same symbols and history that read another tape, for one thread."""
        made = copy(self)
        made._lineage, made.commands = tape.lineage, None  # noqa: SLF001 - the same class
        return made

    def replace_tape(self, tape: Tape) -> None:
        """Put a new edition of the current tape in its place; EngineError for a tape of another session.

        Handles and new views are of it from now on, and the symbols are those of its rows. For the
        coordinator only, while no thread writes.
        """
        if self._lineage is None or self._lineage.current.identity is not tape.identity:
            raise EngineError(f"edition {tape.edition} is not of the session that is loaded")
        self._lineage.replace(tape)

    @property
    def tape(self) -> Tape | None:
        """The newest edition of the current tape, for the threads that write it; readers take `view()`."""
        lineage = self._lineage
        return None if lineage is None else lineage.current

    def require_tape(self) -> Tape:
        """Return the current tape; EngineError if no session is loaded."""
        tape = self.tape
        if tape is None:
            raise EngineError("no session is loaded")
        return tape

    def played(self) -> PlayedSession | None:
        """Return a handle of the current session, for readers that step back in it; None without one."""
        tape = self.tape
        return None if tape is None else PlayedSession(tape)

    def view(self, frontier: int | None = None) -> SessionView | None:
        """Return the session cut at the clock, or at an earlier frontier; None if no session is loaded."""
        played = self.played()
        return None if played is None else played.view(frontier)

    def activate_session(self) -> None:
        """Mark the session as active."""
        self.require_tape()
        self._active = True

    def deactivate_session(self) -> None:
        """Mark the session as inactive; its data stay."""
        self._active = False

    def is_session_active(self) -> bool:
        """Whether a session is active."""
        return self._active

    def clear_session_bars(self) -> None:
        """Drop the current tape; symbols and history stay."""
        self._active = False
        if self._lineage is not None:
            self._lineage.memory = EditionMemory()  # handles may stay; what editions could use again does not
        self._lineage = None

    def clear(self) -> None:
        """Drop the tape, all symbols and all history."""
        self.clear_session_bars()
        self._rows.clear()
        self.history = History({}, None)
        self.requested_history = {}

    # Bars

    def append_bar(self, symbol: str, slot: int, bar: tuple[float, float, float, float, float]) -> None:
        """Write a base bar into its slot, over an earlier one. For the writer of base bars only."""
        tape = self.require_tape()
        if not 0 <= slot < len(tape):
            raise EngineError(f"{symbol}: slot {slot} is outside the session's {len(tape)} slots")
        tape.base.write_bar(self._row(symbol, tape), slot, bar)

    def get_bars(self, symbol: str, interval: Interval) -> Bars:
        """Return a symbol's bars up to the clock, as read-only views without a copy."""
        return self._view_with(symbol).bars(symbol, interval)

    def history_before(self, interval: Interval) -> Sequence[BarGrid]:
        """Return the held bars of an interval of the earlier sessions, one grid each, oldest first."""
        if interval.is_intraday:
            kept = self.history.intraday.get(interval)
            return [] if kept is None else [held.grid for held in kept.last(kept.common_depth)]
        depth = len(self.history.daily.days) if self.history.daily else 0
        day = self.require_tape().session.trading_day
        return [held.grid for held in self.history.days(interval, depth, day)]

    # Quality and indicators

    def set_quality_metric(self, scored: int) -> None:
        """Publish that the scores up to frontier `scored` are written. For the quality manager only."""
        self.require_tape().scored = scored

    def get_quality_metric(self, symbol: str) -> float:
        """Return a symbol's score so far, in percent; it holds for all intervals."""
        return self._view_with(symbol).quality(symbol)

    def set_indicator(self, column: IndicatorColumn) -> None:
        """Add an indicator's column to the tape. For the data processor only."""
        self.require_tape().set_indicator(column)

    def get_indicator(self, symbol: str, name: str) -> float | None:
        """Return the last value of a session indicator up to the clock, None before the first value."""
        view = self._view_with(symbol)
        if name not in view.indicator_names():
            raise EngineError(unknown_name_with_hint("indicator", name, view.indicator_names()))
        return view.indicator(symbol, name)

    def set_historical_indicator(self, value: HistoricalValue) -> None:
        """Add a historical indicator, computed before the session, to the tape."""
        self.require_tape().set_historical_indicator(value)

    def get_historical_indicator(self, symbol: str, name: str) -> float | Floats:
        """Return a historical indicator: a number, or float64 (minutes,); NaN where it is missing."""
        view = self._view_with(symbol)
        if name not in view.historical_names():
            raise EngineError(unknown_name_with_hint("historical indicator", name, view.historical_names()))
        return _of_row(view.historical_value(name), view.row(symbol))

    # One symbol

    def get_symbol_data(self, symbol: str) -> SymbolSessionData:
        """Return a symbol's bars, totals, indicators, history and quotes, cut at the clock."""
        view = self._view_with(symbol)
        return SymbolSessionData(
            symbol=symbol,
            row=view.row(symbol),
            base_interval=view.base_interval,
            bars={interval: _interval_data(view, symbol, interval) for interval in view.intervals},
            totals=view.totals(symbol),
            indicators={name: view.indicator(symbol, name) for name in view.indicator_names()},
            historical=self._historical(symbol, view),
            quotes=view.quotes(symbol),
        )

    def history_of(self, symbol: str) -> tuple[History, int] | None:
        """Return the history of a symbol and its row in it; None for one that joined and has left."""
        loaded = self.joined.get(symbol, self)
        row = loaded._rows.get(symbol)  # noqa: SLF001 - the same class
        return None if row is None else (loaded.history, row)

    def history_bars(self, view: SessionView, symbol: str, interval: Interval) -> tuple[Bars, ...]:
        """Return a symbol's bars of an interval before the session of a view, as deep as the file requests.

        Oldest first: below a day one part per session, otherwise one part in all. Empty for a symbol that
        joined the session and left it: its history is not in memory any more.
        """
        loaded = self.joined.get(symbol)
        if loaded is not None:
            return loaded.history_bars(view, symbol, interval)
        if symbol not in self._rows and symbol in view.symbols:
            return ()
        row, depths = self._history_row(symbol), self.requested_history.get(interval)
        if depths is None or not depths[row]:
            return ()
        return tuple(
            _history_bars(held, own)
            for held in self.history.days(interval, int(depths[row]), view.trading_day)
            if (own := held.row_of(row)) is not None
        )

    def _historical(self, symbol: str, view: SessionView) -> HistoricalSymbolData:
        loaded = self.joined.get(symbol, self)
        own = loaded._history_row(symbol)  # noqa: SLF001 - the same class
        bars = {
            interval: self.history_bars(view, symbol, interval)
            for interval, depths in loaded.requested_history.items()
            if depths[own]
        }
        quality = {i: q for (name, i), q in view.historical_quality.items() if name == symbol}
        row = view.row(symbol)
        values = {name: _of_row(view.historical_value(name), row) for name in view.historical_names()}
        return HistoricalSymbolData(bars, values, quality)

    def _view_with(self, symbol: str) -> SessionView:
        """Return a view of the newest edition, which has the symbol."""
        tape = self.tape
        self._row(symbol, tape)
        return SessionView(self.require_tape() if tape is None else tape)

    def _row(self, symbol: str, tape: Tape | None) -> int:
        """Return a symbol's row of a tape, or the registered one without a tape."""
        rows = self._rows if tape is None else tape.rows
        if symbol not in rows:
            raise EngineError(unknown_name_with_hint("symbol", symbol, tuple(rows)))
        return rows[symbol]

    def _history_row(self, symbol: str) -> int:
        """Return a symbol's row of the history, in which symbols keep the rows they were registered with."""
        return self._row(symbol, None)


def _interval_data(view: SessionView, symbol: str, interval: Interval) -> BarIntervalData:
    data = view.bars(symbol, interval)
    last = np.flatnonzero(~np.isnan(data.close))
    derived = interval != view.base_interval
    return BarIntervalData(
        interval=interval,
        derived=derived,
        base=view.base_interval if derived else None,
        data=data,
        quality=view.quality(symbol),
        gaps=view.gaps(symbol),
        updated=utc_from_epoch(int(view.closed_at(interval)[last[-1]])) if len(last) else None,
    )


def _of_row(value: HistoricalValue, row: int) -> float | Floats:
    values = value.values[row]
    return values if isinstance(values, np.ndarray) else float(values)


def _history_bars(day: HistoryDay, row: int) -> Bars:
    fields = dict(zip(FIELDS, frozen(day.grid.values)[:, row], strict=True))
    counts = frozen(day.grid.present[row].astype(np.int32))
    return Bars(frozen(day.opened_at), **fields, base_bars=counts)
