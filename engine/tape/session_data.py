"""Session data: what a run holds now, from its symbols and the tape they are on to its history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.errors import EngineError, nearest
from tapedeck.engine.intervals import Interval
from tapedeck.engine.quality.gaps_and_scores import Gap, HistoricalQuality
from tapedeck.engine.tape.bar_grid import FIELDS, BarGrid, Floats, Ints
from tapedeck.engine.tape.historical_value import HistoricalValue
from tapedeck.engine.tape.history import History, HistoryDay
from tapedeck.engine.tape.played_session import PlayedSession
from tapedeck.engine.tape.session_totals import SessionTotals
from tapedeck.engine.tape.session_view import Bars, SessionView, frozen
from tapedeck.engine.tape.tape import IndicatorColumn, Tape


@dataclass(frozen=True, slots=True)
class BarIntervalData:
    """A symbol's bars of one interval, up to the clock.

    `base` is the interval they are derived from, None for the base itself; `quality` in percent and `gaps`
    (base slots) are the base's; `updated` is when the last bar became known, None before the first.
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
    """What is known of a symbol's earlier days: bars by interval as asked for, indicators, quality."""

    bars: Mapping[Interval, tuple[Bars, ...]]
    indicators: Mapping[str, float | Floats]
    quality: Mapping[Interval, HistoricalQuality]


@dataclass(frozen=True, slots=True)
class SymbolSessionData:
    """A handle on one symbol's row, cut at the clock of the moment it was asked for."""

    symbol: str
    row: int
    base_interval: Interval
    bars: Mapping[Interval, BarIntervalData]
    totals: SessionTotals | None
    indicators: Mapping[str, float | None]
    historical: HistoricalSymbolData


