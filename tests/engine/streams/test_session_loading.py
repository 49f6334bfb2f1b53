"""SessionLoader and the set-up of a session: grids and history against picking bars with pandas."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd
import pytest

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.intervals import DAY, MINUTE, SECOND, WEEK, Interval
from tapedeck.engine.quality.gaps_and_scores import HistoricalQuality
from tapedeck.engine.run.session_loader import LoadedSession, SessionLoader
from tapedeck.engine.run.session_setup import (
    build_tape,
    extend_history,
    install_session,
)
from tapedeck.engine.store.bar_store import BarColumns, BarStore
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.streams.stream_plan import StreamPlan
from tapedeck.engine.tape.bar_grid import FIELDS, HIGH, VOLUME, Floats
from tapedeck.engine.tape.earlier_values import NoEarlierValues
from tapedeck.engine.tape.history import HistoryDay
from tapedeck.engine.tape.session_data import SessionData
from tests.support.files import plan_of, session_file
from tests.support.markets import open_new_store, random_bars
from tests.support.naive import resampled, whole_day
from tests.support.tapes import compute, same_bits, session_of, sessions_of

FIVE: Final = Interval.parse("5m")
FIRST: Final = "2013-10-01"
LAST: Final = "2013-12-06"
SYMBOLS: Final = ("ALL", "SEC", "MIN")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> BarStore:
    """ALL has seconds, minutes and days, with prices of their own; SEC seconds; MIN seconds and minutes."""
    store = open_new_store(tmp_path_factory.mktemp("loader") / "bars.db")
    days = sessions_of(FIRST, LAST)
    wanted = [("ALL", MINUTE, 0.1, days), ("MIN", MINUTE, 0.3, days), ("ALL", DAY, 0.1, days)]
    wanted += [(symbol, SECOND, 0.98, days[-9:]) for symbol in SYMBOLS]
    for seed, (symbol, interval, missing, sessions) in enumerate(wanted):
        labels = np.concatenate([SessionSlots(session, interval).stored_labels for session in sessions])
        store.write(symbol, interval, random_bars(labels, seed=seed, missing=missing))
    return store


def frame(store: BarStore, symbol: str, interval: Interval, day: str) -> pd.DataFrame:
    """Return one day's stored bars within the hours, by UTC open."""
    session = session_of(day)
    bars: BarColumns = store.read(symbol, interval, 0, 2**40)
    index = pd.to_datetime(bars.opened_at, unit="s", utc=True)
    everything = pd.DataFrame({name: getattr(bars, name) for name in FIELDS}, index=index)
    first, last = pd.Timestamp(session.regular_open), pd.Timestamp(session.regular_close)
    return everything[(index >= first) & (index < last)]


def on_slots(bars: pd.DataFrame, day: str, interval: Interval) -> Floats:
    """Return bars as columns of a day's slots (5, n)."""
    slots = SessionSlots(session_of(day), interval)
    return (
        bars[list(FIELDS)]
        .reindex(pd.to_datetime(slots.opened_at, unit="s", utc=True))
        .to_numpy(float)
        .T.copy()
    )


def stored_day(store: BarStore, symbol: str, day: str) -> list[float]:
    """Return the vendor's daily bar, NaN if missing."""
    label = int(pd.Timestamp(day, tz="UTC").timestamp())
    bars = store.read(symbol, DAY, label, label + 1)
    return [float(getattr(bars, name)[0]) for name in FIELDS] if len(bars) else [np.nan] * 5


def made_day(store: BarStore, symbol: str, source: Interval, day: str) -> list[float]:
    """Return a day's bar made of finer ones."""
    made = whole_day(frame(store, symbol, source, day))
    return [float(made[name].iloc[0]) for name in FIELDS] if len(made) else [np.nan] * 5


def loader_of(
    store: BarStore,
    streams: list[str],
    start: str,
    end: str,
    historical: Mapping[str, Any],
    *,
    symbols: tuple[str, ...] = SYMBOLS,
    **session_data: Any,
) -> tuple[StreamPlan, SessionLoader]:
    """Return a plan and the loader that follows it."""
    config: SessionConfig = session_file(
        symbols, streams, start, end, historical=historical, session_data=session_data
    )
    plan = plan_of(config, store)
    return plan, SessionLoader(plan, DataManager(store))


