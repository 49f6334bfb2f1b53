"""A view of the universe: its values against plain pandas, and what cannot be read or written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tapedeck.engine.clock.slots import epoch_seconds
from tapedeck.engine.errors import EngineError
from tapedeck.engine.store.bar_store import BarColumns
from tapedeck.engine.tape.bar_grid import FIELDS
from tapedeck.engine.universe.universe_session import UniverseSession
from tapedeck.engine.universe.view import UniverseView
from tests.support.memory_store import MemoryStore
from tests.support.tapes import sessions_of
from tests.support.universes import (
    FIRST,
    LAST,
    PLAYED,
    SYMBOLS,
    fill_market,
    market_bars,
    universe_loader,
    universe_sessions,
)

MOMENTS = (0, 1, 30, 209, 210)
"""Frontiers that every session has; the early close has 210 slots."""


@pytest.fixture(scope="module")
def bars() -> Mapping[str, BarColumns]:
    return market_bars()


@pytest.fixture(scope="module")
def store(bars: Mapping[str, BarColumns]) -> MemoryStore:
    filled = MemoryStore(Path("market"))
    fill_market(filled, bars)
    return filled


@pytest.fixture(scope="module")
def sessions(store: MemoryStore) -> list[UniverseSession]:
    return universe_sessions(store, [2])


@pytest.fixture(scope="module")
def frames(bars: Mapping[str, BarColumns]) -> dict[tuple[str, int], tuple[pd.DataFrame, pd.DataFrame]]:
    """Return each symbol's bars of each day before its open, and of its session, with minutes."""
    found = {}
    for number, session in enumerate(sessions_of(FIRST, LAST)):
        opened, closed = epoch_seconds(session.regular_open), epoch_seconds(session.regular_close)
        for symbol, own in bars.items():
            frame = pd.DataFrame({name: getattr(own, name) for name in FIELDS})
            frame["minute"] = (own.opened_at - opened) // 60
            day = frame[(own.opened_at < closed) & (frame["minute"] >= -90)]
            found[symbol, number] = day[day["minute"] < 0], day[day["minute"] >= 0]
    return found


@pytest.mark.parametrize("position", range(len(sessions_of(*PLAYED))))
def test_figures_equal_plain_pandas(sessions, frames, position):
    first = len(sessions_of(FIRST, PLAYED[0])) - 1
    for frontier in MOMENTS:
        view = UniverseView(sessions[position], frontier)
        assert view.symbols == SYMBOLS
        for row, symbol in enumerate(SYMBOLS):
            today = first + position
            early, regular = frames[symbol, today]
            known = regular[regular["minute"] < frontier]
            before = frames[symbol, today - 1][1]
            close = before["close"].iloc[-1] if len(before) else np.nan
            earlier = [frames[symbol, day][1] for day in range(today - 4, today)]
            volumes = [day[day["minute"] < frontier]["volume"].sum() for day in earlier if len(day)]
            expected = {
                "avg_volume_to_now": np.mean(volumes) if volumes else np.nan,
                "pre_high": early["high"].max(),
                "pre_low": early["low"].min(),
                "pre_volume": early["volume"].sum() if len(early) else np.nan,
                "pre_gap_pct": 100 * (early["close"].iloc[-1] / close - 1) if len(early) else np.nan,
                "day_volume": known["volume"].sum() if len(known) else np.nan,
                "day_high": known["high"].max(),
                "last": known["close"].iloc[-1] if len(known) else np.nan,
            }
            if symbol != "WHOLE":  # its prior close may be that of a stored day
                expected["gap_pct"] = 100 * (known["open"].iloc[0] / close - 1) if len(known) else np.nan
            found = {name: view.value(name)[row] for name in expected}
            assert found == pytest.approx(expected, rel=1e-9, nan_ok=True), (symbol, frontier)


