"""What a recording makes of each fault of Alpaca: sessions of eight minutes, and their backtests."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest

from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.store.locations import open_store
from tests.support.alpaca_server import BarFault, Drop, Fault, Frame, HistoryFault, SlowClient
from tests.support.alpaca_server.provider import DAY, SYMBOLS, AlpacaProvider
from tests.support.provider_sessions import Outcome, recorded_quietly, run_script

MINUTES: Final = 8
BARS: Final = MINUTES * len(SYMBOLS)
SEED: Final = 5  # begins before the open, and is not stopped
SPEED: Final = 300.0
OF_A_MINUTE: Final = len(SYMBOLS)
SCRIPTS: Final[dict[str, list[Fault]]] = {
    "none": [],
    "duplicate": [BarFault("duplicate", 3, by=5.0)],
    "reorder": [BarFault("reorder", 3)],
    "updated": [BarFault("updated", 3)],
    "late": [BarFault("late", 3, by=20.0)],
    "missing": [BarFault("missing", 3)],
    "lost": [BarFault("lost", 3)],
    "no close": [BarFault("no close", 3)],
    "other day": [BarFault("other day", 3), Frame(4.5, "other day")],
    "history late": [BarFault("missing", 3), BarFault("history late", 3, by=100.0)],
    "history differs": [BarFault("history differs", 3)],
    "drop": [Drop(3.5, 1011)],
    "slow client": [SlowClient(3.5)],
    "history fails": [BarFault("missing", 3), HistoryFault(3.9, 2.0, "500")],
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Outcome]]:
    """Record each script, some at once: a session waits most of its time for its market."""
    folder = tmp_path_factory.mktemp("recorded")

    def run(name: str) -> Outcome:
        provider = AlpacaProvider(minutes=MINUTES, faults=SCRIPTS[name])
        return run_script(provider, SEED, folder / name.replace(" ", "-"), speed=SPEED)

    with recorded_quietly(), ThreadPoolExecutor(7) as threads:
        yield dict(zip(SCRIPTS, threads.map(run, SCRIPTS), strict=True))


@pytest.fixture
def recorded(outcomes: dict[str, Outcome]) -> Any:
    """Return the counts of a script, whose session equals its backtest, with all that the provider had."""

    def counts_of(name: str) -> Any:
        assert not outcomes[name].findings
        return outcomes[name].counts

    return counts_of


def test_without_a_fault_each_bar_comes_once_over_the_stream(recorded: Any) -> None:
    counts = recorded("none")
    assert counts["bars"] == counts["versions: bar"] == BARS
    assert counts["versions: updated"] == counts["versions: reconciled"] == 0
    assert counts["connections"] == 1


def test_a_bar_that_comes_twice_is_counted_once(recorded: Any) -> None:
    counts = recorded("duplicate")
    assert (counts["versions: bar"], counts["bars"]) == (BARS + OF_A_MINUTE, BARS)


@pytest.mark.parametrize("name", ["reorder", "late"])
def test_a_bar_that_comes_after_its_minute_was_shown_makes_an_edition(recorded: Any, name: str) -> None:
    counts = recorded(name)
    assert counts["editions"] >= 1
    assert counts["bars"] == BARS


def test_an_updated_bar_takes_the_place_of_the_first_one_as_an_edition(recorded: Any) -> None:
    counts = recorded("updated")
    assert counts["versions: updated"] == OF_A_MINUTE
    assert counts["editions"] >= 1


def test_a_bar_that_does_not_come_is_asked_for_and_filled_in(recorded: Any) -> None:
    counts = recorded("missing")
    assert counts["versions: bar"] == BARS - OF_A_MINUTE
    assert counts["versions: history"] + counts["versions: reconciled"] >= OF_A_MINUTE
    assert counts["bars"] == BARS


def test_a_bar_that_the_provider_does_not_have_is_missing(recorded: Any) -> None:
    assert recorded("lost")["bars"] == BARS - OF_A_MINUTE


def test_a_bar_without_a_close_is_journalled_and_filled_in_from_history(recorded: Any) -> None:
    counts = recorded("no close")
    assert counts["versions: bar"] == BARS
    assert counts["versions: history"] + counts["versions: reconciled"] >= OF_A_MINUTE
    assert counts["bars"] == BARS


def test_a_bar_of_another_day_is_not_taken_for_one_of_today_and_not_stored(recorded: Any) -> None:
    counts = recorded("other day")  # what is stored of other days would be a finding
    assert counts["versions: bar"] == BARS - OF_A_MINUTE
    assert counts["bars"] == BARS


def test_a_bar_that_history_does_not_have_yet_is_asked_for_again(recorded: Any) -> None:
    counts = recorded("history late")
    assert counts["versions: history"] + counts["versions: reconciled"] >= OF_A_MINUTE
    assert counts["bars"] == BARS


def test_a_bar_of_which_history_has_other_values_gets_those_of_history(recorded: Any) -> None:
    counts = recorded("history differs")
    assert counts["versions: history"] + counts["versions: reconciled"] >= OF_A_MINUTE
    assert counts["bars"] == BARS


def test_what_is_missed_during_a_drop_is_there_again(recorded: Any) -> None:
    counts = recorded("drop")
    assert counts["connections"] == 2
    assert counts["bars"] == BARS


def test_a_slow_client_connects_again_and_misses_nothing(recorded: Any) -> None:
    counts = recorded("slow client")
    assert (counts["connections"], counts["error 407"]) == (2, 1)
    assert counts["bars"] == BARS


def test_history_that_fails_for_a_while_is_asked_again(recorded: Any) -> None:
    counts = recorded("history fails")
    assert counts["bars"] == BARS


def test_the_last_quotes_of_each_minute_are_recorded_and_are_those_of_the_provider(tmp_path: Path) -> None:
    provider = AlpacaProvider(5, minutes=MINUTES, faults=[])
    with recorded_quietly():
        outcome = run_script(provider, SEED, tmp_path / "run", speed=SPEED)
    assert not outcome.findings
    market = provider.server.market
    expected: dict[tuple[str, int], tuple[float, ...]] = {}
    for quote in market.quotes:  # in the order of their times
        label = int(quote.t // 60) * 60
        if market.opens <= label < market.opens + 60 * MINUTES:
            expected[quote.symbol, label] = (quote.bp, quote.ap, quote.bs, quote.as_)
    found: dict[tuple[str, int], tuple[float, ...]] = {}
    with open_store(tmp_path / "run" / "bars.db") as store:
        for symbol in SYMBOLS:
            quotes = store.quotes.read(symbol, MINUTE, market.opens, market.opens + 60 * MINUTES)
            rows = zip(quotes.bid, quotes.ask, quotes.bid_size, quotes.ask_size, strict=True)
            found |= {
                (symbol, at): tuple(map(float, row))
                for at, row in zip(quotes.opened_at.tolist(), rows, strict=True)
            }
    assert found == expected
    lines = (tmp_path / "run" / "live" / "quotes.csv").read_text().splitlines()
    assert len(lines) == 1 + len(expected)
    assert DAY.isoformat() in lines[1]
    assert all(line.endswith((",0", ",false", ",False")) for line in lines[1:])