def assert_bits(found: np.ndarray, expected: np.ndarray) -> None:
    """Compare bit for bit, and show the numbers where they differ."""
    if not same_bits(np.ascontiguousarray(found), np.ascontiguousarray(expected)):
        np.testing.assert_array_equal(found, expected)
        pytest.fail("equal numbers, but not equal bits")


def days_kept(loader: SessionLoader, interval: Interval) -> list[str]:
    """Return the trading days of an interval's history."""
    kept = loader.history.intraday[interval]
    return [held.session.trading_day.isoformat() for held in kept.last(1000)]


def test_history_of_minutes_comes_from_stored_minutes_though_seconds_are_streamed(store: BarStore) -> None:
    historical = {"data": [{"trailing_days": 2, "intervals": ["1m", "5m"]}]}
    plan, loader = loader_of(store, ["5s", "1m"], "2013-12-02", "2013-12-03", historical)
    assert str(plan.base) == "1s"
    loader.load_history()
    assert days_kept(loader, MINUTE) == ["2013-11-27", "2013-11-29"]
    for held in loader.history.intraday[MINUTE].last(2):
        day = held.session.trading_day.isoformat()
        for row, symbol in enumerate(SYMBOLS):
            if symbol == "SEC":
                bars = resampled(frame(store, symbol, SECOND, day), held.session, 60)
            else:
                bars = frame(store, symbol, MINUTE, day)
            assert_bits(held.grid.values[:, row], on_slots(bars, day, MINUTE))
            assert held.counts[row] == len(bars)
    for held in loader.history.intraday[FIVE].last(2):
        day = held.session.trading_day.isoformat()
        for row, (symbol, source) in enumerate(zip(SYMBOLS, (MINUTE, SECOND, MINUTE), strict=True)):
            bars = resampled(frame(store, symbol, source, day), held.session, 300)
            assert_bits(held.grid.values[:, row], on_slots(bars, day, FIVE))
        assert held.opened_at.tolist() == SessionSlots(held.session, FIVE).opened_at.tolist()


def test_played_sessions_become_history_from_the_same_source(store: BarStore) -> None:
    historical = {"data": [{"trailing_days": 2, "intervals": ["1m"]}]}
    plan, loader = loader_of(store, ["5s", "1m"], "2013-12-02", "2013-12-03", historical)
    history = loader.load_history()
    monday, _ = loader.load(plan.sessions)
    assert set(monday.companions) == {MINUTE}
    for row, (symbol, source) in enumerate(zip(SYMBOLS, (MINUTE, SECOND, MINUTE), strict=True)):
        own = frame(store, symbol, source, "2013-12-02")
        bars = resampled(own, monday.slots.session, 60) if source == SECOND else own
        assert_bits(monday.companions[MINUTE].grid.values[:, row], on_slots(bars, "2013-12-02", MINUTE))
    tape = compute(build_tape(plan, monday))
    extend_history(history, tape, monday.companions)
    assert days_kept(loader, MINUTE) == ["2013-11-29", "2013-12-02"]
    assert history.intraday[MINUTE].last(1)[0].grid is monday.companions[MINUTE].grid


def test_a_tape_that_is_its_own_history_needs_no_companion(store: BarStore) -> None:
    historical = {"data": [{"trailing_days": 1, "intervals": ["1m", "5m"]}]}
    plan, loader = loader_of(
        store, ["1m", "5m"], "2013-12-02", "2013-12-03", historical, symbols=("ALL", "MIN")
    )
    history = loader.load_history()
    monday, tuesday = loader.load(plan.sessions)
    assert monday.companions == tuesday.companions == {}
    tape = compute(build_tape(plan, monday))
    extend_history(history, tape, monday.companions)
    assert days_kept(loader, MINUTE) == days_kept(loader, FIVE) == ["2013-12-02"]
    assert history.intraday[FIVE].last(1)[0].grid is tape.derived[FIVE]
    for row, symbol in enumerate(("ALL", "MIN")):
        bars = resampled(frame(store, symbol, MINUTE, "2013-12-02"), monday.slots.session, 300)
        assert_bits(history.intraday[FIVE].last(1)[0].grid.values[:, row], on_slots(bars, "2013-12-02", FIVE))


