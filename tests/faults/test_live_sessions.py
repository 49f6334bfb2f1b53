"""The short campaign of live sessions has no finding; one with a broken rule has some."""

from __future__ import annotations

from unittest.mock import patch

import pytest

from tapedeck.engine.feeds.held_bars import HeldBars
from tapedeck.engine.feeds.held_quotes import HeldQuotes
from tapedeck.engine.feeds.known_bars import KnownBars
from tapedeck.engine.feeds.known_quotes import KnownQuotes
from tests.faults.live_sessions import campaign

_RUNS = 300
_PART = 60
"""Runs in each of the parts, which run beside each other."""


@pytest.mark.parametrize("first", range(0, _RUNS, _PART))
def test_live_sessions_end_as_the_backtest_of_what_was_recorded_under_random_faults_and_kills(first):
    counts, findings = campaign(range(first, first + _PART), is_short=True)
    assert not findings
    assert counts["kills"] > _PART / 3
    assert counts["editions"] > _PART
    assert counts["joins and leaves"] > _PART / 2
    assert counts["exports compared"] > _PART / 20
    assert counts["fills before kills"] > 0
    assert counts["quotes stored"] > _PART
    assert counts["sessions"] - counts["sessions not compared with history"] > _PART / 2


def test_strategies_that_know_after_a_kill_what_they_did_not_know_are_found():
    def all_known(journal, day, held, rows, walks):
        return KnownBars(held.values[:, rows], ())

    with patch("tapedeck.engine.feeds.bar_recording.known_bars", all_known):
        _, findings = campaign([41, 45, 57], is_short=True)
    assert any("decided otherwise before slot" in finding for finding in findings)


def test_strategies_that_know_quotes_after_a_kill_that_they_did_not_know_are_found():
    def all_known(journal, day, held, rows, walks):
        at, slots = held.quotes.quoted(rows)
        return [KnownQuotes(0, rows[at], slots, held.quotes.values[:, rows[at], slots])]

    with patch("tapedeck.engine.feeds.bar_recording.known_quotes", all_known):
        _, findings = campaign([41, 53, 77], is_short=True)
    assert any("decided otherwise before slot" in finding for finding in findings)


def test_quotes_that_are_not_stored_are_found():
    with patch.object(HeldQuotes, "unstored_quotes", 0):
        _, findings = campaign([2, 5], is_short=True)
    assert any("stored None" in finding for finding in findings)


def test_a_session_that_forgets_what_is_to_be_stored_is_found():
    with patch.object(HeldBars, "bars_to_store", lambda self: iter(())):
        _, findings = campaign([1, 2], is_short=True)
    assert findings
