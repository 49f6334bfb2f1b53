"""Values of earlier sessions for conditions: found on request, then carried on from session to session."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from dataclasses import replace
from datetime import date
from threading import Event, Lock
from typing import Final, NamedTuple

import numpy as np

from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.conditions.known_values import KnownValues, bar_field, last_bars_of
from tapedeck.engine.intervals import WEEK
from tapedeck.engine.run.stored_bars import StoredBars
from tapedeck.engine.streams.stream_plan import StreamPlan
from tapedeck.engine.tape.bar_grid import Floats
from tapedeck.engine.tape.earlier_values import EarlierNeed, EarlierValues, Series
from tapedeck.engine.tape.history import monday_of
from tapedeck.engine.tape.last_bars import LastBars
from tapedeck.engine.tape.tape import Tape

# Most bytes of values that are kept; those of one day are kept whatever their size.
_KEPT_BYTES: Final = 32 * 2**20

Cancelled = Callable[[], bool]
"""Polled while values are found; True ends it."""
TapeBefore = Callable[[date, Cancelled], Tape | None]
"""Returns the whole tape of the trading day before a day; None before the calendar's first, or cancelled."""
ReadBack = Callable[[date, Callable[[Tape], LastBars], Cancelled], Iterator[tuple[TradingSession, LastBars]]]
"""Yields the sessions before a day, the latest first, with what was read of their whole tapes."""


class _Key(NamedTuple):
    """A series before a trading day: its last bars, or its value at the end of the session before."""

    day: date
    series: Series
    is_end: bool


