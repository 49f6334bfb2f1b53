"""DATA6: which bars are stored, counted against plain pandas and plain sets."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.errors import DataMissingError
from tapedeck.engine.intervals import DAY, MINUTE, SECOND, Interval
from tapedeck.engine.store import coverage as coverage_module
from tapedeck.engine.store.bar_store import BarColumns, BarStore
from tapedeck.engine.store.coverage import DayCoverage, measure_coverage
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.streams.base_interval import choose_base
from tests.support.imports import import_lean

FIVE_MINUTES = Interval.parse("5m")
NEW_YORK = TimeManager("XNYS")
# A regular day, an early close of 210 minutes, a regular day after the holiday.
DAYS = NEW_YORK.trading_sessions(date(2024, 7, 2), date(2024, 7, 5))


def put(store: BarStore, symbol: str, interval: Interval, times: Sequence[int]) -> None:
    opened = np.array(sorted(times), dtype=np.int64)
    price = np.ones(len(opened))
    store.write(symbol, interval, BarColumns(opened, price, price, price, price, price))


@pytest.fixture
def made(tmp_path: Path) -> Callable[[], BarStore]:
    numbers = iter(range(10**6))
    return lambda: open_store(tmp_path / f"{next(numbers)}.db", create=True)


def minutes_of(session: TradingSession) -> list[int]:
    return SessionSlots(session, MINUTE).opened_at.tolist()


def test_full_partial_and_missing_days_are_told_apart(made: Callable[[], BarStore]) -> None:
    with made() as store:
        full, early, _ = map(minutes_of, DAYS)
        put(store, "ABC", MINUTE, [*full, *early[:105]])
        found = measure_coverage(["ABC"], [MINUTE, FIVE_MINUTES], DAYS, store)
    [row] = found.symbols
    assert found.interval == MINUTE
    assert [(day.status, day.bars, day.slots) for day in row.days] == [
        ("full", 390, 390),
        ("partial", 105, 210),
        ("missing", 0, 390),
    ]
    assert [row.count(status) for status in ("full", "partial", "missing")] == [1, 1, 1]
    assert row.days[1].pct == 50
    assert row.pct == 100 * 495 / 990


def test_extended_hours_cover_nothing(made: Callable[[], BarStore]) -> None:
    with made() as store:
        evening = minutes_of(DAYS[0])[-1] + 60
        put(store, "ABC", MINUTE, [evening, evening + 60])
        found = measure_coverage(["ABC"], [MINUTE], DAYS, store)
    assert {day.status for day in found.symbols[0].days} == {"missing"}


def test_a_symbol_that_is_not_stored_is_missing_and_named(made: Callable[[], BarStore]) -> None:
    with made() as store:
        put(store, "ABC", MINUTE, minutes_of(DAYS[0]))
        found = measure_coverage(["NEW", "ABC"], [MINUTE], DAYS[:1], store)
    assert found.unknown == ("NEW",)
    assert [row.symbol for row in found.symbols] == ["NEW", "ABC"]
    assert found.incomplete() == (("NEW", DayCoverage(date(2024, 7, 2), 0, 390)),)


def test_a_bound_on_quality_finds_the_days_below_it(made: Callable[[], BarStore]) -> None:
    with made() as store:
        put(store, "ABC", MINUTE, minutes_of(DAYS[0])[:-1])
        found = measure_coverage(["ABC"], [MINUTE], DAYS[:1], store)
    assert found.incomplete() == ()
    assert found.incomplete(99.7) == ()
    assert len(found.incomplete(99.8)) == 1
    assert len(found.incomplete(100)) == 1


def test_nothing_stored_of_any_symbol_is_an_error(made: Callable[[], BarStore]) -> None:
    with made() as store:
        put(store, "ABC", MINUTE, minutes_of(DAYS[0]))
        with pytest.raises(
            DataMissingError,
            match=r"no 1s bars stored in .* for the symbols of the session file; 5s bars are made",
        ):
            measure_coverage(["ABC"], [Interval.parse("5s")], DAYS, store)


def test_daily_bars_are_counted_by_trading_day(made: Callable[[], BarStore]) -> None:
    with made() as store:
        midnight = int(pd.Timestamp("2024-07-03", tz="UTC").timestamp())
        put(store, "ABC", DAY, [midnight])
        found = measure_coverage(["ABC"], [DAY], DAYS, store)
    assert found.interval == DAY
    assert [day.status for day in found.symbols[0].days] == ["missing", "full", "missing"]


def test_real_minutes_are_counted_as_pandas_counts_them(
    lean_root: Path, made: Callable[[], BarStore]
) -> None:
    folder = lean_root / "equity" / "usa" / "minute" / "aig"
    sessions = NEW_YORK.trading_sessions(date(2013, 10, 4), date(2013, 10, 11))
    with made() as store:
        import_lean(folder, store)
        found = measure_coverage(["AIG"], [MINUTE], sessions, store)
    expected = []
    for session in sessions:
        with zipfile.ZipFile(folder / f"{session.trading_day:%Y%m%d}_trade.zip") as archive:
            frame = pd.read_csv(io.BytesIO(archive.read(archive.namelist()[0])), header=None)
        regular = frame[0].between(9.5 * 3600_000, 16 * 3600_000, inclusive="left")
        expected.append(int(regular.sum()))
    assert [day.bars for day in found.symbols[0].days] == expected


def test_long_spans_are_read_in_pieces_with_the_same_counts(
    made: Callable[[], BarStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    with made() as store:
        for session, part in zip(DAYS, (390, 100, 7), strict=True):
            put(store, "ABC", MINUTE, minutes_of(session)[:part])
        whole = measure_coverage(["ABC"], [MINUTE], DAYS, store)
        monkeypatch.setattr(coverage_module, "_CHUNK_BYTES", 1)
        assert measure_coverage(["ABC"], [MINUTE], DAYS, store) == whole


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    stored=st.dictionaries(
        st.sampled_from(["A", "B", "C"]),
        st.sets(st.sampled_from([SECOND, MINUTE, DAY]), min_size=1),
        min_size=1,
    ),
    requested=st.lists(st.sampled_from([MINUTE, FIVE_MINUTES, DAY, Interval.parse("15m")]), min_size=1),
)
def test_what_is_counted_is_what_a_run_would_stream(
    made: Callable[[], BarStore], stored: dict[str, set[Interval]], requested: list[Interval]
) -> None:
    """Law: where a run finds a base for all symbols, coverage counts that one."""
    with made() as store:
        for symbol, intervals in stored.items():
            for interval in intervals:
                put(store, symbol, interval, [0])
        try:
            base = choose_base(
                requested, list(stored), {name: frozenset(has) for name, has in stored.items()}
            )
        except DataMissingError:
            return
        assert measure_coverage(list(stored), requested, DAYS[:1], store).interval == base
