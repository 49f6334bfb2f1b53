"""Bars of many symbols written at once: the same store as after a write of each symbol."""

from __future__ import annotations

import random
import tempfile
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from bar_samples import OPEN_7_OCTOBER_2013, bar_columns, bits, minutes, with_close
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.errors import StoreDamagedError, StoreError, SymbolRefusedError
from tapedeck.engine.intervals import MINUTE, SECOND
from tapedeck.engine.store.bar_diff import join, take
from tapedeck.engine.store.bar_store import BarColumns, ManySymbolWriter
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.store.many_writes import write_many
from tapedeck.engine.store.overlay_store import OverlayStore
from tapedeck.engine.store.sqlite_store import SqliteStore

SYMBOLS = ("AIG", "BRK.B", "SPY", "é")
ALWAYS = (-(10**11), 10**12)


def content(store):
    """All bars to the last bit; the store must find no damage in them."""
    damage = [one for one in store.verify() if getattr(one, "damage", True)]
    assert damage == []
    return {symbol: bits(store.read(symbol, MINUTE, *ALWAYS)) for symbol in SYMBOLS}


def together(parts):
    """Bars by row, joined as a write of many symbols takes them."""
    rows = np.concatenate([np.empty(0, np.int64), *(np.full(len(bars), row) for row, bars in parts.items())])
    return rows.astype(np.int64), join(list(parts.values()))


@settings(max_examples=5, deadline=None)
@given(st.data())
def test_any_bars_over_any_others_are_stored_as_by_a_write_of_each_symbol(data):
    with tempfile.TemporaryDirectory() as folder:
        at_once = SqliteStore(Path(folder, "once.db"), create=True)
        one_by_one = SqliteStore(Path(folder, "each.db"), create=True)
        for _ in range(2):
            chosen = data.draw(st.sets(st.integers(0, len(SYMBOLS) - 1)))
            parts = {row: data.draw(bar_columns(max_size=6)) for row in sorted(chosen)}
            # Some of the bars that are stored already, with other values or the same.
            for row, bars in parts.items():
                stored = one_by_one.read(SYMBOLS[row], MINUTE, *ALWAYS)
                keep = random.Random(len(stored)).sample(range(len(stored)), len(stored) // 2)
                old = take(stored, np.sort(np.array(keep, np.int64)))
                if len(old) and not len(np.intersect1d(old.opened_at, bars.opened_at)):
                    changed = with_close(old, 0, 17.0)
                    both = join([bars, changed])
                    parts[row] = take(both, np.argsort(both.opened_at))
            at_once.write_many(SYMBOLS, MINUTE, *together(parts))
            for row, bars in parts.items():
                one_by_one.write(SYMBOLS[row], MINUTE, bars, replace=True)
            assert content(at_once) == content(one_by_one)
            assert at_once.series() == one_by_one.series()
            for symbol in SYMBOLS:
                mine, theirs = (store.spans(symbol, MINUTE) for store in (at_once, one_by_one))
                assert mine.differences(theirs) == []


@pytest.mark.parametrize("place", ["bars.db", "bars"])
def test_any_store_takes_bars_of_many_symbols(place, tmp_path):
    with open_store(tmp_path / place, create=True) as store:
        assert isinstance(store, ManySymbolWriter) == (place == "bars.db")
        parts = {0: minutes(3), 2: minutes(2, first_price=50.0)}
        for bars in (parts, {2: with_close(minutes(1), 0, 100.1)}):
            with store.batch():
                write_many(store, SYMBOLS, MINUTE, *together(bars))
        write_many(store, SYMBOLS, MINUTE, *together({}))
        assert len(store.read("AIG", MINUTE, *ALWAYS)) == 3
        assert store.read("SPY", MINUTE, *ALWAYS).close.tolist() == [100.1, 50.0 + 1 / 128 + 0.25]


def test_an_overlay_takes_them_in_its_top(tmp_path):
    base, top = (open_store(tmp_path / name, create=True) for name in ("base", "top.db"))
    base.write("AIG", MINUTE, minutes(2))
    overlay = OverlayStore(base, top, cutoff=OPEN_7_OCTOBER_2013 + 120, cutoff_day=date(2013, 10, 8))
    overlay.write_many(SYMBOLS, MINUTE, *together({0: with_close(minutes(3), 1, 100.1), 2: minutes(3)}))
    assert overlay.read("AIG", MINUTE, *ALWAYS).close[1] == 100.1
    assert bits(base.read("AIG", MINUTE, *ALWAYS)) == bits(minutes(2))
    assert top.read("AIG", MINUTE, *ALWAYS).opened_at.tolist() == [
        OPEN_7_OCTOBER_2013 + 60,
        OPEN_7_OCTOBER_2013 + 120,
    ], "the bar that the base has with the same values is not stored again"
    assert len(top.read("SPY", MINUTE, *ALWAYS)) == 3
    overlay.close()


def test_bars_in_disorder_and_values_that_are_not_finite_are_refused(tmp_path):
    store = SqliteStore(tmp_path / "bars.db", create=True)
    bars, rows = minutes(2), np.zeros(2, np.int64)
    with pytest.raises(StoreError, match="sorted by symbol and time"):
        store.write_many(SYMBOLS, MINUTE, rows, take(bars, np.array([1, 0])))
    with pytest.raises(StoreError, match="sorted by symbol and time"):
        store.write_many(SYMBOLS, MINUTE, np.array([1, 0]), bars)
    with pytest.raises(StoreError, match=r"AIG 1m .*close is nan, but must be finite"):
        store.write_many(SYMBOLS, MINUTE, rows, with_close(bars, 1, np.nan))
    late = BarColumns(
        bars.opened_at * 1000, *(getattr(bars, name) for name in ("open", "high", "low", "close", "volume"))
    )
    with pytest.raises(StoreError, match="milliseconds"):
        store.write_many(SYMBOLS, MINUTE, rows, late)
    with pytest.raises(SymbolRefusedError):
        store.write_many(["\x00"], SECOND, rows, bars)
    assert store.series() == {}


def test_a_change_on_a_damaged_day_is_refused(tmp_path):
    import sqlite3

    path = tmp_path / "bars.db"
    SqliteStore(path, create=True).write("SPY", MINUTE, minutes(3))
    with sqlite3.connect(path) as other:
        other.execute("UPDATE bars_1m SET close = 1 WHERE opened_at = (SELECT max(opened_at) FROM bars_1m)")
    other.close()
    with pytest.raises(StoreDamagedError):
        SqliteStore(path).write_many(["SPY"], MINUTE, np.zeros(1, np.int64), with_close(minutes(1), 0, 100.1))