class EarlierValueCache:
    """Values of the sessions before any trading day, as a run over them would show them. Thread-safe.

    They depend on the store and the session file alone. What was carried on from the session before, or found
    already, is returned at once; other bar fields are read from the store, and other values from tapes.
    Methods with `cancelled` raise CancelledError once it returns True; nothing is kept then.
    """

    def __init__(
        self, plan: StreamPlan, stored: StoredBars, tape_before: TapeBefore, read_back: ReadBack
    ) -> None:
        self._base = plan.base
        self._weekly = {name for spec in plan.specs if spec.interval == WEEK for name in spec.outputs}
        self._stored = stored
        self._tape_before = tape_before
        self._read_back = read_back
        self._lock = Lock()  # guards the next two
        self._kept: OrderedDict[_Key, LastBars] = OrderedDict()
        self._bytes = 0
        self._interrupted = Event()

    def interrupt(self) -> None:
        """End the searches that are in progress because conditions are evaluated: with CancelledError."""
        self._interrupted.set()
        self._interrupted = Event()

    def until_interrupted(self) -> Cancelled:
        """Return a function that returns whether `interrupt` was called since."""
        return self._interrupted.is_set

    def before(self, day: date) -> EarlierValues:
        """Return the values of the sessions before a trading day."""
        return _ValuesBefore(self, day)

    def last_bars(self, day: date, series: Series, count: int, cancelled: Cancelled = bool) -> LastBars:
        """Return a series at the last `count` bars before a day, or at more; StoreError as the store."""
        key = _Key(day, series, is_end=False)
        found = self._get(key)
        if found is None or found.values.shape[1] < count:
            found = self._find_bars(day, series, count, cancelled)
            self._keep(key, found, cancelled)
        return found

    def end(self, day: date, series: Series, cancelled: Cancelled = bool) -> Floats:
        """Return the values held at the end of the session before a day, (rows,); StoreError as the store."""
        key = _Key(day, series, is_end=True)
        found = self._get(key)
        if found is None:
            tape = self._tape_before(day, cancelled)
            found = LastBars.none(series.symbols, 1) if tape is None else _end_of(tape, series)
            self._keep(key, found, cancelled)
        return found.values[:, -1]

    def find(self, day: date, needs: Iterable[EarlierNeed], cancelled: Cancelled = bool) -> None:
        """Find what conditions need before a day, so that it is there when they are evaluated."""
        for series, bars, is_end in needs:
            if bars:
                self.last_bars(day, series, bars, cancelled)
            if is_end:
                self.end(day, series, cancelled)

    def has(self, day: date, needs: Iterable[EarlierNeed]) -> bool:
        """Whether what conditions need before a day is there."""
        return all(self._has(day, need) for need in needs)

    def _has(self, day: date, need: EarlierNeed) -> bool:
        series, count, is_end = need
        bars = self._get(_Key(day, series, is_end=False)) if count else None
        has_bars = not count or (bars is not None and bars.values.shape[1] >= count)
        return has_bars and (not is_end or self._get(_Key(day, series, is_end=True)) is not None)

    def carry_on(self, tape: Tape, following: date, needs: Iterable[EarlierNeed]) -> None:
        """Keep what conditions need of a session that is over, for the session of the day `following`."""
        counts: dict[Series, int] = {}
        for series, bars, is_end in needs:
            counts[series] = max(bars, counts.get(series, 0))
            if is_end:
                self._keep(_Key(following, series, is_end=True), _end_of(tape, series))
        for series, count in counts.items():
            if count:
                bars_before = self._carried(tape, following, series, count)
                self._keep(_Key(following, series, is_end=False), bars_before)

    def _carried(self, tape: Tape, following: date, series: Series, count: int) -> LastBars:
        """Return a series at the last bars of a session that is over, and of those before it."""
        day = tape.session.trading_day
        if series.name in self._weekly and monday_of(day) == monday_of(following):
            earlier = self.last_bars(day, series, count)
            return replace(earlier, traded=np.zeros_like(earlier.traded))
        own = last_bars_of(tape, series, count)
        field = bar_field(series.name, series.interval)
        if field is not None:
            interval = series.interval or self._base
            own = self._stored.with_stored_day(own, tape.session, interval, field, series.symbol_rows)
        return own.after(self.last_bars(day, series, count)) if (own.counts < count).any() else own

    def _find_bars(self, day: date, series: Series, count: int, cancelled: Cancelled) -> LastBars:
        field = bar_field(series.name, series.interval)
        if field is not None:
            interval = series.interval or self._base
            return self._stored.before(day, interval, field, series.symbol_rows, count, cancelled)
        if series.name in self._weekly:
            return self._find_weeks(day, series, count, cancelled)
        found: LastBars | None = None
        for session, bars in self._read_back(day, lambda tape: last_bars_of(tape, series, count), cancelled):
            found = bars if found is None else found.after(bars)
            if self._is_complete(found, session, series, count):
                break
        return LastBars.none(series.symbols, count) if found is None else found

    def _find_weeks(self, day: date, series: Series, count: int, cancelled: Cancelled) -> LastBars:
        """Return an indicator on 1w in the weeks before that of a day; it is the same all week."""
        found = LastBars.none(series.symbols, count)
        tape = self._tape_before(day, cancelled)
        traded = found.traded
        if tape is not None and monday_of(tape.session.trading_day) == monday_of(day):
            tape = self._tape_before(date.fromordinal(monday_of(day)), cancelled)
        elif tape is not None:
            traded = last_bars_of(tape, series, 1).traded
        while tape is not None:
            found = found.after(last_bars_of(tape, series, count))
            if self._is_complete(found, tape.session, series, count):
                break
            tape = self._tape_before(date.fromordinal(monday_of(tape.session.trading_day)), cancelled)
        return replace(found, traded=traded)

    def _is_complete(self, found: LastBars, session: TradingSession, series: Series, count: int) -> bool:
        """Whether there is nothing to add from the sessions before one."""
        lacking = np.flatnonzero(found.counts < count) + series.first
        return self._stored.begins_with(session, lacking, days=series.name in self._weekly)

    def _get(self, key: _Key) -> LastBars | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _keep(self, key: _Key, bars: LastBars, cancelled: Cancelled = bool) -> None:
        if cancelled():  # they may be incomplete
            raise CancelledError
        with self._lock:
            replaced = self._kept.pop(key, None)
            self._bytes += bars.nbytes - (0 if replaced is None else replaced.nbytes)
            self._kept[key] = bars
            if self._bytes > _KEPT_BYTES:
                self._drop_other_days(key.day)

    def _drop_other_days(self, day: date) -> None:
        """Drop values of other days, the longest unused first; those of one day are needed together."""
        for key in [key for key in self._kept if key.day != day]:
            self._bytes -= self._kept.pop(key).nbytes
            if self._bytes <= _KEPT_BYTES:
                return


class _ValuesBefore:
    """Values of the sessions before one trading day."""

    def __init__(self, cache: EarlierValueCache, day: date) -> None:
        self._cache = cache
        self._day = day

    def at_bars(self, series: Series, count: int) -> Floats:
        """Return a series at each symbol's last `count` bars before the session, float64 (rows, count)."""
        return self._last_bars(series, count).values[:, -count:]

    def at_end(self, series: Series, back: int) -> Floats:
        """Return a series, `back` bars back, at the end of the session before, float64 (rows,)."""
        if not back and bar_field(series.name, series.interval) is None:
            return self._cache.end(self._day, series, self._cache.until_interrupted())
        bars = self._last_bars(series, back + 1)
        # Without a bar in that session, it ended as it began: the last bar before it is 1 back.
        untraded = bars.values[:, -back] if back else np.full(series.symbols, np.nan)
        return np.where(bars.traded, bars.values[:, -1 - back], untraded)

    def _last_bars(self, series: Series, count: int) -> LastBars:
        return self._cache.last_bars(self._day, series, count, self._cache.until_interrupted())


def _end_of(tape: Tape, series: Series) -> LastBars:
    """Return the values held at the end of a session."""
    end = len(tape)
    values = KnownValues(tape, end, end).value(series.name, series.rows, series.interval)
    return LastBars.of(values, np.ones(values.shape, dtype=np.bool_), 1)
