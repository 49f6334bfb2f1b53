"""Checksums of stores: damage is found and named, repaired, accepted; old stores are read."""

from __future__ import annotations

import contextlib
import json
import random
import sqlite3
import struct

import numpy as np
import pyarrow.parquet as pq
import pytest
from bar_samples import A_DAY, as_rows, bar_columns, bars_at, bits, minutes, part
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.errors import StoreDamagedError, StoreError, SymbolRefusedError
from tapedeck.engine.importers.ingest import import_bars
from tapedeck.engine.importers.registry import IMPORTERS
from tapedeck.engine.importers.repair import repair_store
from tapedeck.engine.importers.report import ImportOptions
from tapedeck.engine.intervals import DAY, MINUTE
from tapedeck.engine.store.bar_store import BarColumns
from tapedeck.engine.store.checksums import SpanSums
from tapedeck.engine.store.damage import Damage
from tapedeck.engine.store.locations import open_store

ALWAYS = (-(10**11), 10**12)
PLACES = ("bars.db", "bars")
WEEK = minutes(5 * 1440, start=1381104000)  # 2013-10-07 to 11, round the clock


@pytest.fixture(params=PLACES)
def location(request, tmp_path):
    with open_store(tmp_path / request.param, create=True) as store:
        store.write("SPY", MINUTE, WEEK)
        store.write("AIG", DAY, bars_at(range(1381104000, 1381104000 + 60 * A_DAY, A_DAY)))
    return tmp_path / request.param


def damage_of(location):
    with open_store(location) as store:
        found = list(store.verify())
    assert not [one for one in found if isinstance(one, Damage)]
    return [damage for series in found for damage in series.damage]


def damage_wednesday(location):
    """Change one bit of the open at 2013-10-09 12:00, in the file itself; return the file."""
    if location.is_dir():
        path = location / "interval=1m/symbol=SPY/2013.parquet"
        file = pq.ParquetFile(path)
        at = file.metadata.row_group(0).column(1).data_page_offset + 500
        content = bytearray(path.read_bytes())
    else:
        path, position = location, 2 * 1440 + 720
        content = bytearray(path.read_bytes())
        at = content.index(struct.pack(">d", WEEK.open[position]))
    content[at] ^= 1
    path.write_bytes(content)
    return path


@settings(max_examples=60, deadline=None)
@given(bars=bar_columns(), seed=st.integers(0, 2**32))
def test_sums_do_not_depend_on_order_or_cuts_and_do_on_every_bit(bars, seed):
    whole = SpanSums.of(bars, MINUTE)
    order = np.random.default_rng(seed).permutation(len(bars))
    cut = seed % (len(bars) + 1)
    pieces = [SpanSums.of(part(bars, order[:cut]), MINUTE), SpanSums.of(part(bars, order[cut:]), MINUTE)]
    assert SpanSums.total(pieces).differences(whole) == []
    assert whole.bars.sum() == len(bars)
    if len(bars):
        chance = random.Random(seed)
        name = chance.choice(["open", "high", "low", "close", "volume"])
        column, at = getattr(bars, name).copy(), chance.randrange(len(bars))
        column.view(np.uint64)[at] ^= np.uint64(1 << chance.randrange(64))
        changed = {n: getattr(bars, n) for n in ("opened_at", "open", "high", "low", "close", "volume")}
        span = int(bars.opened_at[at]) // A_DAY * A_DAY
        assert whole.differences(SpanSums.of(BarColumns(**changed | {name: column}), MINUTE)) == [(0, span)]


def test_a_changed_bit_is_refused_by_every_read_and_the_day_is_named(location):
    path = damage_wednesday(location)
    inside = (1381320000, 1381320060)
    with open_store(location) as store:
        for read in (
            lambda: store.read("SPY", MINUTE, *inside),
            lambda: list(store.scan(["SPY"], MINUTE, *inside)),
            lambda: store.write("SPY", MINUTE, minutes(1, start=1381320000, first_price=1.0)),
        ):
            with pytest.raises(StoreDamagedError, match=str(path)) as caught:
                read()
            assert caught.value.file == str(path)
        assert len(store.read("AIG", DAY, *ALWAYS)) == 60
    [damage] = damage_of(location)
    assert damage.start <= 1381320000 < damage.end
    assert damage.series == ("SPY", MINUTE)
    if not location.is_dir():
        assert str(damage) == f"{path}: SPY 1m 2013-10-09: the bars differ from their checksum"


def test_repair_restores_what_was_written_and_touches_no_other_day(location, tmp_path):
    damage_wednesday(location)
    [damage] = damage_of(location)
    first = int(WEEK.opened_at.searchsorted(damage.start))
    lines = ["time,open,high,low,close,volume"]
    lines += [",".join(map(repr, row)) for row in as_rows(part(WEEK, slice(first, None)))]
    source = tmp_path / "SPY.csv"
    source.write_text("\n".join(lines))
    described = {"interval": MINUTE, "symbol": "SPY", "time_format": "s"}
    with open_store(location) as store:
        [repaired] = repair_store(
            store, [damage], IMPORTERS["csv"], source, options=ImportOptions(), **described
        )
        assert repaired.status == "restored"
        assert bits(store.read("SPY", MINUTE, *ALWAYS)) == bits(WEEK)
    assert damage_of(location) == []


