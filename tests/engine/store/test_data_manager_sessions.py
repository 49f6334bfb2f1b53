"""DataManager: whole sessions out of a store, against picking bars one by one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.intervals import DAY, MINUTE, Interval
from tapedeck.engine.store import data_manager
from tapedeck.engine.store.bar_store import BarColumns, BarStore
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.tape.bar_grid import FIELDS, Floats
from tests.support.markets import fill_store, open_new_store, random_bars
from tests.support.tapes import same_bits, session_of, sessions_of, slots_of


def minutes_around(start: str, end: str, exchange: str = "XNYS") -> np.ndarray:
    """Return every minute from the evening before the first session to the evening after the last."""
    sessions = sessions_of(start, end, exchange)
    first = int(sessions[0].regular_open.timestamp()) - 4 * 3600
    last = int(sessions[-1].regular_close.timestamp()) + 4 * 3600
    return np.arange(first, last, 60)


def naive(bars: BarColumns, slots: SessionSlots) -> Floats:
    """Return one symbol's session (5, n) by looking up every slot's label in a frame."""
    frame = pd.DataFrame({name: getattr(bars, name) for name in FIELDS}, index=bars.opened_at)
    return frame.reindex(slots.stored_labels).to_numpy().T.copy()


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> tuple[BarStore, dict[str, BarColumns]]:
    """Minute bars day and night of three symbols, with gaps; daily bars of two."""
    store = open_new_store(tmp_path_factory.mktemp("manager") / "bars.db")
    written: dict[str, BarColumns] = {}
    labels = minutes_around("2013-11-26", "2013-12-02")
    for number, symbol in enumerate(("AAA", "BBB", "CCC")):
        written[symbol] = random_bars(labels, seed=number, missing=0.0 if symbol == "AAA" else 0.2)
        store.write(symbol, MINUTE, written[symbol])
    days = np.array([int(datetime(2013, 11, day, tzinfo=UTC).timestamp()) for day in (25, 26, 27, 29)])
    for number, symbol in enumerate(("AAA", "BBB")):
        written[f"{symbol} 1d"] = random_bars(days, seed=20 + number)
        store.write(symbol, DAY, written[f"{symbol} 1d"])
    return store, written


def test_sessions_hold_the_bars_of_their_slots_and_no_others(
    market: tuple[BarStore, dict[str, BarColumns]],
) -> None:
    store, written = market
    slots = [SessionSlots(session, MINUTE) for session in sessions_of("2013-11-26", "2013-12-02")]
    grids = DataManager(store).load_sessions(["AAA", "BBB", "CCC"], slots)
    assert [grid.shape[1] for grid in grids] == [390, 390, 210, 390]
    for grid, own in zip(grids, slots, strict=True):
        for row, symbol in enumerate(("AAA", "BBB", "CCC")):
            assert same_bits(grid.values[:, row].copy(), naive(written[symbol], own))
        assert grid.full is False
        assert grid.present.tolist() == (~np.isnan(grid.values[3])).tolist()


@pytest.mark.parametrize("readers", [1, 2])
def test_a_long_read_asks_in_between(
    market: tuple[BarStore, dict[str, BarColumns]], readers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, asked = market[0], list[int]()
    monkeypatch.setattr(data_manager, "_VALUES_PER_READER", 1)
    manager = DataManager(store, readers=readers, between=lambda: asked.append(1))
    manager.load_sessions(["AAA", "BBB", "CCC"], [slots_of("2013-11-27")])
    assert len(asked) >= readers


def test_a_session_without_a_missing_bar_knows_that_it_is_full(
    market: tuple[BarStore, dict[str, BarColumns]],
) -> None:
    store, _ = market
    [grid] = DataManager(store).load_sessions(["AAA"], [slots_of("2013-11-27")])
    assert grid.full is True


def test_the_order_of_the_symbols_is_the_order_of_the_rows(
    market: tuple[BarStore, dict[str, BarColumns]],
) -> None:
    store, written = market
    slots = slots_of("2013-11-29")
    [grid] = DataManager(store).load_sessions(["CCC", "NONE", "AAA"], [slots])
    assert same_bits(grid.values[:, 0].copy(), naive(written["CCC"], slots))
    assert np.isnan(grid.values[:, 1]).all()
    assert same_bits(grid.values[:, 2].copy(), naive(written["AAA"], slots))


def test_some_rows_can_be_loaded_into_their_places(market: tuple[BarStore, dict[str, BarColumns]]) -> None:
    store, written = market
    slots = slots_of("2013-11-29")
    [grid] = DataManager(store).load_sessions(["BBB", "AAA"], [slots], rows=np.array([4, 1]), total=6)
    assert grid.shape == (6, 210)
    assert same_bits(grid.values[:, 4].copy(), naive(written["BBB"], slots))
    assert same_bits(grid.values[:, 1].copy(), naive(written["AAA"], slots))
    assert not grid.present[[0, 2, 3, 5]].any()


def test_no_sessions_need_no_read(market: tuple[BarStore, dict[str, BarColumns]]) -> None:
    store, _ = market
    assert DataManager(store).load_sessions(["AAA"], []) == []


def test_bars_of_the_lunch_break_stay_in_the_store(tmp_path: Path) -> None:
    with open_new_store(tmp_path / "tokyo.db") as store:
        bars = random_bars(minutes_around("2023-06-01", "2023-06-02", "XTKS"), seed=1)
        store.write("7203", MINUTE, bars)
        slots = [slots_of(day, "1m", "XTKS") for day in ("2023-06-01", "2023-06-02")]
        for grid, own in zip(DataManager(store).load_sessions(["7203"], slots), slots, strict=True):
            assert grid.shape == (1, 300)
            assert same_bits(grid.values[:, 0].copy(), naive(bars, own))


def test_bars_outside_the_slots_are_not_loaded(tmp_path: Path) -> None:
    slots = [slots_of(day, "1m", "XTKS") for day in ("2023-06-01", "2023-06-02")]
    noon = slots[0].opened_at[149] + 1800
    labels = np.array([noon, noon + 60, slots[0].opened_at[-1] + 3600, slots[1].opened_at[0] - 600])
    with open_new_store(tmp_path / "tokyo.db") as store:
        store.write("7203", MINUTE, random_bars(labels, seed=1))
        data = DataManager(store)
        assert data.first_session_with_bars("7203", slots) is None
        assert not any(grid.present.any() for grid in data.load_sessions(["7203"], slots))
        store.write("7203", MINUTE, random_bars(slots[1].opened_at[:1].copy(), seed=1))
        assert data.first_session_with_bars("7203", slots) == 1


def test_a_folder_store_gives_the_same_grids_as_a_database(
    market: tuple[BarStore, dict[str, BarColumns]], tmp_path: Path
) -> None:
    _, written = market
    with open_new_store(tmp_path / "bars") as store:
        for symbol in ("AAA", "BBB", "CCC"):
            store.write(symbol, MINUTE, written[symbol])
        slots = [SessionSlots(session, MINUTE) for session in sessions_of("2013-11-26", "2013-12-02")]
        for grid, own in zip(DataManager(store).load_sessions(["CCC", "AAA"], slots), slots, strict=True):
            assert same_bits(grid.values[:, 0].copy(), naive(written["CCC"], own))
            assert same_bits(grid.values[:, 1].copy(), naive(written["AAA"], own))


@given(data=st.data())
@settings(deadline=None, max_examples=25)
def test_however_many_sessions_are_read_at_once_they_are_the_same(
    market: tuple[BarStore, dict[str, BarColumns]], data: st.DataObject
) -> None:
    store, written = market
    sessions = sessions_of("2013-11-26", "2013-12-02")
    picked = data.draw(st.lists(st.sampled_from(range(4)), min_size=1, unique=True).map(sorted))
    interval = data.draw(st.sampled_from([MINUTE]))
    slots = [SessionSlots(sessions[at], interval) for at in picked]
    grids = DataManager(store).load_sessions(["BBB"], slots)
    for grid, own in zip(grids, slots, strict=True):
        assert same_bits(grid.values[:, 0].copy(), naive(written["BBB"], own))


def test_days_are_found_under_their_trading_day(market: tuple[BarStore, dict[str, BarColumns]]) -> None:
    store, written = market
    sessions = sessions_of("2013-11-22", "2013-12-03")
    values = DataManager(store).load_days(["BBB", "AAA", "CCC"], sessions, DAY)
    for row, symbol in enumerate(("BBB", "AAA")):
        frame = pd.DataFrame({name: getattr(written[f"{symbol} 1d"], name) for name in FIELDS})
        frame.index = pd.to_datetime(written[f"{symbol} 1d"].opened_at, unit="s").date
        expected = frame.reindex([session.trading_day for session in sessions]).to_numpy().T.copy()
        assert same_bits(values[:, row].copy(), expected)
    assert np.isnan(values[:, 2]).all()
    assert DataManager(store).load_days([], sessions, DAY).shape == (5, 0, 7)
    assert DataManager(store).load_days(["AAA"], [], DAY).shape == (5, 1, 0)


def test_a_daily_session_is_loaded_like_any_other(market: tuple[BarStore, dict[str, BarColumns]]) -> None:
    store, written = market
    slots = [SessionSlots(session, DAY) for session in sessions_of("2013-11-25", "2013-11-29")]
    grids = DataManager(store).load_sessions(["AAA"], slots)
    closes = [grid.values[3, 0, 0] for grid in grids]
    assert closes == written["AAA 1d"].close.tolist()


def test_stored_intervals_of_unknown_symbols_are_none(market: tuple[BarStore, dict[str, BarColumns]]) -> None:
    store, _ = market
    assert DataManager(store).stored_intervals(["AAA", "CCC", "X"]) == {
        "AAA": frozenset({MINUTE, DAY}),
        "CCC": frozenset({MINUTE}),
        "X": frozenset(),
    }


@given(
    hours=st.lists(st.integers(0, 9 * 24 * 4 - 1), max_size=6),
    exchange=st.sampled_from(["XNYS", "XTKS"]),
)
@settings(deadline=None, max_examples=30)
def test_the_first_session_with_a_bar_is_found_among_bars_day_and_night(
    tmp_path_factory: pytest.TempPathFactory, hours: list[int], exchange: str
) -> None:
    sessions = sessions_of("2023-06-05", "2023-06-13", exchange)
    slots = [SessionSlots(session, MINUTE) for session in sessions]
    origin = int(datetime(2023, 6, 5, tzinfo=UTC).timestamp())
    labels = np.array(sorted({origin + quarter * 900 for quarter in hours}), dtype=np.int64)
    expected = next((at for at, own in enumerate(slots) if np.isin(own.opened_at, labels).any()), None)
    with open_new_store(tmp_path_factory.mktemp("first") / "bars.db") as store:
        if len(labels):
            store.write("A", MINUTE, random_bars(labels, seed=1))
        assert DataManager(store).first_session_with_bars("A", slots) == expected


def test_a_range_and_its_span_are_those_of_the_store(market: tuple[BarStore, dict[str, BarColumns]]) -> None:
    store, written = market
    data = DataManager(store)
    slots = slots_of("2013-11-27")
    found = data.read_range("BBB", MINUTE, int(slots.opened_at[0]), int(slots.opened_at[5]))
    inside = written["BBB"].opened_at[
        (written["BBB"].opened_at >= slots.opened_at[0]) & (written["BBB"].opened_at < slots.opened_at[5])
    ]
    assert found.opened_at.tolist() == inside.tolist()
    first, last = data.span("AAA", MINUTE)
    assert first is not None
    assert last is not None
    assert first == datetime.fromtimestamp(int(written["AAA"].opened_at[0]), UTC)
    assert last == datetime.fromtimestamp(int(written["AAA"].opened_at[-1]), UTC)
    assert data.span("CCC", Interval.parse("1s")) == (None, None)


def test_a_bar_saved_again_with_other_values_replaces_the_first(tmp_path: Path) -> None:
    labels = slots_of("2013-11-27").opened_at[:3].copy()
    with open_new_store(tmp_path / "live.db") as store:
        data = DataManager(store)
        assert data.save_bars("A", MINUTE, random_bars(labels, seed=1)).written == 3
        assert data.save_bars("A", MINUTE, random_bars(labels, seed=1)).unchanged == 3
        corrected = random_bars(labels, seed=2)
        assert data.save_bars("A", MINUTE, corrected).replaced == 3
        assert store.read("A", MINUTE, 0, 2**40).close.tolist() == corrected.close.tolist()


def test_a_session_of_seconds_is_loaded_by_second(tmp_path: Path) -> None:
    second = Interval.parse("1s")
    slots = SessionSlots(session_of("2013-11-29"), second)
    bars = random_bars(slots.opened_at, seed=3, missing=0.9)
    with open_new_store(tmp_path / "seconds.db") as store:
        store.write("A", second, bars)
        [grid] = DataManager(store).load_sessions(["A"], [slots])
    assert grid.shape == (1, 12600)
    assert same_bits(grid.values[:, 0].copy(), naive(bars, slots))


def test_several_readers_load_the_same_as_one(tmp_path: Path) -> None:
    symbols = [f"S{i:02}" for i in range(40)]
    with open_new_store(tmp_path / "bars.db") as store:
        fill_store(store, symbols, "2013-10-07", "2013-10-18", missing=0.05)
        slots = [slots_of(f"2013-10-{day:02}") for day in (7, 8, 9, 10, 11, 14, 15, 16, 17, 18)]
        alone = DataManager(store, readers=1).load_sessions(symbols, slots)
        together = DataManager(store, readers=3).load_sessions(symbols, slots)
        assert 40 * 5 * 390 * len(slots) > 3 * 250_000, "too little for three readers"
        some = np.array([3, 1, 39])
        placed = DataManager(store).load_sessions(["S03", "S01", "S39"], slots, rows=some, total=40)
    for one, many, few in zip(alone, together, placed, strict=True):
        assert same_bits(one.values, many.values)
        assert same_bits(one.values[:, some], few.values[:, some])
