"""A session recorded through ccxt's client ends as the backtest of its store, which has all there was."""

from __future__ import annotations

from collections.abc import Sequence
from unittest.mock import patch

from tapedeck.engine.feeds.ccxt.candle_history import CandleHistory
from tapedeck.engine.feeds.live_feed import FeedHistory
from tests.faults.providers import campaign

SCRIPTS = range(1, 11)


def test_sessions_under_random_faults_of_an_exchange_end_as_their_backtest_with_all_that_it_had() -> None:
    counts, findings = campaign("ccxt", SCRIPTS, at_once=5)
    assert not findings
    assert counts["sessions"] == len(SCRIPTS)
    assert counts["versions: bar"] > 300
    assert counts["versions: history"] + counts["versions: reconciled"] > 50
    assert counts["editions"] > 50
    assert counts["connections"] > len(SCRIPTS)


def test_a_history_that_claims_to_be_whole_and_is_empty_is_found() -> None:
    async def nothing(_: CandleHistory, symbols: Sequence[str], start: int, end: int) -> FeedHistory:
        return FeedHistory((), complete_until=end)

    with patch.object(CandleHistory, "ask", nothing):
        _, findings = campaign("ccxt", range(2, 5), at_once=3)
    assert any("the store lacks" in finding for finding in findings)
