"""A disk without space during a recording: bars are shown, kept, and saved when there is room."""

from __future__ import annotations

import errno
import sqlite3

import pytest
from recorder_kit import (
    LIMIT_S,
    MONDAY,
    PLACES,
    TUESDAY,
    Mailbox,
    Recording,
    bar,
    recorder_of,
    row_of,
    slots_of,
    stored,
)

from tapedeck.engine.errors import StoreError
from tapedeck.engine.feeds.free_space import Retries, SpaceAlerts, is_for_lack_of_space
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.store.locations import open_store

TIMES = slots_of().opened_at.tolist()
places = pytest.mark.parametrize("place", PLACES)


def fill(journal):
    """Let the journal's database grow no more, as on a full disk."""
    journal._rows("PRAGMA max_page_count = 1", ())  # SQLite takes the pages that there are


def make_room(journal):
    """End that."""
    journal._rows("PRAGMA max_page_count = 1000000", ())


def many(count, price=100.0):
    """As many bars as need new pages of the journal."""
    return [bar("SPY", time, price) for time in TIMES[:count]]


@places
def test_bars_are_shown_without_space_and_saved_when_there_is_room(place, tmp_path):
    recording = Recording(tmp_path / place)
    recording.begin()
    fill(recording.journal)
    recording.take(*many(200))
    recording.take(bar("AIG", TIMES[0]))
    assert [message.saved for message in recording.mailbox.messages] == [False, False]
    assert recording.part.status.unsaved == 201
    [alert] = recording.mailbox.alerts
    assert alert.startswith(f"no space left on the disk of {recording.journal.path.parent}: ")
    assert stored(tmp_path / place, ["SPY"])["SPY"] == [], "nothing that is not in the journal"
    make_room(recording.journal)
    assert not recording.part.retry(recording.now + 0.5)
    assert recording.part.retry_due == recording.now + 1
    recording.now += 1
    assert recording.part.retry(recording.now)
    assert (recording.part.status.unsaved, recording.part.retry_due) == (0, None)
    assert recording.mailbox.alerts[1:] == [
        f"there is space again on the disk of {recording.journal.path.parent}: the bars are saved"
    ]
    recording.take(bar("AIG", TIMES[1]))
    assert recording.mailbox.messages[-1].saved
    [*parts] = recording.journal.arrivals(MINUTE, 0, 10**11)
    assert sum(map(len, parts)) == 202
    recording.close()
    found = stored(tmp_path / place, ["AIG", "SPY"])
    assert found["SPY"] == [row_of(one) for one in many(200)]
    assert [row[0] for row in found["AIG"]] == TIMES[:2]


@places
def test_a_session_that_ends_without_space_is_folded_when_there_is_room(place, tmp_path):
    recording = Recording(tmp_path / place)
    recording.begin()
    fill(recording.journal)
    recording.take(*many(200))
    assert not recording.part.end_session(MONDAY, recording.now, reconciled=True)
    assert recording.part.begin_session(slots_of(TUESDAY), ("AIG", "SPY"), recording.now).is_saved is False
    make_room(recording.journal)
    recording.now += 30
    assert recording.part.retry(recording.now)
    assert len(stored(tmp_path / place, ["SPY"])["SPY"]) == 200
    days = recording.journal.days()
    assert [(day.trading_day, day.is_ended) for day in days] == [(MONDAY, True), (TUESDAY, False)]
    recording.close()


def test_what_cannot_be_saved_at_the_end_is_told(tmp_path):
    recording = Recording(tmp_path / "bars.db")
    recording.begin()
    fill(recording.journal)
    recording.take(*many(200))
    recording.close()
    assert recording.mailbox.alerts[1:] == ["200 bars were not saved, for lack of space: they are lost"]


