"""Recordings of sessions: two open at once, restarts, one feed a day, claims."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorder_kit import MONDAY, PLACES, TUESDAY, Recording, bar, row_of, slots_of, stored

from tapedeck.engine.errors import EngineError
from tapedeck.engine.feeds.feed_bar import BarKind
from tapedeck.engine.feeds.live_feed import FeedError
from tapedeck.engine.feeds.recorded_day import ClockAnchor
from tapedeck.engine.feeds.symbol_claims import SymbolClaims, SymbolsClaimedError
from tapedeck.engine.intervals import MINUTE

SYMBOLS = ("AIG", "SPY")
TIMES = slots_of().opened_at.tolist()
TUESDAYS = slots_of(TUESDAY).opened_at.tolist()
A_DAY = 86400

places = pytest.mark.parametrize("place", PLACES)


@places
def test_two_sessions_may_be_open_and_bars_go_to_theirs(place, tmp_path):
    recording = Recording(tmp_path / place)
    recording.begin()
    recording.part.begin_session(slots_of(TUESDAY), SYMBOLS, recording.now)
    recording.take(bar("SPY", TIMES[-1]), bar("SPY", TUESDAYS[0], 200.0), bar("SPY", TUESDAYS[0] - 3600))
    [message] = recording.mailbox.messages
    assert (message.trading_day, message.slots.tolist()) == (MONDAY, [len(TIMES) - 1])
    assert recording.part.end_session(MONDAY, recording.now, reconciled=True)
    recording.part.show(TUESDAY, 5.0)
    message = recording.mailbox.messages[-1]
    assert (message.trading_day, message.slots.tolist(), message.received) == (TUESDAY, [0], 5.0)
    recording.take(bar("SPY", TIMES[-2]), bar("AIG", TUESDAYS[1]))
    assert recording.mailbox.messages[-1].rows.tolist() == [0]
    recording.close()
    found = [row[0] for row in stored(tmp_path / place, ["SPY"])["SPY"]]
    assert found == [TIMES[-1], TUESDAYS[0] - 3600, TUESDAYS[0]], "a bar after the end is not stored"


@places
def test_bars_of_the_next_day_before_its_session_begins_are_held_until_then(place, tmp_path):
    recording = Recording(tmp_path / place)
    recording.begin()
    early = bar("SPY", TUESDAYS[0], 200.0, BarKind.UPDATED)
    recording.take(early)
    assert recording.mailbox.messages == []
    recording.begin(day=TUESDAY)
    recording.take(bar("SPY", TUESDAYS[0], 201.0))
    assert recording.mailbox.messages == [], "of a lower precedence than the one held"
    recording.close()
    assert stored(tmp_path / place, ["SPY"])["SPY"] == [row_of(early)]


@places
def test_bars_after_the_close_are_stored_though_the_session_has_ended(place, tmp_path):
    recording = Recording(tmp_path / place)
    recording.begin()
    recording.part.end_session(MONDAY, recording.now, reconciled=True)
    recording.take(bar("SPY", TIMES[-1] + 600), bar("SPY", TIMES[-1]))
    recording.close()
    assert [row[0] for row in stored(tmp_path / place, ["SPY"])["SPY"]] == [TIMES[-1] + 600]
    again = Recording(tmp_path / place)
    [day] = again.journal.days()
    assert (day.is_ended, day.is_reconciled, day.is_stored, day.is_exported) == (True, True, True, False)
    again.close()


@places
@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("next_day", [MONDAY, TUESDAY, date(2013, 10, 21)])
def test_what_a_kill_left_in_the_journal_is_stored_at_the_next_start(place, ended, next_day, tmp_path):
    recording = Recording(tmp_path / place)
    recording.begin(clock=ClockAnchor(1.0, 2.0, 60.0))
    bars = [bar("SPY", TIMES[0]), bar("SPY", TIMES[1]), bar("AIG", TIMES[0] - 600)]
    recording.take(*bars, bars[1]._replace(high=150.0, kind=BarKind.UPDATED))
    after_close = bar("SPY", TIMES[-1] + 600)
    too_late = bar("AIG", TIMES[7])
    if ended:
        recording.part.end_session(MONDAY, recording.now, reconciled=True)
    recording.take(after_close, too_late)
    recording.kill()
    again = Recording(tmp_path / place)
    begun = again.begin(day=next_day)
    assert begun.bars == ((2 if next_day == MONDAY else 0) + (next_day == MONDAY))
    is_taken = next_day == MONDAY or not ended
    wanted = {
        "SPY": [row_of(bars[0]), row_of(bars[1]._replace(high=150.0)), row_of(after_close)],
        "AIG": [row_of(bars[2]), row_of(too_late)][: 2 if is_taken else 1],
    }
    assert stored(tmp_path / place, SYMBOLS) == wanted
    assert again.journal.day(MONDAY, MINUTE, SYMBOLS).clock == ClockAnchor(1.0, 2.0, 60.0)
    again.close()


@places
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_however_often_it_is_killed_the_store_has_what_the_journal_adds_up_to(place, seed, tmp_path_factory):
    """Versions of some bars in random batches, with kills between them, against a fold by hand."""
    chance = random.Random(seed)
    location = tmp_path_factory.mktemp("killed") / place
    held = {}
    recording = Recording(location)
    recording.begin()
    for _ in range(chance.randint(1, 8)):
        batch = [
            bar(
                chance.choice(SYMBOLS),
                chance.choice([*TIMES[:3], TIMES[0] - 60, TIMES[-1] + 60]),
                chance.choice([100.0, 101.0]),
                chance.choice([BarKind.BAR, BarKind.UPDATED, BarKind.RECONCILED]),
            )
            for _ in range(chance.randint(1, 6))
        ]
        for one in batch:
            rank = (BarKind.BAR, BarKind.UPDATED, BarKind.RECONCILED).index(one.kind)
            if rank >= held.get(one[:2], (0, ""))[0]:
                held[one[:2]] = (rank, one)
        recording.take(*batch)
        if chance.random() < 0.4:
            recording.kill()
            recording = Recording(location)
            recording.begin()
    recording.part.end_session(MONDAY, recording.now, reconciled=True)
    recording.kill()
    wanted = {symbol: [] for symbol in SYMBOLS}
    for key in sorted(held):
        wanted[key[0]].append(row_of(held[key][1]))
    assert stored(location, SYMBOLS) == wanted


@places
def test_a_bar_of_the_store_that_differs_is_replaced(place, tmp_path):
    recording = Recording(tmp_path / place)
    recording.begin()
    recording.take(bar("SPY", TIMES[0]))
    recording.close()
    again = Recording(tmp_path / place)
    again.begin()
    again.take(bar("SPY", TIMES[0], 101.0, BarKind.RECONCILED))
    again.close()
    assert stored(tmp_path / place, ["SPY"])["SPY"] == [row_of(bar("SPY", TIMES[0], 101.0))]


def test_a_second_feed_of_a_day_is_an_error_that_names_both(tmp_path):
    one = Recording(tmp_path / "bars.db", source="alpaca")
    one.begin()
    one.take(bar("SPY", TIMES[0]))
    one.close()
    other = Recording(tmp_path / "bars.db", source="replay")
    with pytest.raises(FeedError, match=r"SPY: 1m bars of 2013-10-07 .*'alpaca'.*'replay'") as caught:
        other.begin()
    assert caught.value.is_final
    other.begin(symbols=("AIG",))
    other.part.end_session(MONDAY, other.now, reconciled=True)
    other.begin(day=TUESDAY)
    other.close()


def test_a_session_is_begun_once(tmp_path):
    recording = Recording(tmp_path / "bars.db")
    recording.begin()
    with pytest.raises(EngineError, match="2013-10-07 is being recorded already"):
        recording.begin()
    with pytest.raises(EngineError, match="2013-10-08 is not being recorded"):
        recording.part.end_session(TUESDAY, recording.now, reconciled=True)
    recording.close()


def test_counts_of_arrivals(tmp_path):
    recording = Recording(tmp_path / "bars.db")
    recording.take(bar("SPY", TIMES[0]))
    recording.begin()
    recording.part.frontier = 3
    recording.take(
        bar("SPY", TIMES[0]),
        bar("SPY", TIMES[0]),
        bar("SPY", TIMES[1], kind=BarKind.HISTORY),
        bar("SPY", TIMES[2], kind=BarKind.UPDATED),
        bar("SPY", TIMES[2], 101.0),
        bar("SPY", TIMES[3]),
        bar("XOM", TIMES[0]),
        bar("SPY", TIMES[0] + 1),
        bar("SPY", TIMES[4])._replace(low=1000.0),
        bar("AIG", TIMES[4])._replace(volume=-7.0),
        bar("SPY", TIMES[0], 105.0, BarKind.UPDATED),
    )
    counts = recording.part.status.counts
    assert (counts.bars, counts.duplicates, counts.corrected, counts.refused) == (10, 1, 1, 1)
    assert (counts.late, counts.filled, counts.early) == (2, 1, 0)
    assert (counts.off_raster, counts.invalid, counts.not_ours) == (1, 2, 2)
    [alert] = recording.mailbox.alerts
    assert alert.startswith(
        "feed replay: invalid bar of SPY, 2013-10-07 13:34:00 UTC: high 101 is below low 1000"
    )
    recording.part.take(_early(TIMES[9]), recording.now, lambda: recording.now)
    assert recording.part.status.counts.early == 1
    [*parts] = recording.journal.arrivals(MINUTE, 0, 10**11)
    assert sum(map(len, parts)) == 11, "also invalid ones; not those of other symbols"
    recording.close()


def _early(opened_at):
    from tapedeck.engine.feeds.arrivals import Arrivals

    return Arrivals.of([bar("SPY", opened_at)], (opened_at + 59) * 10**6)


@places
def test_slots_without_a_trade_reach_the_store_with_the_bars_and_after_a_kill(place, tmp_path):
    def facts(recording):
        found = recording.store.empty_slots(SYMBOLS, MINUTE, 0, 10**11)
        return list(zip(found.rows.tolist(), found.opened_at.tolist(), strict=True))

    recording = Recording(tmp_path / place)
    recording.begin()
    for symbol in ("SPY", "XOM"):
        recording.part.confirm_empty(symbol, np.array([TIMES[0] - A_DAY, TIMES[0], TIMES[1]]))
    recording.part.retry(recording.now)
    at_once = [(1, TIMES[0]), (1, TIMES[1])]
    assert facts(recording) == (at_once if place == "bars.db" else [])
    recording.take(bar("SPY", TIMES[1]))
    recording.kill()
    again = Recording(tmp_path / place)
    again.begin()
    assert (1, TIMES[0]) in facts(again)
    again.close()
    assert len(again.store.read("SPY", MINUTE, 0, 10**11)) == 1


def test_symbols_are_recorded_by_one_recorder_at_a_time(tmp_path):
    one, other = Recording(tmp_path / "bars.db"), Recording(tmp_path / "bars.db")
    one.begin(symbols=("AIG", "SPY"))
    with pytest.raises(SymbolsClaimedError, match=rf"^SPY: .*by process {os.getpid()} ") as caught:
        other.begin(symbols=("IBM", "SPY"))
    assert caught.value.symbols == ("SPY",)
    other.begin(symbols=("IBM",))
    one.take(bar("SPY", TIMES[0]))
    other.take(bar("IBM", TIMES[0]))
    one.close()
    third = Recording(tmp_path / "bars.db")
    third.begin(symbols=("SPY",))
    third.close()
    other.close()
    assert {name: len(rows) for name, rows in stored(tmp_path / "bars.db", ["IBM", "SPY"]).items()} == {
        "IBM": 1,
        "SPY": 1,
    }


@pytest.mark.skipif(not hasattr(os, "fork"), reason="recorders are killed by the means of POSIX")
def test_a_killed_recorder_leaves_no_claim(tmp_path):
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom tapedeck.engine.feeds.symbol_claims import *\n"
        "claims = SymbolClaims(Path(sys.argv[1]))\nclaims.add(['SPY'])\nprint('claimed', flush=True)\n"
        "sys.stdin.read()"
    )
    folder = tmp_path / "claims"
    other = subprocess.Popen(
        [sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout.readline() == "claimed\n"
        claims = SymbolClaims(folder)
        with pytest.raises(SymbolsClaimedError, match=f"process {other.pid} "):
            claims.add(["SPY"])
        claims.add(["AIG"])
    finally:
        other.kill()
        other.communicate(timeout=30)
    claims.add(["SPY"])
    claims.release()
    claims.release()
    assert [path.name for path in folder.iterdir()] == ["guard.lock"]
