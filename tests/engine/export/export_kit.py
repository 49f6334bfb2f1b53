"""Small tapes, records and exports, made without starting a thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.export.csv_export import CsvExport
from tapedeck.engine.export.manifest import Manifest
from tapedeck.engine.indicators.block_computer import BlockComputer
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.intervals import Interval
from tapedeck.engine.metrics.performance import PerformanceMetrics
from tapedeck.engine.quality.gaps_and_scores import RunningScores
from tapedeck.engine.read.snapshot import RunSummary
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.tape.bar_grid import CLOSE, BarGrid
from tapedeck.engine.tape.held_values import last_columns, taken
from tapedeck.engine.tape.prior_close import PriorClose
from tapedeck.engine.tape.session_record import SessionRecord, SessionSummary
from tapedeck.engine.tape.stamp import run_stamp, session_digest
from tapedeck.engine.tape.tape import Tape

SPECS = (
    IndicatorSpec("sma_3", "SMA", Interval(60), {"timeperiod": 3}),
    IndicatorSpec("vwap", "VWAP", Interval(60)),
    IndicatorSpec("vwap_5m", "VWAP", Interval(300)),
)


def make_config(
    *,
    exchange: str = "XNYS",
    first: date = date(2013, 10, 7),
    last: date = date(2013, 10, 8),
    symbols: Sequence[str] = ("SPY", "AIG"),
    metadata: Mapping[str, object] | None = None,
    measured: bool = True,
    min_completeness: float = 0.0,
    quotes: bool = False,
) -> SessionConfig:
    document = {
        "session_name": "Two days",
        "exchange_group": exchange,
        "backtest_config": {"start_date": first.isoformat(), "end_date": last.isoformat()},
        "session_data_config": {
            "symbols": list(symbols),
            "streams": ["1m", "5m", "1d", *(["quotes"] if quotes else [])],
            "gap_filler": {"enable_session_quality": measured},
            "min_completeness": min_completeness,
        },
        "metadata": dict(metadata or {}),
    }
    return parse_session_config(document, source="kit").config


def random_bars(symbols: int, slots: int, seed: int, *, missing: float = 0.0) -> np.ndarray:
    """Consistent bars with prices in cents; float64 (5, symbols, slots)."""
    random = np.random.default_rng(seed)
    cents = random.integers(1000, 20000, size=(2, symbols, slots))
    spread = random.integers(0, 30, size=(2, symbols, slots))
    opened, closed = cents[0], cents[0] + random.integers(-20, 20, size=(symbols, slots))
    high, low = np.maximum(opened, closed) + spread[0], np.minimum(opened, closed) - spread[1]
    values = (
        np.stack([opened, high, low, closed, random.integers(0, 10**6, size=(symbols, slots)) * 100]) / 100
    )
    values[:, random.random((symbols, slots)) < missing] = np.nan
    return values


def make_tape(
    day: date,
    values: np.ndarray | None = None,
    *,
    exchange: str = "XNYS",
    symbols: Sequence[str] = ("SPY", "AIG"),
    base: str = "1m",
    derived: Sequence[str] = ("5m", "1d"),
    specs: Sequence[IndicatorSpec] = SPECS,
    frontier: int | None = None,
    measured: bool = True,
    min_completeness: float = 0.0,
    missing: float = 0.1,
) -> Tape:
    """Return a tape that was played up to `frontier`, everything computed in one block."""
    session = TimeManager(exchange).get_trading_session(day)
    slots = SessionSlots(session, Interval.parse(base))
    if values is None:
        values = random_bars(len(symbols), len(slots), day.toordinal(), missing=missing)
    tape = Tape.over(
        slots,
        tuple(symbols),
        BarGrid.loaded(values),
        derived=[Interval.parse(text) for text in derived],
        measure_quality=measured,
    )
    stop = len(slots) if frontier is None else frontier
    computer = BlockComputer(tape, specs, lambda _: [], min_completeness=min_completeness)
    if stop:
        computer.compute(0, stop)
    if tape.scores is not None:
        RunningScores(tape.scores).advance(tape.base.present, stop)
    tape.frontier = tape.processed = tape.scored = stop
    return tape


def make_record(tape: Tape, *, state: str = "running", error: str | None = None) -> SessionRecord:
    return SessionRecord(tape, tape.frontier, state, error)


def digest_of(record: SessionRecord) -> str:
    return session_digest(record.tape, record.frontier)


def make_summary(
    config: SessionConfig,
    records: Sequence[SessionRecord],
    *,
    state: str = "completed",
    error: str | None = None,
) -> RunSummary:
    backtest = config.backtest_config
    assert backtest is not None
    planned = TimeManager(config.exchange).trading_sessions(backtest.start_date, backtest.end_date)
    sessions = tuple(
        SessionSummary(
            trading_day=record.tape.session.trading_day.isoformat(),
            slots=len(record.tape),
            played=record.frontier,
            bars=int(record.tape.base.present[:, : record.frontier].sum()),
            quality_pct=None,
            digest=digest_of(record),
        )
        for record in records
    )
    tape = records[-1].tape if records else None
    return RunSummary(
        session_name=config.session_name,
        exchange=config.exchange,
        mode=config.mode,
        state=state,
        complete=state == "completed",
        error=error,
        first_day=planned[0].trading_day.isoformat(),
        last_day=planned[-1].trading_day.isoformat(),
        base="1m" if tape is None else str(tape.base_interval),
        derived=() if tape is None else tuple(str(interval) for interval in tape.derived),
        symbols=config.session_data_config.symbols,
        sessions=sessions,
        sessions_planned=len(planned),
        bars=sum(session.bars for session in sessions),
        seconds=2.0,
        stamp=run_stamp(session.digest for session in sessions),
        warnings=("a warning",),
        notes=("a note",),
        parameters={"sma_3": {"type": "SMA", "interval": "1m", "timeperiod": 3}},
        counts={"bars": 1},
    )


def write_export(
    folder: Path,
    config: SessionConfig,
    records: Sequence[SessionRecord],
    *,
    state: str = "completed",
    error: str | None = None,
) -> Manifest | None:
    """Export the records as a run with this end."""
    link(records)
    export = CsvExport(folder, config)
    for record in records:
        export.write_session(record, digest_of(record))
    return export.finish(make_summary(config, records, state=state, error=error), PerformanceMetrics())


def link(records: Sequence[SessionRecord]) -> None:
    """Give each session the prior closes that a run gives it: the last closes of the session before."""
    for before, after in pairwise(records):
        closes = before.tape.base.values[CLOSE]
        at = last_columns(closes, np.array([len(before.tape)]))
        labels = np.where(at[:, 0] >= 0, before.tape.slots.opened_at[at[:, 0]], 0)
        values = taken(closes, at)[:, 0]
        after.tape.prior_close = PriorClose(values, labels, np.zeros(len(values), dtype=np.bool_))


def two_days(**options: object) -> list[SessionRecord]:
    """Two sessions in New York, gapped."""
    records = [make_record(make_tape(date(2013, 10, day), **options)) for day in (7, 8)]  # type: ignore[arg-type]
    link(records)
    return records
