"""Contract of the quotes of all stores."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bar_samples import A_DAY, OPEN_7_OCTOBER_2013, bits, minutes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow.dataset import dataset

from tapedeck.engine.errors import StoreChangedError, StoreDamagedError, StoreError, SymbolRefusedError
from tapedeck.engine.intervals import DAY, MINUTE, SECOND, Interval
from tapedeck.engine.store.bars_until import BarsUntil
from tapedeck.engine.store.damage import Damage
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.store.overlay_store import OverlayStore
from tapedeck.engine.store.quote_columns import QUOTE_COLUMN_NAMES, QUOTE_NAMES
from tapedeck.engine.store.quote_store import QuoteColumns
from tests.support.memory_store import MemoryStore

ALWAYS = (-(10**11), 10**12)
OPEN = OPEN_7_OCTOBER_2013
PLACES = ("bars.db", "bars")
ANY_PLACES = (*PLACES, "memory")
SYMBOLS = ("AIG", "BRK.b", "SPY", "é'\"")

on_any_store = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def opened(folder: Path, place: str):
    """A new store in a folder."""
    return MemoryStore(folder / place) if place == "memory" else open_store(folder / place, create=True)


@pytest.fixture(params=ANY_PLACES)
def store(request, tmp_path):
    with opened(tmp_path, request.param) as found:
        yield found


@pytest.fixture(params=ANY_PLACES)
def fresh(request, tmp_path_factory):
    """Makes a new store at every call."""
    return lambda: opened(tmp_path_factory.mktemp("store"), request.param)


@pytest.fixture(params=PLACES)
def path(request, tmp_path):
    opened(tmp_path, request.param).close()
    return tmp_path / request.param


def quotes_of(rows):
    """Quotes of rows: time, bid, ask, bid size, ask size."""
    table = np.array([row[1:] for row in rows], np.float64).reshape(-1, 4).T
    return QuoteColumns(np.array([row[0] for row in rows], np.int64), *table)


def some(count, *, start=OPEN, bid=100.0):
    """A run of one-minute quotes without gaps."""
    return quotes_of([(start + 60 * n, bid + n / 128, bid + 0.25, 100 + n, 200) for n in range(count)])


def rows_of(quotes):
    """Quotes as rows of texts, which are equal to the last bit; a missing value is `nan`."""
    return [
        (time, *map(repr, values))
        for time, *values in zip(
            *(getattr(quotes, name).tolist() for name in QUOTE_COLUMN_NAMES), strict=True
        )
    ]


def with_bid(quotes, position, price):
    bids = quotes.bid.copy()
    bids[position] = price
    return QuoteColumns(quotes.opened_at, bids, quotes.ask, quotes.bid_size, quotes.ask_size)


def counts(result):
    return result.written, result.unchanged, result.replaced, result.conflicts.tolist()


def damage_of(store):
    return [one for one in store.verify() if isinstance(one, Damage) or one.damage]


numbers = st.floats(allow_nan=False, allow_infinity=False, width=64).map(lambda value: value + 0.0)
# About New Year, of two years and three days; few, so that writes meet.
times = st.sampled_from([1_388_534_400 + 60 * n for n in (-1500, -100, -3, -2, -1, 0, 1, 2, 1439, 1440)])
nan = float("nan")


@st.composite
def rows(draw, max_size=8):
    """Any rows of quotes, by time; a side or a size may be missing, a size of a missing side is."""
    found = []
    for time in sorted(draw(st.sets(times, max_size=max_size))):
        bid, ask = draw(st.sampled_from([(1, 1), (1, 0), (0, 1)]))
        values = [draw(st.one_of(numbers, st.just(nan))) for _ in range(2)]
        prices = [draw(numbers) if has else nan for has in (bid, ask)]
        found.append(
            (time, *prices, *(nan if np.isnan(p) else v for v, p in zip(values, prices, strict=True)))
        )
    return found


@on_any_store
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(SYMBOLS), rows(), st.booleans(), st.booleans()), min_size=1, max_size=4
    ),
    between=st.tuples(times, times),
)
def test_writes_add_what_is_new_report_the_rest_and_replace_on_request(fresh, steps, between):
    known: dict[str, dict[int, tuple]] = {symbol: {} for symbol in SYMBOLS}
    with fresh() as store:
        for symbol, added, replace, again in steps:
            for _ in range(1 + again):
                incoming = rows_of(quotes_of(added))
                stored = known[symbol]
                new = [row for row in incoming if row[0] not in stored]
                other = [at for at, row in enumerate(incoming) if stored.get(row[0], row) != row]
                same = len(incoming) - len(new) - len(other)
                found = counts(store.quotes.write(symbol, MINUTE, quotes_of(added), replace=replace))
                assert found == (len(new), same, len(other) if replace else 0, [] if replace else other)
                stored.update({row[0]: row for row in incoming if row[0] not in stored or replace})
        for start, end in (ALWAYS, between):
            wanted = {
                symbol: [row for time, row in sorted(known[symbol].items()) if start <= time < end]
                for symbol in SYMBOLS
            }
            many = store.quotes.read_many([*SYMBOLS, "NONE"], MINUTE, start, end)
            assert {symbol: rows_of(many[symbol]) for symbol in many} == {
                symbol: found for symbol, found in wanted.items() if found
            }
            for symbol in SYMBOLS:
                assert rows_of(store.quotes.read(symbol, MINUTE, start, end)) == wanted[symbol]
        if not isinstance(store, MemoryStore):
            assert damage_of(store) == []
            assert [
                (found.symbol, found.quotes, found.first, found.last) for found in store.quotes.contents()
            ] == [
                (symbol, len(stored), min(stored), max(stored))
                for symbol, stored in sorted(known.items())
                if stored
            ]


@on_any_store
@given(steps=st.lists(st.dictionaries(st.integers(0, 3), rows(), max_size=3), min_size=1, max_size=3))
def test_quotes_of_many_symbols_are_stored_as_by_a_write_of_each(fresh, steps):
    with fresh() as at_once, fresh() as one_by_one:
        for step in steps:
            parts = [(row, line) for row, lines in sorted(step.items()) for line in lines]
            positions = np.array([row for row, _ in parts], np.int64)
            at_once.quotes.write_many(SYMBOLS, MINUTE, positions, quotes_of([line for _, line in parts]))
            for row, lines in step.items():
                one_by_one.quotes.write(SYMBOLS[row], MINUTE, quotes_of(lines), replace=True)
        for symbol in SYMBOLS:
            mine, theirs = (store.quotes.read(symbol, MINUTE, *ALWAYS) for store in (at_once, one_by_one))
            assert rows_of(mine) == rows_of(theirs)
        assert at_once.quotes.series() == one_by_one.quotes.series()
        if not isinstance(at_once, MemoryStore):
            assert damage_of(at_once) == []


def test_series_are_told_apart_by_symbol_and_interval_and_from_bars(store):
    for symbol, interval in (("SPY", MINUTE), ("SPY", SECOND), ("AIG", MINUTE)):
        store.quotes.write(symbol, interval, some(2))
    store.write("IBM", MINUTE, minutes(2))
    assert store.series() == {"IBM": {MINUTE}}
    assert store.quotes.series() == {"AIG": {MINUTE}, "SPY": {SECOND, MINUTE}}
    assert list(store.quotes.series()) == ["AIG", "SPY"]
    assert store.quotes.intervals_of(["IBM", "SPY"]) == {"IBM": frozenset(), "SPY": {SECOND, MINUTE}}
    assert len(store.quotes.read("SPY", DAY, *ALWAYS)) == 0


def test_an_atomic_block_keeps_bars_and_quotes_together(store):
    with pytest.raises(RuntimeError), store.batch(atomic=True):  # noqa: PT012 - the block is the matter
        store.write("SPY", MINUTE, minutes(3))
        store.quotes.write("SPY", MINUTE, some(3))
        raise RuntimeError
    assert (store.series(), store.quotes.series()) == ({}, {})
    with store.batch(atomic=True):
        store.write("SPY", MINUTE, minutes(3))
        assert counts(store.quotes.write("SPY", MINUTE, some(3))) == (3, 0, 0, [])
        assert counts(store.quotes.write("SPY", MINUTE, with_bid(some(4), 1, 7.0))) == (1, 2, 0, [1])
    assert rows_of(store.quotes.read("SPY", MINUTE, *ALWAYS)) == rows_of(some(4))


def test_the_size_of_a_missing_side_is_dropped(store):
    store.quotes.write("SPY", MINUTE, quotes_of([(OPEN, nan, 100.5, 7, 8), (OPEN + 60, 100, 101, nan, -0.0)]))
    assert rows_of(store.quotes.read("SPY", MINUTE, *ALWAYS)) == [
        (OPEN, "nan", "100.5", "nan", "8.0"),
        (OPEN + 60, "100.0", "101.0", "nan", "0.0"),
    ]


@pytest.mark.parametrize(
    ("symbol", "interval", "quotes", "text"),
    [
        ("", MINUTE, some(1), "invalid symbol"),
        ("SPY", Interval.parse("5m"), some(1), "5m bars are not stored"),
        ("SPY", MINUTE, some(1, start=OPEN * 1000), "Times must be in whole seconds, not milliseconds"),
        ("SPY", MINUTE, quotes_of([(OPEN + 60, 1, 1, 1, 1), (OPEN, 1, 1, 1, 1)]), "is not later than"),
        ("SPY", MINUTE, quotes_of([(OPEN, float("inf"), 1, 1, 1)]), "bid is inf, but must be finite, or NaN"),
        ("SPY", MINUTE, quotes_of([(OPEN, nan, nan, 1, 1)]), "has neither bid nor ask"),
    ],
)
def test_quotes_that_no_store_holds_are_refused(store, symbol, interval, quotes, text):
    with pytest.raises((StoreError, SymbolRefusedError), match=text):
        store.quotes.write(symbol, interval, quotes)
    assert store.quotes.series() == {}


def test_quotes_are_kept_with_the_store_and_seen_by_its_other_users(path):
    with open_store(path) as first, open_store(path) as second:
        assert second.quotes.read_many(["SPY"], MINUTE, *ALWAYS) == {}
        first.quotes.write("SPY", MINUTE, some(3))
        assert rows_of(second.quotes.read("SPY", MINUTE, *ALWAYS)) == rows_of(some(3))
    with open_store(path, read_only=True) as store:
        assert rows_of(store.quotes.read("SPY", MINUTE, OPEN + 60, OPEN + 120)) == rows_of(some(3))[1:2]
        with pytest.raises(StoreError, match="opened for reading only"):
            store.quotes.write("SPY", MINUTE, some(3))


@on_any_store
@given(lines=rows(max_size=12), between=st.tuples(times, times))
def test_a_removal_takes_the_quotes_of_its_range_alone(fresh, lines, between):
    with fresh() as store:
        if isinstance(store, MemoryStore):
            return
        for symbol, interval in (("SPY", MINUTE), ("SPY", SECOND), ("AIG", MINUTE)):
            store.quotes.write(symbol, interval, quotes_of(lines))
        start, end = min(between), max(between)
        gone = [row for row in rows_of(quotes_of(lines)) if start <= row[0] < end]
        assert store.quotes.remove("SPY", MINUTE, start, end) == len(gone)
        left = [row for row in rows_of(quotes_of(lines)) if row not in gone]
        assert rows_of(store.quotes.read("SPY", MINUTE, *ALWAYS)) == left
        for symbol, interval in (("SPY", SECOND), ("AIG", MINUTE)):
            assert len(store.quotes.read(symbol, interval, *ALWAYS)) == len(lines)
        assert damage_of(store) == []
        store.remove("SPY", MINUTE, -(2**62), 2**62)
        assert MINUTE not in store.quotes.intervals_of(["SPY"])["SPY"]


def test_quotes_are_watched_as_bars_are(path):
    with open_store(path) as store:
        store.quotes.write("SPY", MINUTE, some(3))
        watch = store.quotes.watch(["IBM", "SPY"], MINUTE, *ALWAYS)
        bars = store.watch(["IBM", "SPY"], MINUTE, *ALWAYS)
        store.quotes.write("AIG", MINUTE, some(3))
        store.quotes.write("SPY", MINUTE, some(1, start=OPEN + A_DAY))
        watch.check(OPEN, OPEN + 3600)
        with pytest.raises(StoreChangedError, match="1m quotes of SPY on 2013-10-08 were changed"):
            watch.check(OPEN + A_DAY, OPEN + 2 * A_DAY)
        store.quotes.remove("SPY", MINUTE, *ALWAYS)
        with pytest.raises(StoreChangedError, match="1m quotes of SPY on 2013-10-07 were"):
            watch.check(OPEN, OPEN + A_DAY)
        bars.check(*ALWAYS)


def test_a_watch_from_before_the_first_quote_sees_it(path):
    with open_store(path) as store:
        watch = store.quotes.watch(["SPY"], MINUTE, *ALWAYS)
        watch.check(*ALWAYS)
        store.quotes.write("SPY", MINUTE, some(3))
        with pytest.raises(StoreChangedError):
            watch.check(OPEN, OPEN + A_DAY)


def test_an_overlay_hides_what_is_to_come_and_takes_all_writes_in_its_top(tmp_path):
    base, top = (open_store(tmp_path / name, create=True) for name in ("base.db", "top.db"))
    base.quotes.write("SPY", MINUTE, some(5))
    overlay = OverlayStore(base, top, cutoff=OPEN + 120, cutoff_day=date(2013, 10, 7))
    quotes = overlay.quotes
    assert rows_of(quotes.read("SPY", MINUTE, *ALWAYS)) == rows_of(some(2))
    assert quotes.intervals_of(["SPY", "AIG"]) == {"SPY": {MINUTE}, "AIG": frozenset()}
    watch = quotes.watch(["SPY"], MINUTE, *ALWAYS)
    base.quotes.write("SPY", MINUTE, some(1, start=OPEN + A_DAY))
    watch.check(OPEN, OPEN + 2 * A_DAY)
    late = with_bid(some(3), 1, 50.0)
    assert counts(quotes.write("SPY", MINUTE, late)) == (1, 1, 0, [1])
    assert top.quotes.read("SPY", MINUTE, *ALWAYS).opened_at.tolist() == [OPEN + 120]
    positions = np.array([0, 0, 0, 1], np.int64)
    lines = zip(*(getattr(late, name).tolist() for name in QUOTE_COLUMN_NAMES), strict=True)
    both = quotes_of([*lines, (OPEN + 180, 1, 2, 3, 4)])
    quotes.write_many(["SPY", "AIG"], MINUTE, positions, both)
    assert rows_of(quotes.read("SPY", MINUTE, *ALWAYS)) == rows_of(late)
    many = quotes.read_many(["AIG", "SPY"], MINUTE, *ALWAYS)
    assert [rows_of(many[symbol])[-1][0] for symbol in ("AIG", "SPY")] == [OPEN + 180, OPEN + 120]
    assert quotes.series() == {"AIG": {MINUTE}, "SPY": {MINUTE}}
    assert top.quotes.read("SPY", MINUTE, *ALWAYS).opened_at.tolist() == [OPEN + 60, OPEN + 120]
    assert len(base.quotes.read("SPY", MINUTE, *ALWAYS)) == 6
    with pytest.raises(StoreChangedError):
        watch.check(OPEN, OPEN + A_DAY)
    overlay.close()


def test_what_had_not_ended_at_a_moment_is_not_read(tmp_path):
    with MemoryStore(tmp_path) as store:
        store.quotes.write("SPY", MINUTE, some(5))
        until = BarsUntil(store, OPEN + 150, date(2013, 10, 7))
        assert rows_of(until.quotes.read("SPY", MINUTE, *ALWAYS)) == rows_of(some(2))
        assert rows_of(until.quotes.read_many(["SPY"], MINUTE, *ALWAYS)["SPY"]) == rows_of(some(2))
        assert until.quotes.series() == {"SPY": {MINUTE}}
        with pytest.raises(StoreError, match="reading only"):
            until.quotes.write("SPY", MINUTE, some(1))


def test_a_store_without_quotes_has_no_table_and_no_folder_for_them(path):
    with open_store(path) as store:
        store.write("SPY", MINUTE, minutes(3))
        assert store.quotes.read_many(["SPY"], MINUTE, *ALWAYS) == {}
        store.quotes.watch(["SPY"], MINUTE, *ALWAYS).check(*ALWAYS)
        assert (store.quotes.series(), list(store.quotes.contents())) == ({}, [])
        assert store.quotes.remove("SPY", MINUTE, *ALWAYS) == 0
    if path.is_dir():
        assert sorted(entry.name for entry in path.iterdir()) == [".staging", "interval=1m", "tapedeck.json"]
    else:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            names = connection.execute("SELECT name FROM sqlite_schema").fetchall()
        assert not [name for (name,) in names if "quote" in name]


def test_other_tools_can_read_the_quotes_of_a_database(tmp_path):
    with open_store(tmp_path / "bars.db", create=True) as store:
        store.quotes.write(
            "SPY", MINUTE, quotes_of([(OPEN, 100, nan, 5, nan), (OPEN + 60, 99.5, 101, nan, 7)])
        )
    with contextlib.closing(sqlite3.connect(tmp_path / "bars.db")) as connection:
        assert connection.execute("SELECT * FROM quotes ORDER BY opened_at").fetchall() == [
            ("SPY", "1m", OPEN, 100.0, None, 5.0, None),
            ("SPY", "1m", OPEN + 60, 99.5, 101.0, None, 7.0),
        ]
        assert connection.execute("PRAGMA user_version").fetchall() == [(2,)]


CHANGES = (
    "UPDATE quotes SET bid = bid + 0.0078125 WHERE symbol = 'SPY' AND opened_at = {time}",
    "UPDATE quotes SET ask_size = NULL WHERE symbol = 'SPY' AND opened_at = {time}",
    "UPDATE quotes SET opened_at = opened_at + 1 WHERE symbol = 'SPY' AND opened_at = {time}",
    "DELETE FROM quotes WHERE symbol = 'SPY' AND opened_at = {time}",
    "DELETE FROM quotes WHERE symbol = 'SPY'",
    "DELETE FROM quote_sums WHERE symbol = 'SPY'",
    "UPDATE quotes SET symbol = 'IBM' WHERE symbol = 'SPY'",
)


@pytest.mark.parametrize("change", CHANGES)
def test_changed_and_lost_rows_of_a_database_are_found(tmp_path, change):
    place = tmp_path / "bars.db"
    with open_store(place, create=True) as store:
        store.write("SPY", MINUTE, minutes(3))
        store.quotes.write("SPY", MINUTE, some(3))
        store.quotes.write("AIG", MINUTE, some(3))
    with contextlib.closing(sqlite3.connect(place)) as connection:
        assert connection.execute(change.format(time=OPEN + 60)).rowcount
        connection.commit()
    with open_store(place) as store:
        with pytest.raises(StoreDamagedError, match="1m quotes of SPY on 2013-10-07 differ"):
            store.quotes.read("SPY", MINUTE, OPEN, OPEN + 60)
        with pytest.raises(StoreDamagedError):
            store.quotes.read_many(["AIG", "SPY"], MINUTE, *ALWAYS)
        assert rows_of(store.quotes.read("AIG", MINUTE, *ALWAYS)) == rows_of(some(3))
        assert bits(store.read("SPY", MINUTE, *ALWAYS)) == bits(minutes(3))
        assert any("SPY on 2013-10-07 differ" in str(damage) for damage in damage_of(store))
        for _ in store.accept():
            pass
        assert damage_of(store) == []
        store.quotes.read("SPY", MINUTE, *ALWAYS)


def test_a_damaged_schema_never_looks_like_a_database_without_quotes(tmp_path):
    """Each byte of the tables' names and columns, with its highest bit set, which no UTF-8 text has alone."""
    place = tmp_path / "bars.db"
    with open_store(place, create=True) as store:
        store.quotes.write("SPY", MINUTE, some(3))
    whole = place.read_bytes()
    start = whole.index(b"tablequotesquotes")
    refused = 0
    for at in range(start, start + 60):
        place.write_bytes(whole[:at] + bytes([whole[at] | 0x80]) + whole[at + 1 :])
        try:
            with open_store(place) as store:
                assert rows_of(store.quotes.read("SPY", MINUTE, *ALWAYS)) == rows_of(some(3))
        except StoreError:
            refused += 1
    assert refused > 30


