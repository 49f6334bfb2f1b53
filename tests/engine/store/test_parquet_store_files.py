"""Parquet store: file layout, commits, cached rows."""

from __future__ import annotations

import errno
import json
import os
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from bar_samples import A_DAY, OPEN_7_OCTOBER_2013, as_rows, bars_at, bits, by_row, minutes, part
from store_writer_script import NEW_YEAR_2014, SYMBOLS, piece, whole_count_of

from tapedeck.engine.errors import StoreError, SymbolRefusedError
from tapedeck.engine.intervals import DAY, MINUTE, SECOND
from tapedeck.engine.store import parquet_writing
from tapedeck.engine.store.bar_store import BarColumns
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.store.parquet_cache import FileCache
from tapedeck.engine.store.parquet_files import OpenFile, RowBudget, write_file

ALWAYS = (-(10**11), 10**12)
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="a child process has to die half-way")


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "bars", create=True) as opened:
        yield opened


def files(store):
    return sorted(str(path.relative_to(store.location)) for path in store.location.rglob("*.parquet"))


def test_minutes_have_a_file_for_each_symbol_and_year_and_days_one_for_each_symbol(store):
    store.write("SPY", MINUTE, minutes(4, start=NEW_YEAR_2014 - 120))
    store.write("BRK/b", SECOND, bars_at([0]))
    store.write("IBM", DAY, bars_at([0, 366 * A_DAY]))
    assert files(store) == [
        "interval=1d/symbol=IBM/all.parquet",
        "interval=1m/symbol=SPY/2013.parquet",
        "interval=1m/symbol=SPY/2014.parquet",
        "interval=1s/symbol=BRK%2F%62/1970.parquet",
    ]


def test_any_parquet_reader_can_read_the_folder_as_one_partitioned_data_set(store):
    store.write("SPY", MINUTE, minutes(4, start=NEW_YEAR_2014 - 120))
    store.write("BRK/B", MINUTE, minutes(2))
    table = ds.dataset(store.location / "interval=1m", partitioning="hive", format="parquet").to_table()
    assert sorted(table.column("symbol").to_pylist()) == ["BRK/B"] * 2 + ["SPY"] * 4
    assert sorted(table.column("open").to_pylist()) == sorted([*minutes(4).open, *minutes(2).open])


def test_files_are_compressed_sorted_and_cut_into_row_groups_with_known_times(store):
    store.write("SPY", MINUTE, minutes(5000, start=NEW_YEAR_2014))
    file = pq.ParquetFile(store.location / "interval=1m/symbol=SPY/2014.parquet")
    groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
    assert [group.num_rows for group in groups] == [4096, 904]
    column = groups[0].column(0)
    assert (column.compression, column.statistics.min) == ("LZ4", NEW_YEAR_2014)
    assert "RLE_DICTIONARY" not in column.encodings
    assert all(not field.nullable for field in file.schema_arrow)


def test_a_foreign_folder_is_not_a_series(store):
    store.write("SPY", MINUTE, minutes(1))
    for name in ("symbol=", "symbol=spy", "notes", "symbol=IBM"):
        (store.location / "interval=1m" / name).mkdir()
    (store.location / "interval=1m" / "notes" / "x.parquet").touch()
    (store.location / "interval=1m" / "symbol=spy" / "2013.parquet").touch()
    (store.location / "interval=1d").touch()
    assert list(store.series()) == ["SPY"]


def test_files_with_other_names_are_not_read(store):
    store.write("SPY", MINUTE, minutes(4, start=NEW_YEAR_2014 - 120))
    for name in ("copy.parquet", "20134.parquet", "notes.txt"):
        (store.location / "interval=1m/symbol=SPY" / name).write_text("mine")
    assert len(store.read("SPY", MINUTE, *ALWAYS)) == 4


def test_a_symbol_too_long_for_a_file_name_is_refused_with_a_way_out(store):
    with pytest.raises(
        SymbolRefusedError, match=r"^symbol 'X{40}…' is too long for a file name on this disk: .* a shorter"
    ):
        store.write("X" * 300, MINUTE, minutes(1))
    assert store.series() == {}


