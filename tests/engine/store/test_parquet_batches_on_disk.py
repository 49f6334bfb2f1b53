"""Atomic batches of a Parquet store that are larger than the limit of memory: the same as in memory."""

from __future__ import annotations

import errno
import tempfile
from contextlib import suppress
from itertools import pairwise

import numpy as np
import pytest
from bar_samples import A_DAY, bits, minutes
from store_writer_script import NEW_YEAR_2014

from tapedeck.engine.errors import StoreError
from tapedeck.engine.intervals import DAY, MINUTE
from tapedeck.engine.store import parquet_writing
from tapedeck.engine.store.bar_store import BarColumns
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.store.parquet_aside import BarsAside
from tapedeck.engine.store.parquet_files import OpenFile, RowBudget, write_file

ALWAYS = (-(10**11), 10**12)
IN_MEMORY = 10**9


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "bars", create=True) as opened:
        yield opened


@pytest.fixture
def put(monkeypatch):
    """Numbers of series that were set aside, each time; with a limit of 50 rows."""
    counts, whole = [], BarsAside.put

    def counted(aside, series):
        counts.append(len(series))
        return whole(aside, series)

    monkeypatch.setattr(parquet_writing, "_ATOMIC_ROWS", 50)
    monkeypatch.setattr(BarsAside, "put", counted)
    return counts


def aside_of(store):
    """The bars that the store's writer has set aside."""
    return parquet_writing.writer_of(store.location)._aside


def contents(store):
    """The bytes of every file but the locks."""
    paths = [path for path in sorted(store.location.rglob("*")) if path.is_file() and path.suffix != ".lock"]
    return {str(path.relative_to(store.location)): path.read_bytes() for path in paths}


def some_bars(random):
    """Bars in a random order of writes: before, after, between and over those of others."""
    start, count = int(random.integers(-400, 400)), int(random.integers(1, 120))
    step = int(random.choice([1, 1, 7]))
    times = NEW_YEAR_2014 + 60 * (start + step * np.arange(count))
    values = times / 7.0 + random.integers(0, 2, count)
    return BarColumns(times, values, values + 1, values - 1, values, np.ones(count))


def write_at_random(store, seed, *, removes):
    """Write in nested blocks, some of which fail; return all results. `removes`: bars are removed, too."""
    random = np.random.default_rng(seed)
    results = []

    def write_some():
        for _ in range(random.integers(1, 12)):
            symbol, replace = str(random.choice(["SPY", "IBM", "AIG"])), bool(random.integers(0, 2))
            bars, kind = some_bars(random), random.random()
            first = int(bars.opened_at[0])
            if kind < 0.1:
                results.append(store.remove(symbol, MINUTE, first, first + 6000) if removes else 0)
            elif kind < 0.2:
                store.confirm_empty(symbol, MINUTE, bars.opened_at)
            else:
                is_daily = kind < 0.4
                if is_daily:
                    bars = BarColumns(A_DAY * np.arange(len(bars)), *[bars.close] * 5)
                found = store.write(symbol, DAY if is_daily else MINUTE, bars, replace=replace)
                results.append((found.written, found.unchanged, found.replaced, found.conflicts.tolist()))

    write_some()
    for _ in range(3):
        with store.batch(atomic=True):
            write_some()
            for fails in (False, True, False):
                with suppress(KeyError), store.batch(atomic=bool(random.integers(0, 2)) or fails):
                    write_some()
                    if fails:
                        raise KeyError
            write_some()
    return results


@pytest.mark.parametrize("seed", range(8))
def test_a_batch_beyond_the_limit_gives_the_same_files_and_results(tmp_path, monkeypatch, seed, put):
    removes, found = seed % 2 == 0, []
    for limit in (IN_MEMORY, 50, 0):
        monkeypatch.setattr(parquet_writing, "_ATOMIC_ROWS", limit)
        times_before = len(put)
        with open_store(tmp_path / f"bars_{limit}", create=True) as store:
            found.append((write_at_random(store, seed, removes=removes), contents(store)))
            assert not list(aside_of(store)._files), "no file is held any more"
        assert (len(put) > times_before) == (limit < IN_MEMORY)
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("seed", range(8, 11))
def test_a_batch_beyond_the_limit_gives_what_the_other_store_gives(tmp_path, seed, put):
    with (
        open_store(tmp_path / "bars.db", create=True) as other,
        open_store(tmp_path / "b", create=True) as store,
    ):
        results = write_at_random(other, seed, removes=False)
        assert write_at_random(store, seed, removes=False) == results
        assert put
        assert store.series() == other.series()
        for symbol, intervals in other.series().items():
            for interval in intervals:
                wanted = bits(other.read(symbol, interval, *ALWAYS))
                assert bits(store.read(symbol, interval, *ALWAYS)) == wanted
        assert [found for found in store.verify() if getattr(found, "damage", True)] == []