def test_an_interval_of_history_alone_is_not_on_the_tape(store: BarStore) -> None:
    historical = {"data": [{"trailing_days": 1, "intervals": ["5m"]}]}
    plan, loader = loader_of(store, ["1m"], "2013-12-02", "2013-12-02", historical, symbols=("MIN",))
    [monday] = loader.load(plan.sessions)
    assert set(monday.companions) == {FIVE}


@pytest.mark.parametrize("streams", [["1m"], ["1m", "1d"], ["5s"]])
def test_days_are_the_vendors_where_stored_and_made_where_not(store: BarStore, streams: list[str]) -> None:
    historical = {"data": [{"trailing_days": 5, "intervals": ["1d"]}]}
    symbols = SYMBOLS if streams == ["5s"] else ("ALL", "MIN")
    plan, loader = loader_of(store, streams, "2013-12-03", "2013-12-05", historical, symbols=symbols)
    daily = loader.load_history().daily
    assert daily is not None
    loader.load(plan.sessions)
    for session in plan.sessions:
        found = daily.before(session.trading_day, 5)
        assert found is not None
        days = [label.isoformat() for label in pd.to_datetime(found.opened_at, unit="s").date]
        earlier = [one for one in sessions_of(FIRST, LAST) if one.trading_day < session.trading_day][-5:]
        assert days == [one.trading_day.isoformat() for one in earlier]
        for row, symbol in enumerate(plan.symbols):
            for column, day in enumerate(days):
                if symbol == "ALL":
                    expected = stored_day(store, symbol, day)
                else:
                    expected = made_day(store, symbol, SECOND if symbol == "SEC" else MINUTE, day)
                assert_bits(found.grid.values[:, row, column], np.array(expected))


def test_deep_history_read_in_chunks_is_that_of_each_day(store: BarStore) -> None:
    historical = {
        "data": [
            {"trailing_days": 33, "intervals": ["1m"], "apply_to": ["MIN"]},
            {"trailing_days": 4, "intervals": ["1m"], "apply_to": ["ALL"]},
            {"trailing_days": 13, "intervals": ["5m"], "apply_to": ["ALL"]},
        ]
    }
    plan, loader = loader_of(store, ["1m"], "2013-12-02", "2013-12-06", historical, symbols=("ALL", "MIN"))
    loader.load_history()
    expected = [session.trading_day.isoformat() for session in sessions_of(FIRST, "2013-11-29")]
    assert days_kept(loader, MINUTE) == expected[-33:]
    assert days_kept(loader, FIVE) == expected[-13:]
    for age, held in enumerate(reversed(loader.history.intraday[MINUTE].last(33)), start=1):
        day = held.session.trading_day.isoformat()
        minimum, everything = held.row_of(1), held.row_of(0)
        assert minimum is not None
        assert (everything is None) == (age > 4)
        assert_bits(held.grid.values[:, minimum], on_slots(frame(store, "MIN", MINUTE, day), day, MINUTE))
        if everything is not None:
            assert_bits(
                held.grid.values[:, everything], on_slots(frame(store, "ALL", MINUTE, day), day, MINUTE)
            )
    for held in loader.history.intraday[FIVE].last(13):
        assert held.row_of(1) is None
        assert held.row_of(0) == 0
    assert plan.history.first_played >= 33


def test_history_obeys_min_completeness_like_the_session(store: BarStore) -> None:
    historical = {"data": [{"trailing_days": 1, "intervals": ["5m"]}]}
    _, loader = loader_of(
        store, ["1m"], "2013-12-02", "2013-12-02", historical, symbols=("MIN",), min_completeness=0.8
    )
    loader.load_history()
    [held] = loader.history.intraday[FIVE].last(1)
    day = held.session.trading_day.isoformat()
    bars = resampled(frame(store, "MIN", MINUTE, day), held.session, 300)
    assert_bits(held.grid.values[:, 0], on_slots(bars[bars["base_bars"] >= 4], day, FIVE))


