"""The database of bars, read by other SQLite tools."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest
from bar_samples import bars_at, minutes, part

from tapedeck.engine.errors import StoreError
from tapedeck.engine.intervals import DAY, MINUTE
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.store.sqlite_schema import make_tables


@pytest.fixture
def path(tmp_path):
    with open_store(tmp_path / "bars.db", create=True) as store:
        store.write("SPY", MINUTE, minutes(3))
        store.write("BRK.B", DAY, bars_at([1381104000]))
    return tmp_path / "bars.db"


def rows(path, sql):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def test_the_view_shows_symbols_intervals_and_times_as_people_write_them(path):
    assert rows(path, "SELECT symbol, interval, opened_at, open, close FROM bars ORDER BY 1, 3") == [
        ("BRK.B", "1d", "2013-10-07T00:00:00Z", 100.0, 100.25),
        ("SPY", "1m", "2013-10-07T13:30:00Z", 100.0, 100.25),
        ("SPY", "1m", "2013-10-07T13:31:00Z", 100.0078125, 100.2578125),
        ("SPY", "1m", "2013-10-07T13:32:00Z", 100.015625, 100.265625),
    ]


def test_the_file_says_whose_it_is_and_keeps_a_write_ahead_log(path):
    assert rows(path, "PRAGMA application_id") == [(0x54444B31,)]
    assert rows(path, "PRAGMA user_version") == [(2,)]
    assert rows(path, "PRAGMA journal_mode") == [("wal",)]


def test_tables_are_strict_and_ordered_by_symbol_and_time(path):
    kinds = {
        name: (strict, without_rowid)
        for _, name, _, _, without_rowid, strict in rows(path, "PRAGMA table_list")
    }
    assert {name: kinds[name] for name in ("bars_1s", "bars_1m", "bars_1d", "symbols", "series")} == {
        "bars_1s": (1, 1),
        "bars_1m": (1, 1),
        "bars_1d": (1, 1),
        "symbols": (1, 0),
        "series": (1, 1),
    }
    plan = rows(path, "EXPLAIN QUERY PLAN SELECT * FROM bars_1m WHERE symbol_id = 1 ORDER BY opened_at")
    assert len(plan) == 1, "one search of the primary key, and no sort"


def test_a_symbol_is_stored_once(path):
    with pytest.raises(sqlite3.IntegrityError), contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO symbols(symbol) VALUES ('SPY')")


def test_no_other_file_remains_once_all_is_closed(path):
    assert [entry.name for entry in path.parent.iterdir()] == ["bars.db"]


def test_a_write_that_fails_half_way_leaves_no_trace(path):
    """Here another program's trigger fails on the last bar; the connection goes on in good order."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON bars_1m WHEN NEW.volume = 900 "
            "BEGIN SELECT RAISE(FAIL, 'no such luck'); END"
        )
        connection.commit()
    bars = minutes(10, start=1381240800)
    with open_store(path) as store, store.batch():
        with pytest.raises(StoreError, match="no such luck"):
            store.write("IBM", MINUTE, bars)
        with pytest.raises(StoreError, match="no such luck"), store.batch(atomic=True):  # noqa: PT012 - the block is the matter
            store.write("AIG", MINUTE, part(bars, slice(0, 5)))
            store.write("AIG", MINUTE, bars)
        assert store.write("SPY", MINUTE, part(bars, slice(0, 9))).written == 9
    assert list(open_store(path).series()) == ["BRK.B", "SPY"]
    assert rows(path, "SELECT count(*) FROM bars_1m") == [(12,)]


def test_tables_are_made_whole_once_or_not_at_all(tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "new.db", isolation_level=None)) as connection:
        connection.set_authorizer(
            lambda action, *_: (
                sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_CREATE_VIEW else sqlite3.SQLITE_OK
            )
        )
        with pytest.raises(sqlite3.DatabaseError, match="not authorized"):
            make_tables(connection)
        assert connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,)
        connection.set_authorizer(None)
        make_tables(connection)
        before = connection.execute("SELECT * FROM sqlite_schema").fetchall()
        make_tables(connection)
        assert connection.execute("SELECT * FROM sqlite_schema").fetchall() == before


def test_a_scan_of_a_read_that_cannot_begin_leaves_the_file_free(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE bars_1m RENAME COLUMN close TO last")
    store = open_store(path)
    with pytest.raises(StoreError, match="lacks tables of tapedeck"):
        list(store.scan(["SPY"], MINUTE, 0, 10**10))
    assert store.write("SPY", DAY, bars_at([1381104000])).written == 1


def test_a_scan_gives_arrays_that_view_the_answer_without_a_copy(path):
    [batch] = open_store(path).scan(["SPY"], MINUTE, 0, 10**10)
    for column in (batch.rows, batch.bars.opened_at, batch.bars.open, batch.bars.volume):
        assert not column.flags.owndata
        assert not column.flags.writeable
