"""The recorder's thread: journal, then the session, then the store."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from recorder_kit import (
    LIMIT_S,
    MONDAY,
    PLACES,
    Mailbox,
    MarketClock,
    bar,
    recorder_of,
    row_of,
    slots_of,
    stored,
)

from tapedeck.engine.errors import EngineError
from tapedeck.engine.feeds.arrival_journal import ArrivalJournal, journal_path
from tapedeck.engine.feeds.feed_bar import BarKind
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.store.locations import open_store

SYMBOLS = ("AIG", "SPY")


@pytest.fixture
def mailbox():
    return Mailbox()


@pytest.fixture(params=PLACES)
def store(request, tmp_path: Path):
    with open_store(tmp_path / request.param, create=True) as opened:
        yield opened


@pytest.fixture
def recorder(store, mailbox):
    clock = MarketClock(slots_of().opened_at[5])
    made = recorder_of(store, mailbox, clock=clock)
    made.start()
    made.begin_session(slots_of(), SYMBOLS).result(LIMIT_S)
    made.show(MONDAY).result(LIMIT_S)
    mailbox.messages.clear()  # the first one: all that is held, which is nothing
    yield made
    made.stop()
    made.join(LIMIT_S)


def test_a_bar_is_in_the_journal_before_it_is_shown(store, tmp_path):
    seen = []

    class Reader(Mailbox):
        def send(self, message):
            with ArrivalJournal(journal_path(store.location)) as journal:
                parts = list(journal.arrivals(MINUTE, 0, 10**11))
            seen.append(sum(map(len, parts)))
            super().send(message)

    mailbox = Reader()
    recorder = recorder_of(store, mailbox)
    recorder.start()
    recorder.begin_session(slots_of(), SYMBOLS)
    recorder.show(MONDAY).result(LIMIT_S)
    recorder.bars([bar("SPY", slots_of().opened_at[0]), bar("AIG", slots_of().opened_at[0])])
    mailbox.wait_for(lambda box: len(box.messages) == 2)
    recorder.stop()
    recorder.join(LIMIT_S)
    assert seen == [0, 2]
    assert mailbox.messages[-1].saved


def test_what_changed_is_sent_and_stored(recorder, mailbox, store):
    times = slots_of().opened_at
    first = bar("SPY", times[3])
    recorder.bars([first, bar("AIG", times[0], 50.0)])
    mailbox.wait_for(lambda box: box.messages)
    [message] = mailbox.messages
    assert (message.rows.tolist(), message.slots.tolist()) == ([0, 1], [0, 3])
    assert message.values[:, 1].tolist() == [100.0, 101.0, 99.0, 100.5, 1000.0]
    assert message.is_new.tolist() == [True, True]
    assert (message.received, message.trading_day) == (float(times[5]), MONDAY)
    corrected = bar("SPY", times[3], 101.0, BarKind.UPDATED)
    recorder.bars([first, corrected, first])
    mailbox.wait_for(lambda box: len(box.messages) == 2)
    assert (mailbox.messages[1].rows.tolist(), mailbox.messages[1].is_new.tolist()) == ([1], [False])
    assert recorder.end_session(MONDAY, reconciled=True).result(LIMIT_S)
    counts = recorder.status.counts
    assert (counts.bars, counts.duplicates, counts.corrected, counts.refused) == (5, 1, 1, 1)
    assert stored(store.location, SYMBOLS)["SPY"] == [row_of(corrected)]


def test_a_parquet_store_gets_the_bars_of_a_session_at_its_end(recorder, mailbox, store):
    recorder.bars([bar("SPY", slots_of().opened_at[0])])
    mailbox.wait_for(lambda box: box.messages)
    recorder.note_export(MONDAY).result(LIMIT_S)  # after the batch
    assert len(stored(store.location, ["SPY"])["SPY"]) == (1 if store.location.suffix else 0)
    recorder.end_session(MONDAY, reconciled=False).result(LIMIT_S)
    assert len(stored(store.location, ["SPY"])["SPY"]) == 1


def test_many_bars_queued_at_once_are_few_transactions(recorder, mailbox):
    for number in range(200):
        recorder.bars([bar("SPY", slots_of().opened_at[number])])
    mailbox.wait_for(lambda box: sum(map(len, box.messages)) == 200)
    assert len(mailbox.messages) < 100
    assert np.concatenate([message.slots for message in mailbox.messages]).tolist() == list(range(200))


def test_a_malformed_bar_is_left_out_and_ends_nothing(recorder, mailbox):
    time = int(slots_of().opened_at[0])
    good = [bar("SPY", time), bar("AIG", time + 60)]
    for wrong in (
        good[0]._replace(opened_at=None),
        good[0]._replace(close="n/a"),
        good[0]._replace(kind="b"),
        good[0]._replace(opened_at=2**70),
        ("SPY", time),
    ):
        recorder.bars([good[0], wrong, good[1]])
    recorder.flush().result(LIMIT_S)
    found = {
        (SYMBOLS[row], slot)
        for one in mailbox.messages
        for row, slot in zip(one.rows, one.slots, strict=True)
    }
    assert found == {("SPY", 0), ("AIG", 1)}
    [alert] = mailbox.alerts
    assert alert.startswith("feed replay: malformed bar left out: FeedBar(symbol='SPY', opened_at=None")
    assert mailbox.errors == []


def test_stopping_is_safe_twice_and_later_commands_are_refused(recorder):
    recorder.bars([bar("SPY", slots_of().opened_at[0])])
    recorder.stop()
    recorder.stop()
    recorder.join(LIMIT_S)
    assert not recorder.is_alive
    with pytest.raises(EngineError, match="has ended"):
        recorder.show(MONDAY).result(LIMIT_S)
    assert recorder.status.counts.bars == 1


def test_what_is_not_recorded_is_passed_on(store, mailbox):
    told = []

    class Listener:
        def forming(self, bars):
            told.append(list(bars))

        def provider_time(self, seconds):
            told.append(seconds)

        def lost(self, reason):
            told.append(reason)

    for listener in (Listener(), None):
        recorder = recorder_of(store, mailbox, listener=listener)
        recorder.forming([bar("SPY", 0)])
        recorder.provider_time(5.0)
        recorder.lost("gone")
        recorder.join(LIMIT_S)  # of a thread that was never started
    assert told == [[bar("SPY", 0)], 5.0, "gone"]
    with pytest.raises(EngineError, match="has ended"):
        recorder.flush().result(LIMIT_S)
