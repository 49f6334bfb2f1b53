"""A session recorded through Alpaca's client ends as the backtest of its store, which has all there was."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from tapedeck.engine.feeds.alpaca.alpaca_history import AlpacaHistory
from tapedeck.engine.feeds.live_feed import FeedHistory
from tests.faults.providers import campaign

SCRIPTS = range(1, 6)
QUOTED = range(6, 11)


def test_sessions_under_random_faults_of_alpaca_end_as_their_backtest_with_all_that_it_had() -> None:
    counts, findings = campaign("alpaca", SCRIPTS, at_once=5)
    with_quotes, more = campaign("alpaca-quotes", QUOTED, at_once=5)
    assert not findings + more
    assert with_quotes["sent q"] > 100
    counts += with_quotes
    assert counts["sessions"] == len(SCRIPTS) + len(QUOTED)
    assert counts["versions: bar"] > 100
    assert counts["versions: history"] + counts["versions: reconciled"] > 50
    assert counts["editions"] > 10
    assert counts["connections"] > counts["sessions"]


def test_a_history_that_claims_to_be_whole_and_is_empty_is_found() -> None:
    def nothing(self: Any, symbols: Any, start: int, end: int, **limits: Any) -> FeedHistory:
        return FeedHistory((), complete_until=end)

    with patch.object(AlpacaHistory, "bars", nothing):
        _, findings = campaign("alpaca", range(2, 5), at_once=3)
    assert any("the store lacks" in finding for finding in findings)
