"""The journal of arrivals: what is written is read, and belongs to tapedeck."""

from __future__ import annotations

import math
import sqlite3

import numpy as np
import pyarrow.dataset as ds
import pytest
from recorder_kit import MONDAY, TUESDAY, bar, slots_of

from tapedeck.engine.errors import StoreError
from tapedeck.engine.feeds.arrival_journal import ArrivalJournal, journal_path
from tapedeck.engine.feeds.arrivals import KINDS, Arrivals
from tapedeck.engine.feeds.feed_bar import BarKind
from tapedeck.engine.feeds.recorded_day import ClockAnchor, RecordedDay
from tapedeck.engine.intervals import MINUTE, SECOND
from tapedeck.engine.store.bar_store import BarColumns
from tapedeck.engine.store.locations import open_store

OPEN = int(slots_of().opened_at[0])
DAY = RecordedDay(MONDAY, MINUTE, ("AIG", "SPY"), "replay", OPEN - 34200, OPEN + 52200, OPEN + 23400)


@pytest.fixture
def journal(tmp_path):
    with ArrivalJournal(tmp_path / "bars.db.arrivals") as opened:
        yield opened


def read(journal, start=0, end=10**11, interval=MINUTE, **bounds):
    """The arrivals as tuples (received, symbol, opened_at, values, kind)."""
    return [
        (received, symbol, opened_at, tuple(values), KINDS[kind])
        for part in journal.arrivals(interval, start, end, **bounds)
        for received, symbol, opened_at, values, kind in zip(
            part.received.tolist(),
            part.symbols,
            part.opened_at.tolist(),
            part.values.T.tolist(),
            part.kinds.tolist(),
            strict=True,
        )
    ]


def test_every_version_is_read_as_it_was_received_in_that_order(journal):
    versions = [bar("SPY", OPEN + 60, 7.0, kind) for kind in BarKind] + [bar("AIG", OPEN)]
    journal.append(Arrivals.of(versions, np.arange(5) * 10**6 + 3), MINUTE, "replay")
    journal.append(Arrivals.of([bar("SPY", OPEN)], 99), SECOND, "replay")
    assert read(journal) == [
        (number * 10**6 + 3, one.symbol, one.opened_at, one[2:7], one.kind)
        for number, one in enumerate(versions)
    ]
    assert [one[1] for one in read(journal, OPEN, OPEN + 60)] == ["AIG"]
    assert [one[4] for one in read(journal, after=1, to=3)] == [BarKind.UPDATED, BarKind.HISTORY]
    assert journal.times(MINUTE, 0, 10**11).tolist() == [OPEN, OPEN + 60]
    assert len(read(journal, interval=SECOND)) == 1


def test_bars_that_no_store_takes_are_journalled_too(journal):
    bad = bar("SPY", OPEN)._replace(open=math.nan, high=math.inf, low=-5.0, volume=-1.0)
    journal.append(Arrivals.of([bad], 1), MINUTE, "replay")
    [(_, _, _, values, _)] = read(journal)
    assert math.isnan(values[0])
    assert values[1:] == (math.inf, -5.0, bad.close, -1.0)


def test_feeds_of_each_symbol_are_known_by_time(journal):
    journal.append(Arrivals.of([bar("SPY", OPEN), bar("AIG", OPEN)], 1), MINUTE, "one")
    journal.append(Arrivals.of([bar("SPY", OPEN + 86400)], 1), MINUTE, "other")
    assert journal.sources(MINUTE, OPEN, OPEN + 60) == {"SPY": {"one"}, "AIG": {"one"}}
    assert journal.sources(MINUTE, 0, 10**11)["SPY"] == {"one", "other"}


def test_days_keep_the_clock_of_their_first_start_and_how_far_they_came(journal):
    clock = ClockAnchor(OPEN - 60.0, 1.75e9, 3600.0)
    first = RecordedDay(*_facts(DAY), clock)
    journal.begin_day(first)
    assert journal.days() == (first,)
    journal.append(Arrivals.of([bar("SPY", OPEN)], 1), MINUTE, "replay")
    journal.end_day(first, reconciled=True)
    journal.note_export(first)
    journal.note_stored(first)
    assert journal.days() == (RecordedDay(*_facts(DAY), clock, 1, True, True, True),)
    journal.begin_day(RecordedDay(*_facts(DAY), ClockAnchor(0.0, 0.0, 1.0)))
    assert journal.days() == (first,), "begun again, by the clock of the first start"