def test_damage_that_the_files_lack_is_left(location, tmp_path):
    damage_wednesday(location)
    source = tmp_path / "SPY.csv"
    source.write_text("time,open,high,low,close,volume\n1420070400,1,1,1,1,1\n")
    described = {"interval": MINUTE, "symbol": "SPY", "time_format": "s"}
    with open_store(location) as store:
        [left] = repair_store(
            store, damage_of(location), IMPORTERS["csv"], source, options=ImportOptions(), **described
        )
    assert (left.status, left.detail) == ("left", "the files have no bars of it")
    assert len(damage_of(location)) == 1


def test_a_change_by_another_program_is_refused_until_it_is_accepted(location):
    if location.is_dir():
        path = location / "interval=1m/symbol=SPY/2013.parquet"
        table = pq.read_table(path, partitioning=None).slice(0, 100)
        pq.write_table(table, path)
    else:
        with contextlib.closing(sqlite3.connect(location)) as connection:
            connection.execute("DELETE FROM bars_1m WHERE opened_at >= ?", (1381104000 + 6000,))
            connection.commit()
    with open_store(location) as store:
        with pytest.raises(StoreDamagedError, match="tapedeck store verify --accept"):
            store.read("SPY", MINUTE, *ALWAYS)
        assert ("SPY", MINUTE) in list(store.accept())
        assert bits(store.read("SPY", MINUTE, *ALWAYS)) == bits(part(WEEK, slice(0, 100)))
    assert damage_of(location) == []


def without_checks(location):
    """Make a store into one of the version before checksums."""
    if location.is_dir():
        for path in location.rglob("*.parquet"):
            pq.write_table(pq.read_table(path, partitioning=None), path, write_statistics=["opened_at"])
        (location / "tapedeck.json").write_text(json.dumps({"format": "tapedeck-bars", "version": 1}))
    else:
        with contextlib.closing(sqlite3.connect(location)) as connection:
            connection.executescript(
                "DROP TABLE day_sums; DROP TABLE catalog_sum; PRAGMA user_version = 1; VACUUM"
            )


def test_an_old_store_is_read_and_written_without_checksums_until_they_are_added(location):
    without_checks(location)
    later = minutes(10, start=1381104000 + 10 * A_DAY)
    with open_store(location) as store:
        assert not store.has_checks
        assert store.write("SPY", MINUTE, later).written == 10
        assert store.first_at_or_after("SPY", MINUTE, 0) == 1381104000
        assert store.last_before("SPY", MINUTE, 10**10) == int(later.opened_at[-1])
        assert len(store.read("SPY", MINUTE, *ALWAYS)) == len(WEEK) + 10
    assert damage_of(location) == []
    with open_store(location) as store:
        list(store.accept())
    with open_store(location) as store:
        assert store.has_checks
        assert len(store.read("SPY", MINUTE, *ALWAYS)) == len(WEEK) + 10
    damage_wednesday(location)
    assert len(damage_of(location)) == 1


def test_removing_days_and_symbols_keeps_the_rest_and_its_checksums(location):
    with open_store(location) as store:
        assert store.remove("SPY", MINUTE, 1381104000 + A_DAY, 1381104000 + 2 * A_DAY) == 1440
        assert len(store.read("SPY", MINUTE, *ALWAYS)) == 4 * 1440
        assert store.remove("AIG", DAY, 1381104000, 1381104000 + 5 * A_DAY) == 5
        assert len(store.read("AIG", DAY, *ALWAYS)) == 55
        assert store.remove("AIG", DAY, *ALWAYS) == 55
        assert list(store.series()) == ["SPY"]
    assert damage_of(location) == []


def test_a_symbol_that_a_store_cannot_hold_is_refused_alone(tmp_path):
    with open_store(tmp_path / "bars", create=True) as store, store.batch(atomic=True):
        store.write("SPY", MINUTE, minutes(5))
        for symbol in ("X" * 300, "é" * 50, "", "A\x00", "\ud800"):
            with pytest.raises(SymbolRefusedError):
                store.write(symbol, MINUTE, minutes(5))
    assert list(open_store(tmp_path / "bars").series()) == ["SPY"]


def test_rows_of_a_symbol_that_is_too_long_are_rejected_and_the_others_stored(tmp_path):
    source = tmp_path / "all.csv"
    long = "é" * 64
    source.write_text(
        "time,symbol,open,high,low,close,volume\n"
        + "".join(f"2013-10-07T13:3{i}:00Z,{name},1,1,1,1,1\n" for i in range(3) for name in ("SPY", long))
    )
    with open_store(tmp_path / "bars", create=True) as store:
        report = import_bars(IMPORTERS["csv"], source, store, interval=MINUTE)
        assert (report.written, len(report.rejected)) == (3, 3)
        assert "too long for a file name" in report.rejected[0].reason
        assert list(store.series()) == ["SPY"]


def test_a_damaged_marker_or_journal_is_named(tmp_path):
    with open_store(tmp_path / "bars", create=True) as store:
        store.write("SPY", MINUTE, minutes(5))
    marker = tmp_path / "bars" / "tapedeck.json"
    marker.write_text('{"format": "tapedeck-bars", "version": 0}')
    with pytest.raises(StoreError, match=f"{marker} is damaged"):
        open_store(tmp_path / "bars")
    marker.write_text('{"format": "tapedeck-bars", "version": 2}')
    journal = tmp_path / "bars" / ".staging" / "journal.json"
    journal.write_text('{"moves": [["0.parquet", "interval=1m/symbol=SPZ/2013.parquet"]], "check": "0"}')
    with pytest.raises(StoreDamagedError, match=str(journal)):
        open_store(tmp_path / "bars")