def test_a_block_that_fails_drops_its_own_bars_also_those_on_disk(store, put):
    with store.batch(atomic=True):
        store.write("SPY", MINUTE, minutes(100))
        with pytest.raises(KeyError), store.batch(atomic=True):  # noqa: PT012 - the block is the matter
            for day in range(1, 5):
                store.write("SPY", MINUTE, minutes(100, start=NEW_YEAR_2014 + day * A_DAY))
                store.write("IBM", MINUTE, minutes(100, start=NEW_YEAR_2014 + day * A_DAY))
            raise KeyError
        assert store.write("SPY", MINUTE, minutes(101)).written == 1
    assert len(put) > 4
    assert list(store.series()) == ["SPY"]
    assert bits(store.read("SPY", MINUTE, *ALWAYS)) == bits(minutes(101))


def test_bars_on_disk_are_not_read_before_the_commit_and_leave_nothing_behind(store, put):
    with store.batch(atomic=True):
        for day in range(5):
            store.write("SPY", MINUTE, minutes(100, start=NEW_YEAR_2014 + day * A_DAY))
        assert len(aside_of(store)._files) == len(put) == 4
        assert sorted(path.name for path in (store.location / ".staging").iterdir()) == ["write.lock"]
        assert store.series() == {}
    assert len(store.read("SPY", MINUTE, *ALWAYS)) == 500
    assert not list(aside_of(store)._files)


def test_a_plain_batch_stores_in_between_also_where_its_blocks_are_beyond_the_limit(store, monkeypatch, put):
    monkeypatch.setattr(parquet_writing, "_BUFFERED_ROWS", 250)
    with store.batch():
        for number, stored in ((0, 0), (1, 2), (2, 2), (3, 4)):
            with store.batch(atomic=True):
                for day in range(2):
                    store.write(f"S{number}", MINUTE, minutes(100, start=NEW_YEAR_2014 + day * A_DAY))
            assert len(store.series()) == stored
        assert len(put) >= 4


def test_later_bars_and_earlier_ones_are_set_aside_once(store, put):
    """Neither an import of the newest bars first, nor replaced bars, write again what is on disk."""
    for replaced in range(2):
        rows = []
        with store.batch(atomic=True):
            for day in reversed(range(1, 20)):
                bars = minutes(60, start=NEW_YEAR_2014 + day * A_DAY)
                bars = BarColumns(bars.opened_at, *[bars.close + replaced] * 5)
                store.write("SPY", MINUTE, bars, replace=True)
                rows.append(sum(mapping.size() for mapping in aside_of(store)._files) // 48)
        assert rows[-1] <= 2 * 60 * 19, "the stored bars, and the new ones"
    assert len(store.read("SPY", MINUTE, *ALWAYS)) == 60 * 19


def test_a_full_disk_ends_the_batch_with_nothing_stored(store, monkeypatch, put):
    def full(**options):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "TemporaryFile", full)
        with pytest.raises(StoreError, match=r"no space left on the disk; nothing"), store.batch(atomic=True):  # noqa: PT012
            store.write("SPY", MINUTE, minutes(100))
            store.write("SPY", MINUTE, minutes(200))
    assert store.series() == {}
    assert store.write("SPY", MINUTE, minutes(100)).written == 100


def test_bars_that_the_disk_changed_are_not_stored(store, put):
    store.write("SPY", MINUTE, minutes(1))
    with (  # noqa: PT012 - the block is the matter
        pytest.raises(StoreError, match=r"not those that were written\. Nothing of"),
        store.batch(atomic=True),
    ):
        store.write("SPY", MINUTE, minutes(100))
        store.write("SPY", MINUTE, minutes(100, start=NEW_YEAR_2014))
        [mapping] = aside_of(store)._files
        aside_of(store)._files[mapping] ^= 1
    assert len(store.read("SPY", MINUTE, *ALWAYS)) == 1
    assert store.write("SPY", MINUTE, minutes(100)).written == 99


@pytest.mark.parametrize("sizes", [[1], [131_072], [131_073, 4096, 1, 200_000], [1] * 9, [4096, 4096]])
def test_a_file_is_the_same_however_its_bars_are_cut_into_runs(tmp_path, sizes):
    bars = minutes(sum(sizes), start=NEW_YEAR_2014)
    edges = np.cumsum([0, *sizes]).tolist()
    columns = [bars.opened_at, bars.open, bars.high, bars.low, bars.close, bars.volume]
    runs = [BarColumns(*(column[low:high] for column in columns)) for low, high in pairwise(edges)]
    write_file(tmp_path / "whole.parquet", [bars], MINUTE)
    write_file(tmp_path / "runs.parquet", iter(runs), MINUTE)
    assert (tmp_path / "runs.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    [found] = OpenFile(str(tmp_path / "runs.parquet"), RowBudget(0)).read(*ALWAYS)
    assert bits(found) == bits(bars)
