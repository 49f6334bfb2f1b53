"""Symbols that join and leave a recording: rows, journal, store, claims, and what a kill leaves."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from recorder_kit import MONDAY, PLACES, TUESDAY, Recording, bar, row_of, slots_of, stored

from tapedeck.engine.errors import EngineError
from tapedeck.engine.feeds.arrival_journal import ArrivalJournal
from tapedeck.engine.feeds.feed_bar import BarKind
from tapedeck.engine.feeds.live_feed import FeedError
from tapedeck.engine.feeds.symbol_claims import SymbolClaims, SymbolsClaimedError
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.tape.symbol_changes import ChangeKind, SymbolChange

OPEN = int(slots_of().opened_at[0])


def joined(symbol, frontier=0, *, keep=False):
    return SymbolChange(ChangeKind.JOINED, symbol, frontier, keep)


def left(symbol, frontier=0):
    return SymbolChange(ChangeKind.LEFT, symbol, frontier)


def join(recording, *changes, day=MONDAY, **options):
    return recording.part.add_symbols(day, changes, 5.0, recording.now, **options)


def leave(recording, *changes, day=MONDAY):
    recording.part.drop_symbols(day, changes, 6.0, recording.now)


def sent(recording):
    """Rows and slots of the bars that were sent since the last call."""
    messages = recording.mailbox.messages
    cells = [
        cell
        for one in messages
        for cell in zip(one.rows.tolist(), one.slots.tolist(), one.values[0].tolist(), strict=True)
    ]
    messages.clear()
    return cells


@pytest.fixture(params=PLACES)
def location(request, tmp_path):
    return tmp_path / request.param


def test_a_joined_symbol_has_the_next_row_and_one_that_joins_again_its_old_one(location):
    recording = Recording(location)
    recording.begin()
    recording.take(bar("IBM", OPEN, 1.0))  # of no symbol of the session
    assert join(recording, joined("IBM"), joined("XOM")) == ("AIG", "SPY", "IBM", "XOM")
    recording.take(bar("IBM", OPEN, 7.0), bar("SPY", OPEN, 3.0))
    assert sent(recording) == [(1, 0, 3.0), (2, 0, 7.0)]
    leave(recording, left("IBM"), left("SPY"))
    recording.take(bar("IBM", OPEN + 60, 8.0), bar("SPY", OPEN, 4.0), bar("XOM", OPEN + 60, 9.0))
    assert sent(recording) == [(3, 1, 9.0)]
    assert join(recording, joined("IBM")) == ("AIG", "SPY", "IBM", "XOM")
    recording.part.show_symbols(MONDAY, ["IBM"], 0.0)
    recording.take(bar("IBM", OPEN + 120, 6.0))
    assert sent(recording) == [(2, 0, 7.0), (2, 2, 6.0)]
    recording.close()
    assert [one[:2] for one in stored(location, ["IBM"])["IBM"]] == [(OPEN, 7.0), (OPEN + 120, 6.0)]
    assert [one[1] for one in stored(location, ["SPY"])["SPY"]] == [3.0]


def test_changes_and_kept_symbols_are_restored_and_what_a_kill_left_is_stored(location):
    recording = Recording(location)
    recording.begin(kept=("XOM",))
    changes = (joined("IBM", 3, keep=True), left("AIG", 4))
    join(recording, changes[0])
    leave(recording, changes[1])
    versions = [bar("IBM", OPEN, 7.0), bar("IBM", OPEN, 8.0, BarKind.UPDATED), bar("XOM", OPEN)]
    recording.take(*versions)
    recording.kill()

    again = Recording(location)
    begun = again.begin(kept=("YYY",))
    assert (begun.kept, begun.changes) == (("XOM",), changes)
    assert join(again, changes[0], is_new=False) == ("AIG", "SPY", "XOM", "IBM")
    again.part.show_symbols(MONDAY, ["IBM"], 0.0)
    assert sent(again) == [(3, 0, 8.0)]
    assert [day.changes for day in again.journal.days()] == [changes]
    again.kill()

    other = Recording(location)  # of the next day, by a file without these symbols
    other.begin(("AIG",), TUESDAY)
    other.close()
    assert stored(location, ["IBM", "XOM"]) == {"IBM": [row_of(versions[1])], "XOM": [row_of(versions[2])]}


def test_symbols_of_another_recorder_or_feed_and_ended_sessions_are_refused(location):
    recording = Recording(location)
    recording.begin()
    other = SymbolClaims(recording.claims._folder)
    other.add(["IBM"])
    with pytest.raises(SymbolsClaimedError, match="IBM: recorded into this store by process"):
        join(recording, joined("IBM"))
    other.release()
    foreign = Recording(location, source="other", store=recording.store)
    foreign.begin(("XOM",))
    foreign.take(bar("XOM", OPEN))
    foreign.kill()
    with pytest.raises(FeedError, match="XOM: 1m bars of 2013-10-07 were recorded from feed 'other'"):
        join(recording, joined("XOM"))
    assert recording.journal.day(MONDAY, MINUTE, ("AIG", "SPY")).changes == ()
    recording.part.end_session(MONDAY, recording.now, reconciled=True)
    with pytest.raises(EngineError, match="takes no more symbols"):
        join(recording, joined("IBM"))
    recording.close()


def test_a_journal_without_changes_stays_as_versions_before_wrote_it(location):
    def version(path):
        with closing(sqlite3.connect(path)) as opened:
            [[tables]] = opened.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'symbol_changes'")
            return opened.execute("PRAGMA user_version").fetchone()[0], tables

    recording = Recording(location)
    recording.begin()
    path = recording.journal.path
    recording.take(bar("SPY", OPEN))
    assert version(path) == (1, 0)
    with ArrivalJournal(path) as reader:  # opened before there are any
        assert reader.days()[0].changes == ()
        join(recording, joined("IBM"))
        assert version(path) == (2, 1)
        assert reader.days()[0].changes == (joined("IBM"),)
    recording.close()