def test_a_load_that_is_given_up_reads_no_further(store: BarStore) -> None:
    historical = {"data": [{"trailing_days": 30, "intervals": ["1m"]}]}
    _, loader = loader_of(store, ["1m"], "2013-12-02", "2013-12-02", historical, symbols=("MIN",))
    loader.cancelled.set()
    assert loader.load_history().intraday[MINUTE].last(30) == ()


def test_sessions_are_read_in_chunks_that_fit_into_memory(store: BarStore) -> None:
    _, loader = loader_of(store, ["1m"], "2013-12-02", "2013-12-02", {}, symbols=("MIN",))
    assert loader.chunk_length(session_of("2013-12-02"), 7) == 7
    assert loader.chunk_length(session_of("2013-12-02"), 10**9) == 512 * 2**20 // (40 * 390)
    assert loader.chunk_length(session_of("2013-12-02"), 0) == 1


def history_of(data: SessionData) -> Mapping[tuple[str, Interval], HistoricalQuality]:
    """Return the quality of the history that the session in place began with."""
    view = data.view()
    assert view is not None
    return view.historical_quality


def ready(plan: StreamPlan, loader: SessionLoader, position: int = 0) -> tuple[SessionData, LoadedSession]:
    """Return the data of one of the played sessions, set up as before its open."""
    data = SessionData()
    for symbol in plan.symbols:
        data.register_symbol_data(symbol)
    data.history = loader.load_history()
    data.requested_history = plan.history.requested
    sessions = loader.load(plan.sessions)
    for number in range(position):
        tape = build_tape(plan, sessions[number])
        data.load_tape(tape)
        extend_history(data.history, compute(tape), sessions[number].companions)
    install_session(plan, data, sessions[position], position, scores_history=True, earlier=NoEarlierValues())
    return data, sessions[position]


TRAILING: Final = {
    "volume_5d": {"type": "trailing_average", "period": "5d", "field": "volume", "skip_early_close": True},
    "high_2w": {"type": "trailing_max", "period": "2w", "field": "high"},
    "low_3d": {"type": "trailing_min", "period": "3d", "field": "low"},
    "minutes_3d": {"type": "trailing_average", "period": "3d", "field": "volume", "granularity": "minute"},
}


@pytest.mark.parametrize("position", [0, 1])
def test_historical_indicators_are_those_of_the_days_before_the_session(
    store: BarStore, position: int
) -> None:
    plan, loader = loader_of(
        store, ["1m"], "2013-12-04", "2013-12-05", {"indicators": TRAILING}, symbols=("ALL", "MIN")
    )
    data, _ = ready(plan, loader, position)
    day = plan.sessions[position].trading_day
    earlier = [session for session in sessions_of(FIRST, LAST) if session.trading_day < day]
    full = [session for session in earlier if not session.is_early_close][-5:]
    two_weeks = [session for session in earlier if (day - session.trading_day).days <= 14]
    for symbol in plan.symbols:

        def days_of(sessions: list[Any], symbol: str = symbol) -> pd.DataFrame:
            texts = [session.trading_day.isoformat() for session in sessions]
            rows = [
                stored_day(store, symbol, text) if symbol == "ALL" else made_day(store, symbol, MINUTE, text)
                for text in texts
            ]
            return pd.DataFrame(rows, columns=list(FIELDS))

        assert data.get_historical_indicator(symbol, "volume_5d") == pytest.approx(
            days_of(full).volume.mean()
        )
        assert data.get_historical_indicator(symbol, "high_2w") == days_of(two_weeks).high.max()
        assert data.get_historical_indicator(symbol, "low_3d") == days_of(earlier[-3:]).low.min()
        by_minute = [
            on_slots(
                frame(store, symbol, MINUTE, one.trading_day.isoformat()), one.trading_day.isoformat(), MINUTE
            )
            for one in earlier[-3:]
        ]
        padded = pd.concat([pd.Series(values[VOLUME]) for values in by_minute], axis=1).reindex(range(390))
        np.testing.assert_allclose(
            data.get_historical_indicator(symbol, "minutes_3d"), padded.mean(axis=1), rtol=1e-13
        )
    used = data.require_tape().historical
    assert used["volume_5d"].requested == 5
    assert used["high_2w"].requested == len(two_weeks)


