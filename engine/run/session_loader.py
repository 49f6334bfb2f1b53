"""Session loader: reads sessions and history from the store as grids, in the prefetch thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from threading import Event

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.clock.unplayed_bars import PlaceTally
from tapedeck.engine.intervals import DAY, Interval
from tapedeck.engine.run.prior_closes import PriorCloses
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.data_manager import DataManager, OtherBars
from tapedeck.engine.store.left_out_bars import LeftOutBars, session_edges
from tapedeck.engine.streams.stream_plan import StreamPlan
from tapedeck.engine.tape.bar_grid import FIELDS, BarGrid, Floats, Ints
from tapedeck.engine.tape.buckets import made_bars
from tapedeck.engine.tape.history import DailyHistory, History, HistoryDay, IntradayHistory
from tapedeck.engine.tape.prior_close import PriorClose
from tapedeck.engine.tape.quote_grid import QuoteGrid
from tapedeck.engine.tape.tape import Tape

# Most bytes of bars in one read of the store; prefetch_days cannot exceed it.
_CHUNK_BYTES = 512 * 2**20
_BAR_BYTES = 40
_QUOTE_BYTES = 64  # those that came, and those that are held


@dataclass(frozen=True, slots=True)
class LoadedSession:
    """A session ready to play: its slots, base bars and prior closes.

    `companions`: the session's bars of intervals whose history does not come from the tape, because they are
    stored themselves or made from a stored interval other than the base. `stored_day`: stored 1d bars of the
    plan's `compared_days`, float64 (5, rows). `left_out`: bars from the session's open to the next one's that
    are in no slot; None without any. `quotes`: None unless the plan streams them.
    """

    slots: SessionSlots
    base: BarGrid
    prior_close: PriorClose
    companions: dict[Interval, HistoryDay] = field(default_factory=dict)
    stored_day: Floats | None = None
    left_out: PlaceTally | None = None
    quotes: QuoteGrid | None = None


class SessionLoader:
    """Reads the sessions and history of a plan. Not thread-safe: one worker owns it at a time.

    `checks`: whether to read what `SessionChecks` compares, too.
    """

    def __init__(self, plan: StreamPlan, data: DataManager, *, checks: bool = False) -> None:
        self._plan = plan
        self._checks = checks
        self._data = data
        self._all_rows: Ints = np.arange(len(plan.symbols), dtype=np.int64)
        self.history = self._empty_history()
        self._prior_closes = PriorCloses(plan, data)
        # Set to cancel a long load of history.
        self.cancelled = Event()

    @property
    def store(self) -> BarStore:
        """The store that is read."""
        return self._data.store

    def chunk_length(self, session: TradingSession, most: int) -> int:
        """Return how many sessions to read at once: `most`, or fewer if they would exceed the chunk size."""
        cell = _BAR_BYTES + (_QUOTE_BYTES if self._plan.quotes else 0)
        per_session = cell * len(self._plan.symbols) * len(SessionSlots(session, self._plan.base))
        return max(1, min(most, _CHUNK_BYTES // per_session))

    def load(
        self, sessions: Sequence[TradingSession], *, others: OtherBars | None = None
    ) -> list[LoadedSession]:
        """Return the sessions' bars, read at once; also fills daily bars that are made from finer ones.

        `others`: gets the bars outside the slots.
        """
        slots = [SessionSlots(session, self._plan.base) for session in sessions]
        plan = self._plan
        edges = session_edges(plan.spans, slots, plan.sessions) if self._checks else [0] * (len(slots) + 1)
        left_out = None
        if self._checks:
            left_out = LeftOutBars(self._plan.spans.part(edges[0], edges[-1]), len(self._plan.symbols))
        grids = self._data.load_sessions(self._plan.symbols, slots, left_out=left_out, others=others)
        self._fill_made_days(sessions, dict(zip(sessions, grids, strict=True)))
        foreign = [interval for interval in self.history.intraday if not self._is_on_tape(interval)]
        made = {interval: self._make_days(interval, sessions, self._all_rows) for interval in foreign}
        stored_days = self._stored_days(sessions)
        prior_closes = self._prior_closes.of(slots, grids)
        quotes = self._data.load_quotes(plan.symbols, slots) if plan.quotes else [None] * len(slots)
        return [
            LoadedSession(
                slots[i],
                grids[i],
                prior_closes[i],
                {interval: days[i] for interval, days in made.items()},
                None if stored_days is None else stored_days[:, :, i],
                None if left_out is None else left_out.tally(edges[i] - edges[0], edges[i + 1] - edges[0]),
                quotes[i],
            )
            for i in range(len(sessions))
        ]

    def recorded(self, loaded: LoadedSession, tape: Tape) -> LoadedSession:
        """Return a session with the bars that were recorded after it was loaded; later sessions use them.

        `tape`: that of its end. Its other intervals, and bars of symbols that left it, are read from the
        store.
        """
        session, base = loaded.slots.session, self._recorded_base(loaded.slots, tape)
        self._fill_made_days([session], {session: base})
        self._prior_closes.end(loaded.slots, base)
        made = {
            interval: self._make_days(interval, [session], self._all_rows)[0]
            for interval in loaded.companions
        }
        return replace(loaded, base=base, companions=made)

    def _recorded_base(self, slots: SessionSlots, tape: Tape) -> BarGrid:
        """Return a session's base bars in the plan's rows."""
        symbols = self._plan.symbols
        if tape.symbols == symbols:
            return tape.base
        at = np.array([tape.rows.get(symbol, -1) for symbol in symbols], dtype=np.int64)
        there, left = np.flatnonzero(at >= 0), np.flatnonzero(at < 0)
        [stored] = self._data.load_sessions([symbols[row] for row in left], [slots])
        values = np.empty((len(FIELDS), len(symbols), len(slots)))
        empty = np.zeros(values.shape[1:], dtype=np.bool_)
        for rows, grid in ((there, tape.base.of_rows(at[there])), (left, stored)):
            values[:, rows] = grid.values
            if grid.confirmed_empty is not None:
                empty[rows] = grid.confirmed_empty
        return BarGrid.loaded(values, empty)

    def _stored_days(self, sessions: Sequence[TradingSession]) -> Floats | None:
        """Return the stored 1d bars that are compared with derived ones, (5, rows, sessions)."""
        rows = list(self._plan.compared_days)
        if not self._checks or not rows:
            return None
        return self._data.load_days([self._plan.symbols[row] for row in rows], sessions, DAY)

    def load_history(self) -> History:
        """Read and return the history before the first session played."""
        plan = self._plan.history
        self._fill_stored_days()
        deepest = max((kept.depth for kept in self.history.intraday.values()), default=0)
        start = max(0, plan.first_played - deepest)
        if plan.daily_from is not None and self._makes_days():
            start = min(start, plan.daily_from)
        while start < plan.first_played and not self.cancelled.is_set():
            step = self.chunk_length(plan.sessions[start], 10)
            stop = min(plan.first_played, start + step)
            self._load_earlier(start, stop)
            start = stop
        self._prior_closes.take_history(self.history)
        return self.history

    def _is_on_tape(self, interval: Interval) -> bool:
        """Whether the history of this interval comes from the tapes of played sessions."""
        base = self._plan.base
        sources = self._plan.history.sources[interval]
        return interval in (base, *self._plan.derived) and all(source == base for source in sources)

    def _load_earlier(self, start: int, stop: int) -> None:
        plan = self._plan.history
        self._fill_made_days(plan.sessions[start:stop], {})
        for interval, kept in self.history.intraday.items():
            first = max(start, plan.first_played - kept.depth)
            if first < stop:
                rows = np.flatnonzero(kept.depths >= plan.first_played - stop + 1)
                for day in self._make_days(interval, plan.sessions[first:stop], rows):
                    kept.add(day)

    def _make_days(
        self, interval: Interval, sessions: Sequence[TradingSession], rows: Ints
    ) -> list[HistoryDay]:
        """Return earlier sessions' bars of an interval, each symbol's from its own source."""
        sources = self._plan.history.sources[interval]
        total = len(self._plan.symbols)
        days: list[HistoryDay] = []
        parts: list[tuple[Ints, list[SessionSlots], list[BarGrid]]] = []
        for source in sorted({sources[row] for row in rows}):
            of_source = np.array([row for row in rows if sources[row] == source], dtype=np.int64)
            slots = [SessionSlots(session, source) for session in sessions]
            symbols = [self._plan.symbols[row] for row in of_source]
            grids = self._data.load_sessions(symbols, slots, rows=of_source, total=total)
            parts.append(
                (of_source, slots, [self._made(g, s, interval) for g, s in zip(grids, slots, strict=True)])
            )
        for i, session in enumerate(sessions):
            grid = (
                parts[0][2][i] if len(parts) == 1 else _merged([(own, grids[i]) for own, _, grids in parts])
            )
            days.append(
                HistoryDay.of(session, SessionSlots(session, interval).opened_at, grid, grid.confirmed_empty)
            )
        return days

    def _made(self, grid: BarGrid, slots: SessionSlots, interval: Interval) -> BarGrid:
        return made_bars(grid, slots, interval, self._plan.min_completeness)

    def _empty_history(self) -> History:
        plan = self._plan.history
        intraday = {interval: IntradayHistory(interval, depths) for interval, depths in plan.depths.items()}
        daily = None
        if plan.daily_from is not None:
            daily = DailyHistory(len(self._plan.symbols), plan.sessions[plan.daily_from :])
        compared = self._plan.compared_days
        return History(intraday, daily, sources=plan.sources, compared_days=compared)

    def _day_rows(self, *, stored: bool) -> Ints:
        sources = self._plan.history.sources.get(DAY, ())
        return np.array([row for row, s in enumerate(sources) if (s == DAY) == stored], dtype=np.int64)

    def _makes_days(self) -> bool:
        return len(self._day_rows(stored=False)) > 0

    def _fill_stored_days(self) -> None:
        daily = self.history.daily
        rows = self._day_rows(stored=True)
        if daily is not None and len(rows):
            symbols = [self._plan.symbols[row] for row in rows]
            daily.values[:, rows] = self._data.load_days(symbols, daily.days, DAY)
            columns = np.arange(len(daily.days))
            daily.confirm_empty(rows, columns, self._data.empty_days(symbols, daily.days, DAY))

    def _fill_made_days(
        self, sessions: Sequence[TradingSession], base: dict[TradingSession, BarGrid]
    ) -> None:
        """Make the daily bars of symbols without stored ones; `base`: grids already read."""
        daily = self.history.daily
        rows = self._day_rows(stored=False)
        if daily is None or not len(rows):
            return
        sources = self._plan.history.sources[DAY]
        for source in sorted({sources[row] for row in rows}):
            of_source = np.array([row for row in rows if sources[row] == source], dtype=np.int64)
            slots = [SessionSlots(session, source) for session in sessions]
            if base and source == self._plan.base:
                grids = [base[session] for session in sessions]
                at = of_source
            else:
                grids = self._data.load_sessions([self._plan.symbols[row] for row in of_source], slots)
                at = np.arange(len(of_source))
            for session, own_slots, grid in zip(sessions, slots, grids, strict=True):
                column = daily.column_of(session.trading_day)
                if column < len(daily.days) and daily.days[column].trading_day == session.trading_day:
                    made = self._made(grid, own_slots, DAY)
                    daily.values[:, of_source, column] = made.values[:, at, 0]
                    empty = None if made.confirmed_empty is None else made.confirmed_empty[at]
                    daily.confirm_empty(of_source, np.array([column]), empty)


def _merged(parts: Sequence[tuple[Ints, BarGrid]]) -> BarGrid:
    """Merge grids whose rows come from different sources."""
    values = parts[0][1].values.copy()
    empty = np.zeros(values.shape[1:], dtype=np.bool_)
    for rows, grid in parts:
        values[:, rows] = grid.values[:, rows]
        if grid.confirmed_empty is not None:
            empty[rows] = grid.confirmed_empty[rows]
    return BarGrid.loaded(values, empty)