class SessionData:
    """Symbols, the tape they are on, and history: what strategies, scanners and users read.

    Readers get all through a `SessionView` at the clock; those that need several things of one moment take
    `view()`. Written by the engine's threads, each its own part; what writes to a tape is the tape's own
    methods, here as in the engine. A symbol keeps its row for the whole run.
    """

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._tape: Tape | None = None
        self._active = False
        self.history = History({}, None)
        self.asked_history: Mapping[Interval, Ints] = {}

    # Symbols

    def register_symbol_data(self, symbol: str) -> int:
        """Add a symbol, and return its row."""
        return self._rows.setdefault(symbol, len(self._rows))

    def remove_symbol(self, symbol: str) -> None:
        """Take a symbol out, before a session or history is loaded; the rows after it move up."""
        self._row(symbol)
        if self._tape is not None or self.history.intraday or self.history.daily is not None:
            raise EngineError(
                f"{symbol} cannot be removed while a tape or history holds it; clear them first"
            )
        kept = [name for name in self._rows if name != symbol]
        self._rows = {name: row for row, name in enumerate(kept)}

    def get_active_symbols(self) -> tuple[str, ...]:
        """Return the symbols of the session, in the order of their rows."""
        return tuple(self._rows)

    def get_loaded_symbols(self) -> tuple[str, ...]:
        """Return the symbols that have a bar in the session up to the clock."""
        view = self.view()
        return tuple(s for s in self.get_active_symbols() if view is not None and view.totals(s) is not None)

    def get_symbols_with_derived(self) -> Mapping[str, tuple[Interval, ...]]:
        """Return the intervals derived for each symbol."""
        derived = () if self._tape is None else tuple(self._tape.derived)
        return dict.fromkeys(self.get_active_symbols(), derived)

    def get_streamed_data(self) -> tuple[Interval, ...]:
        """Return the intervals that are streamed: the base."""
        return () if self._tape is None else (self._tape.base_interval,)

    def get_generated_data(self) -> tuple[Interval, ...]:
        """Return the intervals that are made from the base."""
        return () if self._tape is None else tuple(self._tape.derived)

    # The session

    def load_tape(self, tape: Tape) -> None:
        """Put a session's tape in place; its rows are the registered symbols in order."""
        if tape.symbols != tuple(self._rows):
            raise EngineError("the tape's rows are not the registered symbols")
        self._tape = tape

    @property
    def tape(self) -> Tape | None:
        """The tape, for those who write a part of it; readers take `view()`."""
        return self._tape

    def require_tape(self) -> Tape:
        """Return the tape; EngineError where no session is loaded."""
        if self._tape is None:
            raise EngineError("no session is loaded")
        return self._tape

    def played(self) -> PlayedSession | None:
        """Return a handle on the session in place, for readers that look back in it; None where none is."""
        tape = self._tape
        return None if tape is None else PlayedSession(tape)

    def view(self, frontier: int | None = None) -> SessionView | None:
        """Return the session as it is known now, or at an earlier frontier; None where none is loaded."""
        tape = self._tape
        return None if tape is None else SessionView(tape, frontier)

    def activate_session(self) -> None:
        """Mark the session as under way."""
        self.require_tape()
        self._active = True

    def deactivate_session(self) -> None:
        """Mark the session as over; its data stay."""
        self._active = False

    def is_session_active(self) -> bool:
        """Whether a session is under way."""
        return self._active

    def clear_session_bars(self) -> None:
        """Let the session's tape go; symbols and history stay."""
        self._active = False
        self._tape = None

    def clear(self) -> None:
        """Forget everything."""
        self.clear_session_bars()
        self._rows.clear()
        self.history = History({}, None)
        self.asked_history = {}

    # Bars

    def append_bar(self, symbol: str, slot: int, bar: tuple[float, float, float, float, float]) -> None:
        """Write a base bar into its slot, over one that is there. Only the base's writer may."""
        tape = self.require_tape()
        if not 0 <= slot < len(tape):
            raise EngineError(f"{symbol}: slot {slot} is outside the session's {len(tape)} slots")
        tape.base.write_bar(self._row(symbol), slot, bar)

    def get_bars(self, symbol: str, interval: Interval) -> Bars:
        """Return a symbol's bars up to the clock, without copying them."""
        self._row(symbol)
        return self._require_view().bars(symbol, interval)

    def history_before(self, interval: Interval) -> Sequence[BarGrid]:
        """Return the bars of an interval that are held of the sessions before, oldest first."""
        if interval.is_intraday:
            kept = self.history.intraday.get(interval)
            return [] if kept is None else [held.grid for held in kept.last(kept.common_depth)]
        depth = len(self.history.daily.days) if self.history.daily else 0
        day = self.require_tape().session.trading_day
        return [held.grid for held in self.history.days(interval, depth, day)]

    # Quality and indicators

    def set_quality_metric(self, scored: int) -> None:
        """Publish that the scores up to frontier `scored` are written. Only the quality manager may."""
        self.require_tape().scored = scored

    def get_quality_metric(self, symbol: str) -> float:
        """Return a symbol's score so far, in percent; derived intervals carry their base's."""
        self._row(symbol)
        return self._require_view().quality(symbol)

    def set_indicator(self, column: IndicatorColumn) -> None:
        """Add an indicator's column to the tape. Only the data processor may."""
        self.require_tape().set_indicator(column)

    def get_indicator(self, symbol: str, name: str) -> float | None:
        """Return the last value of a session indicator up to the clock, None where it is missing."""
        self._row(symbol)
        view = self._require_view()
        if name not in view.indicator_names():
            raise EngineError(_unknown("indicator", name, view.indicator_names()))
        return view.indicator(symbol, name)

    def set_historical_indicator(self, value: HistoricalValue) -> None:
        """Keep a historical indicator, computed before the session."""
        self.require_tape().set_historical_indicator(value)

    def get_historical_indicator(self, symbol: str, name: str) -> float | Floats:
        """Return a historical indicator: a number, or an array by minute; NaN where it is missing."""
        view = self._require_view()
        if name not in view.historical_names():
            raise EngineError(_unknown("historical indicator", name, view.historical_names()))
        return _of_row(view.historical_value(name), self._row(symbol))

    # One symbol's handle

    def get_symbol_data(self, symbol: str) -> SymbolSessionData:
        """Return all that is known of a symbol now."""
        row, view = self._row(symbol), self._require_view()
        return SymbolSessionData(
            symbol=symbol,
            row=row,
            base_interval=view.base_interval,
            bars={interval: _interval_data(view, symbol, interval) for interval in view.intervals},
            totals=view.totals(symbol),
            indicators={name: view.indicator(symbol, name) for name in view.indicator_names()},
            historical=self._historical(symbol, row, view),
        )

    def history_bars(self, view: SessionView, symbol: str, interval: Interval) -> tuple[Bars, ...]:
        """Return a symbol's bars of an interval before the session of a view, as the file asks for them.

        Oldest first: one part a session below a day, one part for all daily ones.
        """
        row, depths = self._row(symbol), self.asked_history.get(interval)
        if depths is None or not depths[row]:
            return ()
        return tuple(
            _history_bars(held, own)
            for held in self.history.days(interval, int(depths[row]), view.trading_day)
            if (own := held.row_of(row)) is not None
        )

    def _historical(self, symbol: str, row: int, view: SessionView) -> HistoricalSymbolData:
        bars = {
            interval: self.history_bars(view, symbol, interval)
            for interval, depths in self.asked_history.items()
            if depths[row]
        }
        quality = {i: q for (name, i), q in view.historical_quality.items() if name == symbol}
        values = {name: _of_row(view.historical_value(name), row) for name in view.historical_names()}
        return HistoricalSymbolData(bars, values, quality)

    def _require_view(self) -> SessionView:
        return SessionView(self.require_tape())

    def _row(self, symbol: str) -> int:
        if symbol not in self._rows:
            raise EngineError(_unknown("symbol", symbol, self.get_active_symbols()))
        return self._rows[symbol]


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


def _unknown(what: str, name: str, known: Sequence[str] | Mapping[str, object]) -> str:
    hint = nearest(name, known)
    ask = f" Did you mean {hint!r}?" if hint else ""
    return f"{name!r} is no {what} of this session ({', '.join(known) or 'none'}).{ask}"