def test_listed_and_delisted_symbols_are_there_and_missing(sessions):
    views = [UniverseView(session, 30) for session in sessions]
    early, late = SYMBOLS.index("EARLY"), SYMBOLS.index("LATE")
    assert [bool(np.isnan(view.value("last")[late])) for view in views] == [True, True, False, False]
    assert [bool(np.isnan(view.value("last")[early])) for view in views] == [False, False, True, True]


def test_daily_bars_end_before_the_session(sessions, frames):
    for position, session in enumerate(sessions):
        view = UniverseView(session, 5)
        assert view.daily_days[-1] < view.trading_day
        today = len(sessions_of(FIRST, PLAYED[0])) - 1 + position
        before = frames["FULL", today - 1][1]
        assert view.daily("high")[SYMBOLS.index("FULL"), -1] == before["high"].max()
        assert view.daily("high").shape == (len(SYMBOLS), len(view.daily_days))


def test_a_view_is_cut_at_the_clock_of_another_tape(sessions):
    session = sessions[0]
    opened = session.tape.slots.clock(0)
    assert [UniverseView.at(session, opened + s).frontier for s in (-60, 0, 59, 60, 90)] == [0, 0, 0, 1, 1]
    view = UniverseView.at(session, opened + 3600)
    assert view.clock.isoformat() == "2013-11-27T10:30:00-05:00"
    assert view.bars("close").shape == (len(SYMBOLS), 60)


def test_arrays_cannot_be_written(sessions):
    view = UniverseView(sessions[0], 30)
    for array in (view.value("last"), view.value("pre_high"), view.bars("close"), view.daily("close")):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


def test_unknown_names_are_told_with_the_known_ones(sessions):
    view = UniverseView(sessions[0], 30)
    with pytest.raises(EngineError, match="spread is not available: the universe has no quotes"):
        view.value("spread")
    with pytest.raises(EngineError, match="unknown value 'gapp': the universe has open, high"):
        view.value("gapp")
    with pytest.raises(EngineError, match="unknown bar field 'vwap': a bar has open"):
        view.bars("vwap")
    with pytest.raises(EngineError, match="invalid frontier 391: use 0 to 390"):
        UniverseView(sessions[0], 391)


def test_no_quotes_are_read_for_the_universe(store, sessions):
    """Also where the session file streams them."""
    _, plan = universe_loader(store, {"symbols": "all"})
    assert not plan.quotes
    assert all(session.tape.quotes is None for session in sessions)


def test_every_name_has_a_value(sessions):
    view = UniverseView(sessions[1], 100)
    assert {"sma_3", "high_2w", "usual", "quality", "pre_gap_pct"} <= set(view.names())
    for name in view.names():
        assert view.value(name).shape == (len(SYMBOLS),)
        assert np.isfinite(view.value(name)).any(), name


def test_volumes_are_kept_where_scans_run_and_a_minute_before(store, sessions):
    session = universe_sessions(store, moments=np.array([1800]))[0]
    for frontier in (29, 30):
        found = UniverseView(session, frontier).value("avg_volume_to_now")
        assert np.array_equal(
            found, UniverseView(sessions[0], frontier).value("avg_volume_to_now"), equal_nan=True
        )
    with pytest.raises(EngineError, match="no scan was planned"):
        UniverseView(session, 31).value("avg_volume_to_now")
    day_volume = UniverseView(session, 31).value("day_volume")  # needs no sums
    assert np.array_equal(day_volume, UniverseView(sessions[0], 31).value("day_volume"), equal_nan=True)


@pytest.mark.parametrize(("memory_mb", "expected"), [(16, 1), (512, 3), (4096, 5)])
def test_chunks_keep_to_the_memory(store, memory_mb, expected):
    """5,000 symbols have 78 MB of bars in a session; two chunks are in memory."""
    section = {"symbols": "all", "memory_mb": memory_mb}
    many = [f"S{number}" for number in range(5000)]
    loader, plan = universe_loader(store, section, np.array([1800]), many)
    assert loader.chunk_length(plan.sessions[0], 250) == expected
    assert loader.chunk_length(plan.sessions[0], 1) == 1
