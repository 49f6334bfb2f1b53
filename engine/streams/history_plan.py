"""History planner: depth of each interval's history, from the session file and the indicators."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import accumulate

import numpy as np

from tapedeck.engine.clock.calendars import exchange_bounds
from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.config import SessionDataConfig
from tapedeck.engine.errors import CalendarError
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.indicators.warm_up import ALL_STORED, MIN_SESSIONS, weeks_used
from tapedeck.engine.intervals import DAY, MINUTE, WEEK, Interval
from tapedeck.engine.streams.base_interval import Stored, choose_source
from tapedeck.engine.streams.periods import period_sessions, period_start
from tapedeck.engine.streams.store_start import StoreStart
from tapedeck.engine.streams.stream_plan import HistoryPlan, TrailingPlan
from tapedeck.engine.tape.bar_grid import Ints
from tapedeck.engine.tape.history import monday_of

# Extra days for a period that skips early closes, which are seldom more than one day in thirty.
_EARLY_CLOSE_MARGIN = 30
_EARLY_CLOSE_SHARE = 20
# Extra days that show whether the first week of a span is complete.
_WEEK_MARGIN = 6
# Extra weeks for those in which an exchange does not open at all, at most two or three a year.
_CLOSED_WEEKS = 4
_CLOSED_WEEKS_SHARE = 10
# Symbols named in a note.
_NAMED = 5


class HistoryPlanner:
    """Collects the history needed by one run, by interval, and notes about history that was added.

    `notes_shortage`: whether to note a store that begins too late for an indicator, which takes reading.
    """

    def __init__(
        self,
        config: SessionDataConfig,
        specs: Sequence[IndicatorSpec],
        played: Sequence[TradingSession],
        time: TimeManager,
        start: StoreStart,
        *,
        notes_shortage: bool = True,
    ) -> None:
        self._config = config
        self._specs = [spec for spec in specs if spec.lookback is not None]
        self._played = tuple(played)
        self._time = time
        self._start = start
        self._notes_shortage = notes_shortage
        self._sessions = self._all_sessions()
        self._first = len(self._sessions) - len(self._played)
        self._depths: dict[Interval, Ints] = {}
        self._bars_before: dict[Interval, list[int]] = {}
        self.notes: list[str] = []

    def plan(self, stored: Stored) -> HistoryPlan:
        """Return the plan; DataMissingError if a symbol has no source for its history."""
        requested = self._requested()
        for interval, depths in requested.items():
            self._need(interval, depths)
        trailing = tuple(self._trailing())
        for spec in self._specs:
            self._need_warm_up(spec)
        intraday = {interval: depths for interval, depths in self._depths.items() if interval.is_intraday}
        daily = [
            int(depths.max()) + (_WEEK_MARGIN if interval == WEEK else 0)
            for interval, depths in self._depths.items()
            if not interval.is_intraday
        ]
        symbols = self._config.symbols
        sources = {
            interval: tuple(choose_source(interval, symbol, stored) for symbol in symbols)
            for interval in [*intraday, *([DAY] if daily else [])]
        }
        return HistoryPlan(
            sessions=self._sessions,
            first_played=self._first,
            depths=intraday,
            requested=requested,
            sources=sources,
            trailing=trailing,
            daily_from=max(0, self._first - max(daily)) if daily else None,
        )

    def _requested(self) -> dict[Interval, Ints]:
        requested: dict[Interval, Ints] = {}
        for entry in self._config.historical.data:
            days = np.array([entry.trailing_days if entry.applies_to(s) else 0 for s in self._config.symbols])
            for interval in entry.intervals:
                requested[interval] = np.maximum(requested.get(interval, 0), days).astype(np.int64)
        return requested

    def _need(self, interval: Interval, depths: Ints | int, indicator: str | None = None) -> None:
        """Deepen an interval's history for the session file, or for an indicator."""
        needed = np.full(len(self._config.symbols), depths) if isinstance(depths, int) else depths
        before = self._depths.get(interval, np.zeros(len(needed), dtype=np.int64))
        self._depths[interval] = np.maximum(before, needed).astype(np.int64)
        if indicator is not None and bool((needed > before).any()):
            bars = f"{DAY}, for {WEEK}" if interval == WEEK else str(interval)
            self.notes.append(f"history added for {indicator}: {int(needed.max()):,} sessions of {bars}")

    def _trailing(self) -> list[TrailingPlan]:
        plans = []
        for name, definition in self._config.historical.indicators.items():
            positions = range(self._first, len(self._sessions))
            chosen = tuple(
                tuple(
                    period_sessions(
                        definition.period,
                        at,
                        self._sessions,
                        skip_early_close=definition.skip_early_close,
                    )
                )
                for at in positions
            )
            depth = max((at - days[0] for at, days in zip(positions, chosen, strict=True) if days), default=0)
            if depth:
                self._need(MINUTE if definition.granularity == "minute" else DAY, depth, name)
            plans.append(TrailingPlan(name, definition, chosen))
        return plans

    def _need_warm_up(self, spec: IndicatorSpec) -> None:
        if not spec.history_bars and spec.interval != WEEK:
            return
        depth = self._depth(spec)
        if depth:
            self._need(spec.interval, depth, spec.name)
        if self._notes_shortage and spec.description.is_recursive(spec.parameters):
            self._note_shortage(spec)

    def _depth(self, spec: IndicatorSpec) -> int:
        """Return the most sessions of history that an indicator needs at any session played."""
        bars = spec.history_bars
        if bars == ALL_STORED:
            return max(0, self._first - min(self._start.positions(spec.interval, self._sessions)))
        if spec.interval == WEEK:
            return self._week_depth(weeks_used(bars))
        if not spec.interval.is_intraday:
            return max(MIN_SESSIONS, bars)
        totals = self._totals(spec.interval)
        depth = 0
        for at in range(self._first, len(self._sessions)):
            start = int(np.searchsorted(totals, totals[at] - bars, side="right")) - 1
            depth = max(depth, at - max(0, min(start, at - MIN_SESSIONS)))
        return depth

    def _week_depth(self, weeks: int) -> int:
        """Return the most sessions from the first of so many complete weeks to a session played."""
        of_session = np.array(self._totals(WEEK)[:-1])
        starts = np.searchsorted(of_session, of_session[self._first :] - weeks)
        depths = np.arange(self._first, len(of_session)) - starts
        return int(depths.max())

    def _note_shortage(self, spec: IndicatorSpec) -> None:
        """Note a store that begins later than the history of an indicator that remembers its start."""
        totals, bars = self._totals(spec.interval), spec.history_bars
        stored = [
            max(0, totals[self._first] - totals[at])
            for at in self._start.positions(spec.interval, self._sessions)
        ]
        short = [s for s, held in zip(self._config.symbols, stored, strict=True) if held < bars]
        if short:
            more = f" and {len(short) - _NAMED} more" if len(short) > _NAMED else ""
            self.notes.append(
                f"{spec.name}: of the {bars:,} {spec.interval} bars that it remembers, {min(stored):,} "
                f"before {self._played[0].trading_day} are stored for {', '.join(short[:_NAMED])}{more}; "
                "its first values depend on where the store begins"
            )

    def _totals(self, interval: Interval) -> list[int]:
        """Return the number of bars before each session, and that of all, by the calendar."""
        if interval == WEEK and interval not in self._bars_before:
            mondays = [monday_of(session.trading_day) for session in self._sessions]
            weeks = np.unique(mondays, return_inverse=True)[1].tolist()
            self._bars_before[interval] = [*weeks, weeks[-1] + 1]
        if interval not in self._bars_before:
            sizes = (self._columns(session, interval) for session in self._sessions)
            self._bars_before[interval] = [0, *accumulate(sizes)]
        return self._bars_before[interval]

    @staticmethod
    def _columns(session: TradingSession, interval: Interval) -> int:
        return len(SessionSlots(session, interval))

    def _all_sessions(self) -> tuple[TradingSession, ...]:
        """Return the sessions played and all earlier ones that may be needed, within the calendar.

        One at least: the prior close is of the session before the first.
        """
        first = self._played[0].trading_day
        count = max([1, *(self._earlier_days(spec) for spec in self._specs)])
        starts = [first, *self._stored_starts(), *self._week_starts(first)]
        for entry in self._config.historical.data:
            count = max(count, entry.trailing_days + (_WEEK_MARGIN if WEEK in entry.intervals else 0))
        for definition in self._config.historical.indicators.values():
            period = definition.period
            if period.is_in_trading_days:
                margin = _EARLY_CLOSE_MARGIN + period.count // _EARLY_CLOSE_SHARE
                count = max(count, period.count + margin * definition.skip_early_close)
            else:
                starts.append(period_start(period, first))
        begin, _ = exchange_bounds(self._time.exchange)
        try:
            starts.append(self._time.get_previous_trading_date(first, count))
        except CalendarError:  # the calendar starts later: history is then shorter
            starts.append(begin)
        return self._time.trading_sessions(max(begin, min(starts)), self._played[-1].trading_day)

    def _stored_starts(self) -> list[date]:
        """Return the first days of the store that indicators reach back to, with the whole week of 1w."""
        intervals = {spec.interval for spec in self._specs if spec.history_bars == ALL_STORED}
        return [
            day - timedelta(weeks=_CLOSED_WEEKS if interval == WEEK else 0)
            for interval in intervals
            if (day := self._start.earliest_day(interval)) is not None
        ]

    def _week_starts(self, first: date) -> list[date]:
        """Return days that are not after the first week of any indicator on 1w."""
        counts = [weeks_used(spec.history_bars) for spec in self._specs if spec.interval == WEEK]
        longest = max([count for count in counts if count != ALL_STORED], default=0)
        weeks = longest + longest // _CLOSED_WEEKS_SHARE + _CLOSED_WEEKS
        # No calendar reaches back to year 1, but a long indicator may ask for it.
        return [first - timedelta(weeks=min(weeks, first.toordinal() // 7 - 1))] if longest else []

    def _earlier_days(self, spec: IndicatorSpec) -> int:
        bars = spec.history_bars
        if bars in (0, ALL_STORED) or spec.interval == WEEK:
            return 0
        if not spec.interval.is_intraday:
            return max(MIN_SESSIONS, bars)
        # At worst all are half days; two more for rounding.
        per_session = self._columns(self._played[0], spec.interval)
        return max(MIN_SESSIONS, 2 * bars // per_session + 2)
