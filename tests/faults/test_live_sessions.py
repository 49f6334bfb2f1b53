"""The short campaign of live sessions has no finding; one with a broken rule has some."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import pytest

from tapedeck.engine.feeds.held_bars import HeldBars
from tapedeck.engine.feeds.held_quotes import HeldQuotes
from tapedeck.engine.feeds.known_bars import KnownBars
from tapedeck.engine.feeds.known_quotes import KnownQuotes
from tests.faults.live_sessions import Template, campaign, templates_of_markets

_RUNS = 60
_PART = 30
"""Runs in each of the parts, which run beside each other."""


@pytest.fixture(scope="module")
def templates() -> Iterator[dict[str, Template]]:
    with templates_of_markets(is_short=True) as made:
        yield made


@pytest.mark.parametrize("first", range(0, _RUNS, _PART))
def test_live_sessions_end_as_the_backtest_of_what_was_recorded_under_random_faults_and_kills(
    first, templates
):
    counts, findings = campaign(range(first, first + _PART), templates)
    assert not findings
    assert counts["kills"] > _PART / 3
    assert counts["editions"] > _PART
    assert counts["joins and leaves"] > _PART / 2
    assert counts["exports compared"] > _PART / 20
    assert counts["fills before kills"] > 0
    assert counts["quotes stored"] > _PART
    assert counts["sessions"] - counts["sessions not compared with history"] > _PART / 2


def test_strategies_that_know_after_a_kill_what_they_did_not_know_are_found(templates):
    def all_known(journal, day, held, rows, walks):
        return KnownBars(held.values[:, rows], ())

    with patch("tapedeck.engine.feeds.bar_recording.known_bars", all_known):
        _, findings = campaign([41, 45, 57], templates)
    assert any("decided otherwise before slot" in finding for finding in findings)


def test_strategies_that_know_quotes_after_a_kill_that_they_did_not_know_are_found(templates):
    def all_known(journal, day, held, rows, walks):
        at, slots = held.quotes.quoted(rows)
        return [KnownQuotes(0, rows[at], slots, held.quotes.values[:, rows[at], slots])]

    with patch("tapedeck.engine.feeds.bar_recording.known_quotes", all_known):
        _, findings = campaign([41, 53, 77], templates)
    assert any("decided otherwise before slot" in finding for finding in findings)


def test_quotes_that_are_not_stored_are_found(templates):
    with patch.object(HeldQuotes, "unstored_quotes", 0):
        _, findings = campaign([2, 5], templates)
    assert any("stored None" in finding for finding in findings)


def test_a_session_that_forgets_what_is_to_be_stored_is_found(templates):
    with patch.object(HeldBars, "bars_to_store", lambda self: iter(())):
        _, findings = campaign([1, 2], templates)
    assert findings
