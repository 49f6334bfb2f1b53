"""StreamRequirements: checks a session file against the store and the calendar before the run starts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date

from tapedeck.engine.clock.calendars import exchange_bounds
from tapedeck.engine.clock.slots import SessionSlots, day_label
from tapedeck.engine.clock.start_time import start_instant
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.clock.unplayed_bars import CalendarSpans, calendar_spans
from tapedeck.engine.config import BacktestConfig, SessionConfig, SessionDataConfig, describe_changes
from tapedeck.engine.errors import ConfigError, ConfigProblem, DataMissingError, listed
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.intervals import DAY, WEEK, Interval
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.streams.base_interval import Stored, choose_base
from tapedeck.engine.streams.history_plan import HistoryPlanner
from tapedeck.engine.streams.store_start import StoreStart
from tapedeck.engine.streams.stream_plan import StreamPlan


class StreamRequirements:
    """Plans the streamed and generated intervals of a run, or raises the reason; registers nothing."""

    def __init__(self, config: SessionConfig, time: TimeManager, data: DataManager) -> None:
        self._config = config
        self._data_config: SessionDataConfig = config.session_data_config
        self._time = time
        self._data = data

    def plan(self, *, may_be_empty: bool = False, arriving: Collection[Interval] = ()) -> StreamPlan:
        """Return the plan of the run.

        `may_be_empty`: allow symbols without bars in the range. `arriving`: intervals that a feed delivers,
        which count as stored for every symbol. Raises ConfigError for invalid streams,
        CalendarError if the range has no trading day, and DataMissingError if the store lacks bars that the
        session needs.
        """
        streams = self._data_config.streams
        if not streams:
            raise ConfigError(
                self._config.session_name,
                [
                    ConfigProblem(
                        "session_data_config.streams",
                        ["quotes"],
                        "must have an interval of bars, such as 1m, beside quotes.",
                    )
                ],
            )
        played = self._played()
        specs = indicator_specs(self._data_config)
        symbols = self._data_config.symbols
        stored = self._stored(arriving)
        # Weeks are history: no session has their bars.
        requested = [*streams, *(spec.interval for spec in specs if spec.interval != WEEK)]
        # What arrives is the base; bars that are stored at another interval do not go on.
        base = choose_base(
            requested, symbols, dict.fromkeys(symbols, frozenset(arriving)) if arriving else stored
        )
        if not may_be_empty:
            self._check_data_exist(base, played)
        start = StoreStart(symbols, stored, self._first_label)
        planner = HistoryPlanner(self._data_config, specs, played, self._time, start)
        history = planner.plan(stored)
        derived = tuple(sorted({interval for interval in requested if interval != base}))
        return StreamPlan(
            symbols=symbols,
            base=base,
            derived=derived,
            specs=specs,
            sessions=played,
            history=history,
            min_completeness=self._data_config.min_completeness,
            measure_quality=self._data_config.gap_filler.enable_session_quality,
            notes=(*self._notes(base, derived), *planner.notes, *self._quote_notes(base, arriving)),
            warnings=(),
            changed_sessions=describe_changes(self._data_config.sessions),
            spans=self._spans(base),
            compared_days=self._compared_days(base, stored, symbols),
            quotes=self._data_config.wants_quotes,
        )

    def plan_beside(
        self,
        plan: StreamPlan,
        symbols: Sequence[str],
        session: TradingSession,
        *,
        arriving: Collection[Interval] = (),
    ) -> StreamPlan:
        """Return the plan of other symbols for one session of a plan of this file, on the same base.

        They may have no bars on that day. `arriving`: as in `plan`. Raises DataMissingError if the store
        lacks what their history is made from.
        """
        config = self._data_config.model_copy(update={"symbols": tuple(symbols)})
        own = self._data.stored_intervals(symbols)
        stored = {symbol: intervals | frozenset(arriving) for symbol, intervals in own.items()}
        start = StoreStart(symbols, stored, self._first_label)
        planner = HistoryPlanner(config, plan.specs, [session], self._time, start, notes_shortage=False)
        return replace(
            plan,
            symbols=config.symbols,
            sessions=(session,),
            history=planner.plan(stored),
            notes=(),
            warnings=(),
            compared_days=self._compared_days(plan.base, stored, symbols),
        )

    def _spans(self, base: Interval) -> CalendarSpans:
        backtest = self._backtest()
        return calendar_spans(self._time, base, backtest.start_date, backtest.end_date)

    def _compared_days(self, base: Interval, stored: Stored, symbols: Sequence[str]) -> tuple[int, ...]:
        """Return the rows of symbols whose 1d bars are stored and derived, where the file uses 1d bars."""
        if not base.is_intraday or not self._data_config.uses_daily_bars:
            return ()
        return tuple(row for row, symbol in enumerate(symbols) if DAY in stored[symbol])

    def _backtest(self) -> BacktestConfig:
        backtest = self._config.backtest_config
        if backtest is None:
            raise ConfigError(
                self._config.session_name,
                [ConfigProblem("backtest_config", None, "is required to play stored sessions.")],
            )
        return backtest

    def _played(self) -> tuple[TradingSession, ...]:
        backtest = self._backtest()
        self._time.set_backtest_window(backtest.start_date, backtest.end_date)
        sessions = self._time.trading_sessions(self._time.backtest_start, self._time.backtest_end)
        if backtest.start_time is not None:
            start_instant(sessions[0], backtest.start_time)
        return sessions

    def _stored(self, arriving: Collection[Interval]) -> Stored:
        """Return the stored or arriving intervals of every symbol of the file.

        And those of all others in the store, whose names a message may need, unless something arrives.
        """
        series = {} if arriving else dict(self._data.store.series())
        own = self._data.stored_intervals(self._data_config.symbols)
        return {**series, **{symbol: intervals | frozenset(arriving) for symbol, intervals in own.items()}}

    def _first_label(self, symbol: str, interval: Interval) -> int | None:
        """Return the label of a symbol's first stored bar within the calendar, seconds UTC."""
        begin, _ = exchange_bounds(self._time.exchange)
        return self._data.store.first_at_or_after(symbol, interval, day_label(begin.toordinal()))

    def _check_data_exist(self, base: Interval, played: Sequence[TradingSession]) -> None:
        slots = [SessionSlots(session, base) for session in played]
        empty = [s for s in self._data_config.symbols if self._data.first_session_with_bars(s, slots) is None]
        if empty:
            raise _no_data(empty, base, played[0].trading_day, played[-1].trading_day, self._data)

    def _notes(self, base: Interval, derived: Sequence[Interval]) -> list[str]:
        generated = ", ".join(str(interval) for interval in derived) or "nothing"
        notes = [f"streaming {base}, generating {generated}"]
        added = [str(i) for i in (base, *derived) if i not in self._data_config.streams]
        if added:
            notes.append(f"streams added, as sources or for indicators: {', '.join(added)}")
        changed = describe_changes(self._data_config.sessions)
        if changed:
            notes.append(f"sessions changed by the file: {', '.join(changed)}")
        return notes

    def _quote_notes(self, base: Interval, arriving: Collection[Interval]) -> list[str]:
        if not self._data_config.wants_quotes or arriving:
            return []
        symbols = self._data_config.symbols
        sources = self._data.quote_sources(symbols, base)
        without = [symbol for symbol in symbols if symbol not in sources]
        return [f"quotes made of the last close, as none are stored: {listed(without, 5)}"] if without else []


def indicator_specs(config: SessionDataConfig) -> tuple[IndicatorSpec, ...]:
    """Return the session indicators of a file, in its order."""
    return tuple(
        IndicatorSpec(name, item.type, item.interval, dict(item.parameters), item.against)
        for name, item in config.indicators.items()
    )


def _no_data(
    symbols: Sequence[str], interval: Interval, start: date, end: date, data: DataManager
) -> DataMissingError:
    lines = [f"{', '.join(symbols)}: no {interval} bars stored from {start} to {end} in regular hours."]
    for symbol in symbols[:5]:
        first, last = data.span(symbol, interval)
        if first is not None and last is not None:
            lines.append(f"  {symbol}: stored from {first:%Y-%m-%d} to {last:%Y-%m-%d}")
    lines.append(
        "Choose other dates, delete the symbols, or import their bars: "
        f"`tapedeck import lean PATH --store {data.store.location}`, or `import csv`, `import parquet`."
    )
    return DataMissingError("\n".join(lines), symbols=symbols, interval=str(interval))
