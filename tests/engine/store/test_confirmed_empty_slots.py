"""Confirmed-empty slots in both kinds of store, and in an overlay."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import date

import numpy as np
import pytest
from bar_samples import A_DAY, OPEN_7_OCTOBER_2013, minutes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tapedeck.engine.errors import StoreChangedError, StoreDamagedError, StoreError
from tapedeck.engine.intervals import DAY, MINUTE
from tapedeck.engine.store.contents import contents_of
from tapedeck.engine.store.damage import Damage
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.store.overlay_store import OverlayStore
from tapedeck.engine.store.parquet_commit import Staging

ALWAYS = (-(10**11), 10**12)
OPEN = OPEN_7_OCTOBER_2013
PLACES = ("bars.db", "bars")
SYMBOLS = ("SPY", "IBM", "BRK.b")
times = st.integers(OPEN // 60 - 4000, OPEN // 60 + 4000).map(lambda minute: minute * 60)


@pytest.fixture(params=PLACES)
def path(request, tmp_path):
    open_store(tmp_path / request.param, create=True).close()
    return tmp_path / request.param


@pytest.fixture(params=PLACES)
def fresh(request, tmp_path_factory):
    """Makes a new store at every call."""
    return lambda: open_store(tmp_path_factory.mktemp("store") / request.param, create=True)


def at(*slots):
    """Labels of the minutes with these numbers since the open."""
    return np.array([OPEN + 60 * slot for slot in slots], np.int64)


def facts(store, *symbols, interval=MINUTE, between=ALWAYS):
    """The facts of symbols, by symbol: a list of times."""
    found = store.empty_slots(symbols, interval, *between)
    pairs = list(zip(found.rows.tolist(), found.opened_at.tolist(), strict=True))
    assert pairs == sorted(set(pairs))
    return {symbol: [time for row, time in pairs if symbols[row] == symbol] for symbol in symbols}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(SYMBOLS),
            st.lists(times, max_size=6),
            st.one_of(st.none(), st.tuples(times, times)),
        ),
        max_size=6,
    ),
    between=st.tuples(times, times),
)
def test_facts_stored_are_facts_read_and_those_of_removed_days_are_gone(fresh, steps, between):
    known = {symbol: set() for symbol in SYMBOLS}
    with fresh() as store:
        for symbol, added, removed in steps:
            store.confirm_empty(symbol, MINUTE, np.array(added, np.int64))
            known[symbol] |= set(added)
            if removed is not None:
                store.remove(symbol, MINUTE, *removed)
                known[symbol] -= {time for time in known[symbol] if removed[0] <= time < removed[1]}
        for start, end in (ALWAYS, between):
            wanted = {symbol: sorted(t for t in known[symbol] if start <= t < end) for symbol in SYMBOLS}
            assert facts(store, *SYMBOLS, between=(start, end)) == wanted
        assert [found for found in store.verify() if isinstance(found, Damage)] == []
        assert store.series() == {}


def test_facts_are_kept_with_the_store_and_told_apart_by_interval(path):
    with open_store(path) as store:
        store.confirm_empty("SPY", MINUTE, at(3, 1, 1))
        store.confirm_empty("SPY", DAY, at(0))
    with open_store(path) as store:
        assert facts(store, "IBM", "SPY") == {"IBM": [], "SPY": at(1, 3).tolist()}
        assert facts(store, "SPY", interval=DAY) == {"SPY": at(0).tolist()}
        assert facts(store, "SPY", between=(OPEN + 60, OPEN + 180)) == {"SPY": at(1).tolist()}


def test_a_store_without_facts_has_no_table_and_no_folder_for_them(path):
    with open_store(path) as store:
        store.write("SPY", MINUTE, minutes(3))
        assert facts(store, "SPY") == {"SPY": []}
        assert len(store.empty_slots([], MINUTE, *ALWAYS)) == 0
    if path.is_dir():
        assert not (path / "_empty").exists()
    else:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            names = connection.execute("SELECT name FROM sqlite_schema").fetchall()
        assert not [name for (name,) in names if "empty" in name]


def test_an_atomic_block_keeps_bars_and_facts_together(path):
    with open_store(path) as store:
        with pytest.raises(RuntimeError), store.batch(atomic=True):  # noqa: PT012 - the block is the matter
            store.write("SPY", MINUTE, minutes(3))
            store.confirm_empty("SPY", MINUTE, at(5))
            raise RuntimeError
        assert (store.series(), facts(store, "SPY")) == ({}, {"SPY": []})
        with store.batch(atomic=True):
            store.write("SPY", MINUTE, minutes(3))
            store.confirm_empty("SPY", MINUTE, at(5))
            store.confirm_empty("SPY", MINUTE, at(6))
        assert facts(store, "SPY") == {"SPY": at(5, 6).tolist()}
        assert len(store.read("SPY", MINUTE, *ALWAYS)) == 3


def test_contents_count_the_facts_that_no_bar_has_overtaken(path):
    with open_store(path) as store:
        store.write("SPY", MINUTE, minutes(3))
        store.confirm_empty("SPY", MINUTE, at(2, 5, 6))
        store.write("IBM", MINUTE, minutes(3))
        assert [(found.symbol, found.bars, found.empty) for found in contents_of(store)] == [
            ("IBM", 3, 0),
            ("SPY", 3, 2),
        ]


def test_facts_are_watched_as_bars_are(path):
    with open_store(path) as store:
        store.write("SPY", MINUTE, minutes(3))
        watch = store.watch(["IBM", "SPY"], MINUTE, *ALWAYS)
        store.confirm_empty("AIG", MINUTE, at(5))
        watch.check(*ALWAYS)
        store.confirm_empty("SPY", MINUTE, at(5))
        watch.check(OPEN - 3 * A_DAY, OPEN - 2 * A_DAY)
        with pytest.raises(StoreChangedError, match="SPY on 2013-10-07 were changed"):
            watch.check(OPEN, OPEN + A_DAY)


@pytest.mark.parametrize(
    ("symbol", "times", "text"),
    [
        ("", at(1), "invalid symbol"),
        ("SPY", at(1) * 1000, "Times must be in whole seconds, not milliseconds"),
        ("SPY", np.array([1.5]), "must be whole seconds, not float64"),
    ],
)
def test_facts_that_no_market_makes_are_refused(path, symbol, times, text):
    with open_store(path) as store, pytest.raises(StoreError, match=text):
        store.confirm_empty(symbol, MINUTE, times)


def test_damaged_facts_are_noticed_and_dropped_on_request(path):
    with open_store(path) as store:
        store.write("SPY", MINUTE, minutes(3))
        store.confirm_empty("SPY", MINUTE, at(5, 6))
        store.confirm_empty("IBM", MINUTE, at(7))
    if path.is_dir():
        file = path / "_empty" / "interval=1m" / "symbol=SPY.json"
        file.write_text(file.read_text().replace(str(OPEN + 300), str(OPEN + 360 + 60)))
    else:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("UPDATE empty_spans SET slots = slots || ',86340' WHERE symbol = 'SPY'")
            connection.commit()
    with open_store(path) as store:
        with pytest.raises(StoreDamagedError, match="tapedeck store verify --accept"):
            store.empty_slots(["SPY"], MINUTE, *ALWAYS)
        [damage] = [found for found in store.verify() if isinstance(found, Damage)]
        assert "differ" in damage.reason
        for _ in store.accept():
            pass
        assert [found for found in store.verify() if isinstance(found, Damage)] == []
        assert facts(store, "SPY", "IBM") == {"SPY": [], "IBM": at(7).tolist()}
        assert len(store.read("SPY", MINUTE, *ALWAYS)) == 3


def test_damaged_facts_go_with_a_removal_of_everything(path):
    with open_store(path) as store:
        store.write("SPY", MINUTE, minutes(3))
        store.confirm_empty("SPY", MINUTE, at(5, 6))
    if path.is_dir():
        (path / "_empty" / "interval=1m" / "symbol=SPY.json").write_text("{")
    else:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("UPDATE empty_sums SET sum = 0")
            connection.commit()
    with open_store(path) as store:
        assert store.remove("SPY", MINUTE, -(2**62), 2**62) == 3
        assert facts(store, "SPY") == {"SPY": []}


def test_other_tools_can_read_the_facts_of_a_database(tmp_path):
    with open_store(tmp_path / "bars.db", create=True) as store:
        store.confirm_empty("SPY", MINUTE, at(1, 3))
    with contextlib.closing(sqlite3.connect(tmp_path / "bars.db")) as connection:
        assert connection.execute("SELECT * FROM empty_slots ORDER BY 3").fetchall() == [
            ("SPY", "1m", "2013-10-07T13:31:00Z"),
            ("SPY", "1m", "2013-10-07T13:33:00Z"),
        ]
        assert connection.execute("PRAGMA user_version").fetchall() == [(2,)]


def test_bars_and_facts_of_one_commit_are_completed_together_after_a_crash(tmp_path, monkeypatch):
    def die(_):
        raise KeyboardInterrupt

    with open_store(tmp_path / "bars", create=True) as store:
        with monkeypatch.context() as patched:
            patched.setattr(Staging, "_replay", die)
            with pytest.raises(KeyboardInterrupt), store.batch(atomic=True):  # noqa: PT012 - as above
                store.write("SPY", MINUTE, minutes(3))
                store.confirm_empty("SPY", MINUTE, at(5))
        assert (store.series(), facts(store, "SPY")) == ({}, {"SPY": []})
    with open_store(tmp_path / "bars") as store:
        assert len(store.read("SPY", MINUTE, *ALWAYS)) == 3
        assert facts(store, "SPY") == {"SPY": at(5).tolist()}


def test_an_overlay_has_the_facts_of_both_stores_up_to_the_cutoff(path, tmp_path_factory):
    with open_store(path) as store:
        store.confirm_empty("SPY", MINUTE, at(-2, -1, 0, 1))
        store.confirm_empty("SPY", DAY, np.array([OPEN // A_DAY * A_DAY - A_DAY, OPEN // A_DAY * A_DAY]))
    top = open_store(tmp_path_factory.mktemp("top") / "top.db", create=True)
    base = open_store(path, read_only=True)
    with OverlayStore(base, top, cutoff=OPEN, cutoff_day=date(2013, 10, 7)) as store:
        store.confirm_empty("SPY", MINUTE, at(-1, 5))
        store.confirm_empty("IBM", MINUTE, at(-7))
        assert facts(store, "SPY", "IBM") == {"SPY": at(-2, -1, 5).tolist(), "IBM": at(-7).tolist()}
        assert facts(store, "SPY", interval=DAY) == {"SPY": [OPEN // A_DAY * A_DAY - A_DAY]}
    with open_store(path) as store:
        assert facts(store, "SPY", "IBM") == {"SPY": at(-2, -1, 0, 1).tolist(), "IBM": []}


def test_a_changed_bit_of_a_fact_is_refused_or_changes_nothing(path):
    with open_store(path) as store:
        store.confirm_empty("SPY", MINUTE, at(5, 6, 90))
        wanted = facts(store, "SPY")
    file = path / "_empty" / "interval=1m" / "symbol=SPY.json" if path.is_dir() else path
    content = bytearray(file.read_bytes())
    places = range(len(content))
    if not path.is_dir():
        rows = [content.rindex(b"SPY1m"), content.index(b"SPY1m")]
        places = [place for row in rows for place in range(row - 12, min(row + 40, len(content)))]
    refused = 0
    for number, place in enumerate(places):
        content[place] ^= 1 << number % 7
        file.write_bytes(content)
        try:
            with open_store(path) as store:
                assert facts(store, "SPY") == wanted
        except StoreError:
            refused += 1
        content[place] ^= 1 << number % 7
    assert refused > len(places) // 2