def test_less_history_than_requested_is_used_with_its_number_of_bars(store: BarStore) -> None:
    trailing = {"volume_40d": {"type": "trailing_average", "period": "40d", "field": "volume"}}
    plan, loader = loader_of(
        store, ["1m"], "2013-10-04", "2013-10-04", {"indicators": trailing}, symbols=("MIN",)
    )
    data, _ = ready(plan, loader)
    value = data.require_tape().historical["volume_40d"]
    assert (value.requested, value.used.tolist()) == (40, [3])
    volumes = [made_day(store, "MIN", MINUTE, f"2013-10-0{day}")[4] for day in (1, 2, 3)]
    assert value.values[0] == pytest.approx(sum(volumes) / 3)


def test_without_any_history_a_trailing_value_is_missing(store: BarStore) -> None:
    plan, loader = loader_of(store, ["1m"], FIRST, FIRST, {"indicators": TRAILING}, symbols=("MIN",))
    data, _ = ready(plan, loader)
    assert np.isnan(data.get_historical_indicator("MIN", "volume_5d"))
    assert np.isnan(data.get_historical_indicator("MIN", "minutes_3d")).all()
    assert not any(value.used.any() for value in data.require_tape().historical.values())


def test_history_is_scored_by_the_bars_that_the_calendar_expects(store: BarStore) -> None:
    historical = {
        "data": [
            {"trailing_days": 3, "intervals": ["1m"], "apply_to": ["MIN"]},
            {"trailing_days": 1, "intervals": ["1m"], "apply_to": ["ALL"]},
            {"trailing_days": 12, "intervals": ["1d", "1w"]},
        ]
    }
    plan, loader = loader_of(store, ["1m"], "2013-12-03", "2013-12-03", historical, symbols=("ALL", "MIN"))
    data, loaded = ready(plan, loader)
    days = ("2013-11-27", "2013-11-29", "2013-12-02")
    bars = sum(len(frame(store, "MIN", MINUTE, day)) for day in days)
    assert history_of(data)["MIN", MINUTE] == HistoricalQuality(bars, 390 + 210 + 390)
    assert history_of(data)["ALL", MINUTE] == HistoricalQuality(
        len(frame(store, "ALL", MINUTE, "2013-12-02")), 390
    )
    twelve = [s.trading_day.isoformat() for s in sessions_of(FIRST, "2013-12-02")][-12:]
    stored = sum(not np.isnan(stored_day(store, "ALL", day)[0]) for day in twelve)
    assert history_of(data)["ALL", DAY] == HistoricalQuality(stored, 12)
    # The weeks of the 18th and of the 25th of November; that of the 2nd of December is not over.
    assert history_of(data)["ALL", WEEK] == HistoricalQuality(2, 2)
    install_session(plan, data, loaded, 0, scores_history=False, earlier=NoEarlierValues())
    unmeasured = history_of(data)["MIN", MINUTE]
    assert (unmeasured.measured, unmeasured.percent) == (False, 100.0)


def test_weekly_history_is_the_same_whichever_day_the_run_began(store: BarStore) -> None:
    historical = {"data": [{"trailing_days": 8, "intervals": ["1w"]}]}
    found: list[HistoryDay] = []
    for start, position in (("2013-11-11", 0), ("2013-11-07", 2), ("2013-11-06", 3)):
        plan, loader = loader_of(store, ["1m"], start, "2013-11-11", historical, symbols=("ALL", "MIN"))
        data, _ = ready(plan, loader, position)
        [weeks] = data.history.days(WEEK, 8, date(2013, 11, 11))
        found.append(weeks)
    # Eight trading days before Monday the 11th reach back to Wednesday the 30th: one whole week.
    assert [weeks.grid.shape for weeks in found] == [(2, 1)] * 3
    assert pd.to_datetime(found[0].opened_at[0], unit="s").date() == date(2013, 11, 4)
    for weeks in found[1:]:
        assert_bits(weeks.grid.values, found[0].grid.values)
    highs = [stored_day(store, "ALL", f"2013-11-{day:02}")[HIGH] for day in range(4, 9)]
    assert found[0].grid.values[HIGH, 0, 0] == np.nanmax(highs)