class FullDisk:
    """Lets the writes of a store fail for lack of space, after the real write, while `is_full`."""

    def __init__(self, store, cause):
        self.is_full = True
        for name in ("write", "write_many"):
            if hasattr(store, name):
                setattr(store, name, self._failing(getattr(store, name), cause))

    def _failing(self, write, cause):
        def failing(*arguments, **options):
            written = write(*arguments, **options)
            if self.is_full:
                raise StoreError("cannot be written") from cause
            return written

        return failing


CAUSES = (OSError(errno.ENOSPC, "full"), sqlite3.OperationalError("database or disk is full"))


@places
@pytest.mark.parametrize("cause", CAUSES)
def test_a_store_without_space_is_written_later_from_what_is_held(place, cause, tmp_path):
    store = open_store(tmp_path / place, create=True)
    disk = FullDisk(store, cause)
    recording = Recording(None, store=store)
    recording.begin()
    recording.take(bar("SPY", TIMES[0]))
    assert recording.mailbox.messages[-1].saved, "in the journal"
    recording.take(bar("SPY", TIMES[0], 101.0), bar("SPY", TIMES[1]))
    assert not recording.part.end_session(MONDAY, recording.now, reconciled=True)
    assert recording.part.status.unstored == 2
    assert len(recording.mailbox.alerts) == 1
    disk.is_full = False
    recording.now = recording.part.retry_due
    assert recording.part.retry(recording.now)
    assert recording.part.status.unstored == 0
    assert len(recording.mailbox.alerts) == 2
    assert stored(tmp_path / place, ["SPY"])["SPY"] == [
        row_of(bar("SPY", TIMES[0], 101.0)),
        row_of(bar("SPY", TIMES[1])),
    ]
    recording.close()


def test_the_thread_tries_again_by_itself(tmp_path):
    mailbox = Mailbox()
    with open_store(tmp_path / "bars.db", create=True) as real:
        disk = FullDisk(real, CAUSES[0])
        recorder = recorder_of(real, mailbox)
        recorder.start()
        recorder.begin_session(slots_of(), ("SPY",)).result(LIMIT_S)
        recorder.bars([bar("SPY", TIMES[0])])
        mailbox.wait_for(lambda box: len(box.alerts) == 1)
        disk.is_full = False
        mailbox.wait_for(lambda box: len(box.alerts) == 2)
        assert len(stored(real.location, ["SPY"])["SPY"]) == 1
        recorder.stop()
        recorder.join(LIMIT_S)
    assert mailbox.errors == []


def test_other_errors_end_the_recorder_and_are_told_once(tmp_path):
    mailbox = Mailbox()
    with open_store(tmp_path / "bars.db", create=True) as real:
        FullDisk(real, OSError(errno.EACCES, "no"))
        recorder = recorder_of(real, mailbox)
        recorder.start()
        recorder.begin_session(slots_of(), ("SPY",)).result(LIMIT_S)
        recorder.bars([bar("SPY", TIMES[0])])
        mailbox.wait_for(lambda box: box.errors)
        recorder.join(LIMIT_S)
        recorder.stop()
    assert [str(error) for error in mailbox.errors] == ["cannot be written"]
    assert recorder.error is mailbox.errors[0]


def test_waits_between_tries_grow_up_to_half_a_minute(tmp_path):
    retries, now, waits = Retries(SpaceAlerts(tmp_path, str)), 0.0, []
    for _ in range(7):
        with retries.watched(now):
            raise OSError(errno.ENOSPC, "full")
        waits.append(retries.due - now)
        assert not retries.may_try(retries.due - 0.01)
        now = retries.due
    assert waits == [1, 2, 4, 8, 16, 30, 30]
    with retries.watched(now):
        pass
    assert retries.may_try(now)


def test_errors_that_are_not_for_lack_of_space(tmp_path):
    for error in (OSError(errno.EIO, "no"), sqlite3.OperationalError("database is locked"), StoreError("no")):
        assert not is_for_lack_of_space(error, tmp_path)
    wrapped = StoreError("no")
    wrapped.__cause__ = OSError(errno.EDQUOT, "quota")
    assert is_for_lack_of_space(wrapped, tmp_path)