def test_a_damaged_file_is_named(store):
    store.write("SPY", MINUTE, minutes(9000, start=NEW_YEAR_2014))
    path = store.location / "interval=1m/symbol=SPY/2014.parquet"
    whole = path.read_bytes()
    for content in (b"", b"PAR1 but nothing more", whole[: len(whole) // 2]):
        replace_file(path, content)
        with pytest.raises(StoreError, match=r"2014\.parquet is damaged, or was not written by tapedeck"):
            store.read("SPY", MINUTE, *ALWAYS)
    replace_file(path, whole[:40] + b"\xff" * (len(whole) // 2) + whole[40 + len(whole) // 2 :])
    store.series()
    for use in (
        lambda: store.read("SPY", MINUTE, *ALWAYS),
        lambda: store.first_at_or_after("SPY", MINUTE, NEW_YEAR_2014 + 1),
        lambda: store.write("SPY", MINUTE, minutes(1, start=NEW_YEAR_2014 + 60)),
    ):
        with pytest.raises(StoreError, match=r"Restore a copy, or rewrite what is damaged"):
            use()


def replace_file(path, content):
    aside = path.with_suffix(".new")
    aside.write_bytes(content)
    os.replace(aside, path)


def test_a_parquet_file_of_other_columns_is_named(store):
    store.write("SPY", MINUTE, minutes(5))
    path = store.location / "interval=1m/symbol=SPY/2013.parquet"
    table = pq.read_table(path)
    pq.write_table(table.drop(["volume"]), path)
    with pytest.raises(StoreError, match="its columns are not those of bars"):
        store.read("SPY", MINUTE, *ALWAYS)
    pq.write_table(table, path, write_statistics=False)
    with pytest.raises(StoreError, match="it lacks the statistics of opened_at"):
        store.read("SPY", MINUTE, *ALWAYS)


def test_a_file_that_may_not_be_read_is_named(store):
    store.write("SPY", MINUTE, minutes(5))
    path = store.location / "interval=1m/symbol=SPY/2013.parquet"
    path.unlink()
    path.mkdir()
    with pytest.raises(StoreError, match=r"2013\.parquet cannot be read: .* Check the file and its"):
        store.read("SPY", MINUTE, *ALWAYS)
    with pytest.raises(StoreError, match=r"2013\.parquet cannot be read: .* Check the file and its"):
        store.write("SPY", MINUTE, minutes(1))
    shutil.rmtree(path.parent)
    path.parent.write_text("a file where a folder was")
    with pytest.raises(StoreError, match=r"2013\.parquet cannot be read: Not a directory"):
        store.read("SPY", MINUTE, OPEN_7_OCTOBER_2013, OPEN_7_OCTOBER_2013 + 60)


def test_a_file_replaced_by_another_program_is_read_again(store, tmp_path):
    store.write("SPY", MINUTE, minutes(5))
    store.write("IBM", MINUTE, minutes(9))
    assert len(store.read("SPY", MINUTE, *ALWAYS)) == 5
    folder = store.location / "interval=1m"
    shutil.copy(folder / "symbol=IBM/2013.parquet", tmp_path / "copy")
    os.replace(tmp_path / "copy", folder / "symbol=SPY/2013.parquet")
    assert len(store.read("SPY", MINUTE, *ALWAYS)) == 9
    (folder / "symbol=SPY/2013.parquet").unlink()
    assert len(store.read("SPY", MINUTE, *ALWAYS)) == 0


def test_days_imported_one_by_one_in_a_batch_write_the_year_once(store):
    store.write("SPY", MINUTE, minutes(10, start=NEW_YEAR_2014))
    path = store.location / "interval=1m/symbol=SPY/2014.parquet"
    before = path.stat().st_ino, path.stat().st_mtime_ns
    with store.batch():
        for day in range(1, 200):
            assert store.write("SPY", MINUTE, minutes(10, start=NEW_YEAR_2014 + day * A_DAY)).written == 10
        assert (path.stat().st_ino, path.stat().st_mtime_ns) == before
    assert len(store.read("SPY", MINUTE, *ALWAYS)) == 2000


def test_writing_what_is_stored_already_does_not_touch_the_file(store):
    store.write("SPY", MINUTE, minutes(10))
    path = store.location / "interval=1m/symbol=SPY/2013.parquet"
    before = path.stat().st_ino, path.stat().st_mtime_ns
    store.write("SPY", MINUTE, minutes(10))
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == before


def test_a_long_batch_stores_in_between_and_an_atomic_one_does_not(store, monkeypatch):
    monkeypatch.setattr(parquet_writing, "_BUFFERED_ROWS", 100)
    with store.batch():
        store.write("SPY", MINUTE, minutes(150))
        assert files(store) == ["interval=1m/symbol=SPY/2013.parquet"]
        with store.batch(atomic=True):
            store.write("IBM", MINUTE, minutes(150))
            assert len(files(store)) == 1
        assert len(files(store)) == 2
        assert store.write("SPY", MINUTE, minutes(160)).written == 10
    assert len(store.read("SPY", MINUTE, *ALWAYS)) == 160


def test_two_paths_to_one_folder_share_one_writer(store, tmp_path):
    (tmp_path / "link").symlink_to(store.location)
    with store.batch(), open_store(tmp_path / "link") as other:
        store.write("SPY", MINUTE, minutes(5))
        assert other.write("SPY", MINUTE, minutes(6)).unchanged == 5
    assert len(store.read("SPY", MINUTE, *ALWAYS)) == 6


def die_at(step, location):
    """Write a piece in a child process that dies before its n-th change of the disk; say whether it did."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    left = [step]

    def deadly(change):
        def changed(*arguments, **options):
            left[0] -= 1
            if left[0] < 0:
                os._exit(9)
            return change(*arguments, **options)

        return changed

    for name in ("replace", "fsync", "unlink", "open"):
        setattr(os, name, deadly(getattr(os, name)))
    try:
        with open_store(location) as store, store.batch(atomic=True):
            for symbol in SYMBOLS:
                store.write(symbol, MINUTE, piece(1))
    finally:
        os._exit(0)


@needs_fork
def test_a_writer_that_dies_before_any_step_leaves_all_of_its_bars_or_none(tmp_path):
    location = tmp_path / "bars"
    outcomes = []
    for step in range(200):
        shutil.rmtree(location, ignore_errors=True)
        with open_store(location, create=True) as store:
            for symbol in SYMBOLS:
                store.write(symbol, MINUTE, piece(0))
            died = die_at(step, location)
            counts = {whole_count_of(store.read(symbol, MINUTE, *ALWAYS)) for symbol in SYMBOLS}
            assert len(counts) == 1, f"step {step}: {counts}"
            outcomes += counts
            with store.batch(atomic=True):
                for symbol in SYMBOLS:
                    store.write(symbol, MINUTE, piece(1))
            assert {whole_count_of(store.read(symbol, MINUTE, *ALWAYS)) for symbol in SYMBOLS} == {2}
            staging = sorted(entry.name for entry in (location / ".staging").iterdir())
            assert staging == ["commit.lock", "write.lock"]
        if not died:
            break
    assert not died, "the write was to come to its end at last"
    assert outcomes == sorted(outcomes)
    assert set(outcomes) == {1, 2}
    assert outcomes.count(2) > 4, "several deaths after the commit"


@needs_fork
def test_opening_a_store_completes_what_a_dead_writer_had_committed(tmp_path):
    location = tmp_path / "bars"
    for step in range(200):
        shutil.rmtree(location, ignore_errors=True)
        open_store(location, create=True)
        assert die_at(step, location)
        if (location / ".staging" / "journal.json").exists():
            break
    open_store(location)
    assert not (location / ".staging" / "journal.json").exists()
    assert len(list((location / "interval=1m").rglob("*.parquet"))) == 4


def test_a_journal_that_cannot_be_completed_is_explained(store):
    store.write("SPY", MINUTE, piece(0))
    journal = store.location / ".staging" / "journal.json"
    journal.write_text(json.dumps([["7.parquet", "interval=1m/symbol=IBM/2013.parquet"]]))
    for use in (lambda: store.read("SPY", MINUTE, *ALWAYS), lambda: open_store(store.location)):
        with pytest.raises(StoreError, match=r"a write was interrupted, and must be completed before"):
            use()
    with pytest.raises(StoreError, match=r"a write was interrupted"):
        store.write("SPY", MINUTE, minutes(1))
    journal.unlink()
    assert store.write("SPY", MINUTE, minutes(1)).written == 1


def test_a_commit_that_is_stuck_says_what_is_in_the_way_and_goes_on_once_it_is_gone(store):
    store.write("IBM", MINUTE, minutes(1))
    in_the_way = store.location / "interval=1m/symbol=SPY/2014.parquet"
    with pytest.raises(StoreError, match=r"completed before .* Remove the obstacle"), store.batch():  # noqa: PT012 - the block is the matter
        store.write("SPY", MINUTE, piece(0))
        in_the_way.mkdir(parents=True)
    with pytest.raises(StoreError, match=r"Remove the obstacle"):
        open_store(store.location)
    in_the_way.rmdir()
    assert whole_count_of(store.read("SPY", MINUTE, *ALWAYS)) == 1, "the reader completed it"
    assert not (store.location / ".staging" / "journal.json").exists()


def test_an_error_of_the_disk_leaves_the_files_as_they_were(store, monkeypatch):
    store.write("SPY", MINUTE, minutes(5))

    def broken(descriptor):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", broken)
        with pytest.raises(StoreError, match=r"Input/output error.*Nothing of this write was stored"):
            store.write("SPY", MINUTE, minutes(6))
    assert len(store.read("SPY", MINUTE, *ALWAYS)) == 5
    assert sorted(entry.name for entry in (store.location / ".staging").iterdir()) == [
        "commit.lock",
        "write.lock",
    ]
    assert store.write("SPY", MINUTE, minutes(6)).written == 1


def test_a_reader_between_two_files_of_one_commit_starts_again(store, monkeypatch):
    """Another process commits just between the reader's look at 2013 and its look at 2014."""
    store.write("SPY", MINUTE, piece(0))
    get, other = FileCache.get, open_store(store.location)
    commits = [piece(2), piece(1)]

    def interrupted(cache, path):
        found = get(cache, path)
        if cache is store._files._cache and path.endswith("2013.parquet") and commits:
            other.write("SPY", MINUTE, commits.pop())
        return found

    monkeypatch.setattr(FileCache, "get", interrupted)
    assert whole_count_of(store.read("SPY", MINUTE, *ALWAYS)) == 3


def test_only_so_many_files_stay_open(tmp_path):
    cache = FileCache(limit=2)
    for number in range(3):
        write_file(tmp_path / f"{number}.parquet", [minutes(5)], MINUTE)
    first, second, third = (cache.get(str(tmp_path / f"{number}.parquet")) for number in range(3))
    assert cache.get(str(tmp_path / "2.parquet")) is third
    assert cache.get(str(tmp_path / "1.parquet")) is second
    assert cache.get(str(tmp_path / "0.parquet")) is not first
    assert cache.get(str(tmp_path / "3.parquet")) is None
    assert len(cache.get_all([str(tmp_path / f"{number}.parquet") for number in (0, 9, 1)])) == 2


@pytest.mark.parametrize("room", [0, 5000, 100_000])
def test_rows_are_the_same_whether_or_not_there_is_room_to_keep_them(tmp_path, room):
    path = tmp_path / "bars.parquet"
    bars = minutes(30_000)
    write_file(path, [bars], MINUTE)
    budget = RowBudget(room)
    file = OpenFile(str(path), budget)
    start = int(bars.opened_at[0])
    edges = [0, 100, 4096, 4097, 4100, 9000, 9000, 22_000, 22_001, 30_000, 40_000]
    for low, high in pairwise(edges):
        parts = file.read(start + 60 * low, start + 60 * high)
        wanted = bits(part(bars, slice(low, high)))
        assert [time for run in parts for time in run.opened_at.tolist()] == wanted[0]
        assert np.concatenate([[], *(run.close for run in parts)]).tolist() == bars.close[low:high].tolist()
    file.drop_cached_rows()
    assert budget.reserve(room), "all room was given back"
    assert not budget.reserve(1)


def test_a_chunk_that_begins_in_a_gap_uses_what_was_kept(tmp_path):
    path = tmp_path / "bars.parquet"
    bars = bars_at([*range(0, 6000, 60), *range(100_000, 106_000, 60)])
    write_file(path, [bars], MINUTE)
    file = OpenFile(str(path), RowBudget())
    assert as_rows(file.read(0, 6000)[0]) == as_rows(bars)[:100]
    path.unlink()
    [rest] = file.read(50_000, 200_000)
    assert as_rows(rest) == as_rows(bars)[100:]


def test_scans_give_whole_runs_of_one_symbol(store):
    for symbol in ("SPY", "IBM"):
        store.write(symbol, MINUTE, minutes(10, start=NEW_YEAR_2014 - 300))
    batches = list(store.scan(["IBM", "SPY"], MINUTE, *ALWAYS))
    assert [batch.rows for batch in batches] == [0, 0, 1, 1]
    assert by_row(batches)[1] == as_rows(minutes(10, start=NEW_YEAR_2014 - 300))


def test_ranges_beyond_all_calendars_are_read(store):
    bars = BarColumns(np.array([-62135596800, 0, 253402300799]), *[np.ones(3)] * 5)
    store.write("SPY", MINUTE, bars)
    assert files(store)[0].endswith("0001.parquet")
    assert store.read("SPY", MINUTE, -(2**62), 2**62).opened_at.tolist() == bars.opened_at.tolist()
    assert Path(store.location, files(store)[-1]).name == "9999.parquet"