def test_writes_on_a_damaged_day_leave_its_damage_to_be_seen(tmp_path):
    place = tmp_path / "bars.db"
    with open_store(place, create=True) as store:
        store.quotes.write("SPY", MINUTE, some(3))
    with contextlib.closing(sqlite3.connect(place)) as connection:
        connection.execute(CHANGES[0].format(time=OPEN + 60))
        connection.commit()
    with open_store(place) as store:
        store.quotes.write("SPY", MINUTE, some(1, start=OPEN + 600))
        with pytest.raises(StoreDamagedError):
            store.quotes.write("SPY", MINUTE, with_bid(some(3), 0, 1.0), replace=True)
        store.quotes.remove("SPY", MINUTE, OPEN, OPEN + 60)
        with pytest.raises(StoreDamagedError):
            store.quotes.read("SPY", MINUTE, *ALWAYS)
        store.remove("SPY", MINUTE, OPEN // A_DAY * A_DAY, OPEN // A_DAY * A_DAY + A_DAY)
        assert len(store.quotes.read("SPY", MINUTE, *ALWAYS)) == 0


def test_changed_and_lost_bytes_of_a_file_are_found(tmp_path):
    place = tmp_path / "bars"
    with open_store(place, create=True) as store:
        store.write("SPY", MINUTE, minutes(3))
        store.quotes.write("SPY", MINUTE, some(500))
        store.quotes.write("AIG", MINUTE, some(3))
    file = place / "_quotes/interval=1m/symbol=SPY/2013.parquet"
    whole = file.read_bytes()
    for at in [*range(8, len(whole), len(whole) // 12), len(whole) - 3]:
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with open_store(place) as store:
            with pytest.raises(StoreDamagedError, match=r"symbol=SPY/2013\.parquet is damaged"):
                store.quotes.read("SPY", MINUTE, *ALWAYS)
            assert rows_of(store.quotes.read("AIG", MINUTE, *ALWAYS)) == rows_of(some(3))
            assert bits(store.read("SPY", MINUTE, *ALWAYS)) == bits(minutes(3))
            [damage] = damage_of(store)
            assert "the 1m quotes of SPY" in damage.reason
            assert damage.series is None, "a repair with bars must not be tried"
    with open_store(place) as store:
        store.remove("SPY", MINUTE, -(2**62), 2**62)
        assert (damage_of(store), store.quotes.series()) == ([], {"AIG": {MINUTE}})


def test_files_of_bars_and_of_quotes_are_told_apart(tmp_path):
    place = tmp_path / "bars"
    with open_store(place, create=True) as store:
        store.write("SPY", MINUTE, minutes(3))
        store.quotes.write("SPY", MINUTE, some(3))
    files = [
        place / "interval=1m/symbol=SPY/2013.parquet",
        place / "_quotes/interval=1m/symbol=SPY/2013.parquet",
    ]
    bars, quotes = (file.read_bytes() for file in files)
    for file, content in zip(files, (quotes, bars), strict=True):
        file.write_bytes(content)
    with open_store(place) as store:
        with pytest.raises(StoreDamagedError, match="its columns are not those of bars"):
            store.read("SPY", MINUTE, *ALWAYS)
        with pytest.raises(StoreDamagedError, match="its columns are not those of quotes"):
            store.quotes.read("SPY", MINUTE, *ALWAYS)


def test_other_tools_can_read_the_quotes_of_a_folder_and_readers_of_bars_pass_over_them(tmp_path):
    place = tmp_path / "bars"
    with open_store(place, create=True) as store:
        store.write("SPY", MINUTE, minutes(3))
        store.quotes.write(
            "SPY", MINUTE, quotes_of([(OPEN, 100, nan, 5, nan), (OPEN + 60, 99.5, 101, nan, 7)])
        )
    found = pd.read_parquet(place / "_quotes")
    assert found.opened_at.tolist() == [OPEN, OPEN + 60]
    assert (found.bid.tolist(), found.ask.isna().tolist()) == ([100.0, 99.5], [True, False])
    assert found.symbol.tolist() == ["SPY", "SPY"]
    # As Arrow's readers of folders do: names that begin with _ are passed over.
    bars = dataset(place, format="parquet", partitioning="hive", exclude_invalid_files=True).to_table()
    bars = bars.to_pandas()
    assert (len(bars), "bid" in bars) == (3, False)


def test_a_store_whose_quotes_vanish_is_noticed(tmp_path):
    place = tmp_path / "bars"
    with open_store(place, create=True) as store:
        store.quotes.write("SPY", MINUTE, some(3))
        watch = store.quotes.watch(["SPY"], MINUTE, *ALWAYS)
        shutil.rmtree(place / "_quotes")
        with pytest.raises(StoreChangedError, match="1m quotes of SPY on 2013-10-07 were removed"):
            watch.check(*ALWAYS)


@pytest.mark.parametrize("place", PLACES)
def test_threads_write_and_read_bars_and_quotes_at_once(tmp_path, place):
    """Writes go through sqlite3, bulk reads through ADBC: no rows are lost, and none waits for ever."""
    failures: list[BaseException] = []
    with open_store(tmp_path / place, create=True) as store:
        store.write("SPY", MINUTE, minutes(50))
        store.quotes.write("SPY", MINUTE, some(1))

        def write():
            with store.batch():
                for number in range(30):
                    store.quotes.write("SPY", MINUTE, some(10, start=OPEN + 600 * number))

        def read():
            for _ in range(30):
                assert sum(len(batch.bars) for batch in store.scan(["SPY"], MINUTE, *ALWAYS)) == 50
                found = store.quotes.read_many(["SPY"], MINUTE, *ALWAYS)["SPY"]
                assert rows_of(found) == rows_of(store.quotes.read("SPY", MINUTE, *ALWAYS))[: len(found)]

        def kept(work):
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - raised below
                failures.append(error)

        threads = [threading.Thread(target=kept, args=[work], daemon=True) for work in (write, read, read)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in threads)
        assert failures == []
        times = store.quotes.read("SPY", MINUTE, *ALWAYS).opened_at
        assert times.tolist() == [OPEN + 60 * slot for slot in range(300)]
        assert damage_of(store) == []


def test_two_processes_write_quotes_of_one_store(path):
    script = (
        "import sys, numpy as np\n"
        "from tapedeck.engine.intervals import MINUTE\n"
        "from tapedeck.engine.store.locations import open_store\n"
        "from tapedeck.engine.store.quote_store import QuoteColumns\n"
        "with open_store(sys.argv[1]) as store:\n"
        "    for n in range(int(sys.argv[2]), 40, 2):\n"
        "        times = np.arange(n * 10, n * 10 + 10) * 60\n"
        "        values = [times / 7] * 4\n"
        "        store.quotes.write('SPY', MINUTE, QuoteColumns(times, *values))\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    writers = [
        subprocess.Popen([sys.executable, "-c", script, str(path), str(part)], env=environment)
        for part in (0, 1)
    ]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
    with open_store(path) as store:
        found = store.quotes.read("SPY", MINUTE, *ALWAYS)
        assert found.opened_at.tolist() == [60 * slot for slot in range(400)]
        assert found.bid.tolist() == (found.opened_at / 7).tolist()
        assert damage_of(store) == []


@pytest.mark.parametrize("name", QUOTE_NAMES)
def test_each_column_of_a_long_series_counts(tmp_path, name):
    """Some hundred days, so that verification reads them in pieces."""
    place = tmp_path / "bars.db"
    days = quotes_of([(OPEN + A_DAY * day, 1, 2, 3, 4) for day in range(600)])
    with open_store(place, create=True) as store:
        store.quotes.write("SPY", MINUTE, days)
        assert damage_of(store) == []
    with contextlib.closing(sqlite3.connect(place)) as connection:
        connection.execute(f"UPDATE quotes SET {name} = 7 WHERE opened_at = ?", [OPEN + 400 * A_DAY])
        connection.commit()
    with open_store(place) as store:
        assert [str(one).count("2014-11-11 differ") for one in damage_of(store)] == [1]