def test_a_day_is_found_by_its_symbols_or_by_some_of_them(journal):
    other = RecordedDay(MONDAY, MINUTE, ("XOM",), *_facts(DAY)[3:])
    for day in (DAY, other):
        journal.begin_day(day)
    assert journal.day(MONDAY, MINUTE, ("SPY", "AIG")) == DAY
    assert journal.day(MONDAY, MINUTE, ("SPY", "IBM")) == DAY
    assert journal.day(MONDAY, MINUTE, ("XOM",)) == other
    assert journal.day(MONDAY, MINUTE, ("IBM",)) is None
    assert journal.day(TUESDAY, MINUTE, ("SPY",)) is None
    assert journal.day(MONDAY, SECOND, ("SPY",)) is None


def _facts(day):
    return (day.trading_day, day.interval, day.symbols, day.source, day.since, day.until, day.closes)


def test_slots_without_a_trade_are_kept_once(journal):
    for times in ([OPEN + 60, OPEN], [OPEN, OPEN + 120]):
        journal.add_empty_slots("SPY", MINUTE, np.array(times), "replay")
    found = journal.empty_slots(MINUTE, OPEN, OPEN + 120)
    assert {symbol: times.tolist() for symbol, times in found.items()} == {"SPY": [OPEN, OPEN + 60]}


def test_writes_of_a_transaction_that_fails_are_not_kept(journal):
    def fail():
        with journal.transaction():
            journal.append(Arrivals.of([bar("SPY", OPEN)], 1), MINUTE, "replay")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert read(journal) == []


def test_a_database_of_another_program_is_left_alone(tmp_path):
    path = tmp_path / "bars.db.arrivals"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE theirs (a)")
    other.close()
    content = path.read_bytes()
    with pytest.raises(StoreError, match="of another program"):
        ArrivalJournal(path)
    assert path.read_bytes() == content


def test_a_journal_of_a_newer_version_is_refused(tmp_path):
    path = tmp_path / "bars.db.arrivals"
    ArrivalJournal(path).close()
    with sqlite3.connect(path) as newer:
        newer.execute("PRAGMA user_version = 9")
    newer.close()
    with pytest.raises(StoreError, match="newer tapedeck"):
        ArrivalJournal(path)


@pytest.mark.parametrize(("setting", "number"), [("normal", 1), ("full", 2)])
def test_synchronous_is_the_setting_of_sqlite(tmp_path, setting, number):
    with ArrivalJournal(tmp_path / "j.arrivals", setting) as journal:
        assert journal._rows("PRAGMA synchronous", ()) == [(number,)]
        assert journal._rows("PRAGMA journal_mode", ()) == [("wal",)]


def test_a_parquet_store_does_not_mind_the_journal_inside_it(tmp_path):
    location = tmp_path / "bars"
    with open_store(location, create=True) as store:
        columns = BarColumns(np.array([OPEN]), *(np.array([value]) for value in bar("SPY", OPEN)[2:7]))
        store.write("SPY", MINUTE, columns)
        watch = store.watch(["SPY"], MINUTE, 0, 10**11)
        with ArrivalJournal(journal_path(location)) as journal:
            journal.append(Arrivals.of([bar("SPY", OPEN)], 1), MINUTE, "replay")
            assert journal.size_bytes > 0
            watch.check(0, 10**11)
            assert store.series() == {"SPY": {MINUTE}}
            assert [series.damage for series in store.verify()] == [()]
            assert ds.dataset(location, exclude_invalid_files=True).to_table().num_rows == 1
    with open_store(location) as again:
        assert len(again.read("SPY", MINUTE, 0, 10**11)) == 1


def test_links_to_a_store_lead_to_one_journal(tmp_path):
    real = tmp_path / "bars.db"
    open_store(real, create=True).close()
    (tmp_path / "link.db").symlink_to(real)
    assert journal_path(tmp_path / "link.db") == journal_path(real) == tmp_path.resolve() / "bars.db.arrivals"
