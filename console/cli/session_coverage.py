"""Coverage of a session file: its days in a store, and what a run of it would stream."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tapedeck.console.cli.terminal import Column, Terminal, number_column
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.config import LoadedConfig
from tapedeck.engine.errors import ConfigError, ConfigProblem
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.coverage import CalendarPart, Coverage, measure_coverage
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.streams.stream_plan import StreamPlan
from tapedeck.engine.system import SystemManager


@dataclass(frozen=True, slots=True)
class StoreCheck:
    """What a store has for a session file that a run can play. `spans`: first and last bar of each symbol."""

    plan: StreamPlan
    coverage: Coverage
    spans: tuple[tuple[datetime | None, datetime | None], ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings of the run, and how many days are missing."""
        missing = self.coverage.incomplete()
        days = []
        if missing:
            total, (symbol, first) = len(self.coverage.symbols) * len(self.coverage.days), missing[0]
            days = [
                f"{len(missing):,} of {total:,} days are missing, {symbol} {first.trading_day} first: "
                "`tapedeck coverage FILE` shows them"
            ]
        return (*self.plan.warnings, *self.coverage.warnings, *days)

    def document(self) -> dict[str, object]:
        """Return the check as a JSON document."""
        return {
            "interval": str(self.plan.base),
            "derived": [str(interval) for interval in self.plan.derived],
            "symbols": [
                {
                    "symbol": row.symbol,
                    "first": None if first is None else first.isoformat(),
                    "last": None if last is None else last.isoformat(),
                    "full": row.count("full"),
                    "partial": row.count("partial"),
                    "missing": row.count("missing"),
                    "quality": row.pct,
                }
                for row, (first, last) in zip(self.coverage.symbols, self.spans, strict=True)
            ],
        }

    def write(self, terminal: Terminal) -> None:
        """Write the intervals of the run, and a table of symbols with their spans and days."""
        derived = ", ".join(str(interval) for interval in self.plan.derived) or "nothing"
        terminal.write(f"{self.plan.base} streamed, {derived} derived; stored days of the session:\n")
        columns = ["first", "last", "full", "partial", "missing", "quality"]
        rows = [
            (
                row.symbol,
                *("" if at is None else f"{at:%Y-%m-%d}" for at in span),
                *(f"{row.count(status):,}" for status in ("full", "partial", "missing")),
                f"{int(row.pct * 100) / 100:.2f}%",
            )
            for row, span in zip(self.coverage.symbols, self.spans, strict=True)
        ]
        terminal.table([Column("symbol"), *map(number_column, columns)], rows)


def check_against(loaded: LoadedConfig, store: BarStore) -> StoreCheck:
    """Compare a session file with a store, as a run does before it starts.

    Raises the errors of a run: DataMissingError for symbols or dates without bars, ConfigError and others.
    """
    plan = SystemManager(loaded.config, store).prepare()
    data = DataManager(store)
    spans = tuple(data.span(symbol, plan.base) for symbol in plan.symbols)
    return StoreCheck(plan, coverage_of(loaded, store), spans)


def coverage_of(loaded: LoadedConfig, store: BarStore) -> Coverage:
    """Count the stored bars of a session file, by symbol and day; ConfigError for a file without days."""
    config = loaded.config
    backtest, wanted = config.backtest_config, config.session_data_config
    if backtest is None:
        problem = ConfigProblem("backtest_config", None, "is required: it gives the days to check")
        raise ConfigError(loaded.source, [problem])
    time = TimeManager(config.exchange, changes=config.session_data_config.sessions)
    time.set_backtest_window(backtest.start_date, backtest.end_date)
    return measure_coverage(
        wanted.symbols,
        [*wanted.streams, *(indicator.interval for indicator in wanted.indicators.values())],
        time.trading_sessions(time.backtest_start, time.backtest_end),
        store,
        calendar=CalendarPart(time, backtest.start_date, backtest.end_date),
        uses_daily_bars=wanted.uses_daily_bars,
    )
