"""Decisions in whole runs: explained as during the day, and entries found over all that was played."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from tapedeck.engine.broker.money import MoneyScale
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.errors import ConditionError, EngineError
from tapedeck.engine.read.explain.decision_explanation import DecisionExplanation
from tapedeck.engine.read.moments import Moment
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.bar_grid import CLOSE, OPEN
from tests.support.markets import fill_store, open_new_store
from tests.support.runs import LIMIT_S, at_frontier

SYMBOLS = ("AAA", "BBB", "CCC")
DAYS = tuple(map(date.fromisoformat, ("2013-11-27", "2013-11-29")))
LENGTHS = (390, 210)
LEAST_CASH = 98_500
SCALE = MoneyScale()
STRATEGIES = [
    {
        "name": "rises",
        "enter": f"close - open > 0.02 and cash > {LEAST_CASH}",
        "exit": "bars_held >= 7",
        "size": {"shares": 20},
        "no_entry_after": "15:30",
    },
    {
        "name": "one",
        "symbols": ["CCC"],
        "enter": "close > sma_3 or volume > 1e9",
        "size": {"cash": 10_000},
        "max_entries_per_day": 1,
        "flat_at_close": True,
    },
]


def config_of(strategies: list[dict[str, Any]]) -> SessionConfig:
    document = {
        "session_name": "decisions",
        "exchange_group": "US_EQUITY",
        "backtest_config": {"start_date": "2013-11-27", "end_date": "2013-11-29"},
        "session_data_config": {
            "symbols": list(SYMBOLS),
            "streams": ["1m"],
            "indicators": {"sma_3": {"type": "SMA", "interval": "1m", "timeperiod": 3}},
        },
        "trading_config": {"participation": "none", "max_per_trade": 5_000},
        "strategies": strategies,
    }
    return parse_session_config(document, "decisions").config


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarStore]:
    with open_new_store(tmp_path_factory.mktemp("decisions") / "bars.db") as made:
        fill_store(made, SYMBOLS, "2013-11-26", "2013-11-29", missing=0.1)
        yield made


Given = dict[tuple[date, int, str], list[DecisionExplanation]]


@pytest.fixture(scope="module")
def played(store: BarStore) -> Iterator[tuple[SystemManager, Given]]:
    """A run that has ended, and explanations that were asked for while it was paused."""
    system = SystemManager(config_of(STRATEGIES), store, tape_cache_bytes=1)
    system.start(paused=True)
    given: Given = {}
    try:
        now = 0
        for session, frontier in ((1, 1), (1, 97), (1, 388), (2, 2), (2, 140)):
            at = sum(LENGTHS[: session - 1]) + frontier
            system.step(at - now)
            assert system.wait_for(at_frontier(system, session, frontier), LIMIT_S)
            for symbol in SYMBOLS:
                given[DAYS[session - 1], frontier, symbol] = plain(system.explain_decisions(symbol))
            now = at
        system.resume()
        assert system.wait(LIMIT_S)
        assert system.error is None, system.error
        yield system, given
    finally:
        system.stop(LIMIT_S)


def plain(explained: tuple[DecisionExplanation, ...]) -> list[DecisionExplanation]:
    """Return explanations with one scale, as scales are compared by identity."""
    assert [one.strategy for one in explained] == ["rises", "one"]
    return [replace(one, scale=SCALE) for one in explained]


def test_a_finished_day_is_explained_as_during_the_day(played: tuple[SystemManager, Given]) -> None:
    system, given = played
    for day in DAYS:
        session = system.recompute_session(day)
        for (other, frontier, symbol), expected in given.items():
            if other == day:
                assert plain(system.explain_decisions(symbol, frontier, session=session)) == expected


def test_each_order_of_a_day_is_explained_by_its_rule(played: tuple[SystemManager, Given]) -> None:
    system, _ = played
    account = system.account(DAYS[0])
    assert account is not None
    session = system.recompute_session(DAYS[0])
    tape = session.require_tape()
    entries = [one for one in account.orders if (one.strategy, one.reason) == ("rises", "enter")]
    assert len(entries) > 10
    for order in entries[:10]:
        explained = system.explain_decisions(order.symbol, order.slot + 1, session=session)[0]
        assert explained.decided_by == "enter"
        assert [one.order.number for one in explained.orders if one.is_decided] == [order.number]
        assert (explained.lots, explained.held_back) == (0, ())
        first, last = tape.base.values[[OPEN, CLOSE], tape.rows[order.symbol], : order.slot + 1]
        change = (last - first)[~np.isnan(last)][-1]
        whole, difference, cash = explained.rules[0].parts
        assert (whole.joined_by, whole.outcome.value) == ("and", "true")
        assert [value.text for value in difference.values] == ["close - open", "close", "open"]
        assert difference.values[0].value == change
        assert cash.values[0].value == account.at(order.slot + 1).cash / 1e6


def test_a_trade_that_was_not_made_says_what_held_it_back(played: tuple[SystemManager, Given]) -> None:
    system, _ = played
    session = system.recompute_session(DAYS[0])
    # Each entry of CCC would cost 10,000, above the limit: refused at each slot at which the rule is true.
    account = system.account(DAYS[0])
    assert account is not None
    refused = next(order for order in account.orders if order.strategy == "one")
    explained = system.explain_decisions("CCC", refused.slot + 1, session=session)[1]
    assert explained.decided_by == "enter"
    (order,) = explained.orders
    assert order.why.startswith("refused: value 9,9")
    assert order.why.endswith("is above max_per_trade 5,000.00")
    assert explained.decision.endswith(", enter, refused")
    last = system.explain_decisions("CCC", 389, session=session)
    assert "no_entry_after is 15:30" in last[0].held_back
    assert "flat_at_close: nothing is entered in the session's last two slots" in last[1].held_back
    assert system.explain_decisions("AAA", 10, session=session)[1].held_back == ("it trades CCC, not AAA",)


def expected_entries(system: SystemManager, symbol: str | None) -> list[tuple[date, int, tuple[str, ...]]]:
    """Return where the rule of `rises` becomes true, in plain Python."""
    found = []
    for day in DAYS:
        tape, account = system.recompute_session(day).require_tape(), system.account(day)
        assert account is not None
        held: dict[str, float | None] = dict.fromkeys(SYMBOLS)
        before = dict.fromkeys(SYMBOLS, False)
        for slot in range(len(tape)):
            new, cash = [], account.at(slot + 1).cash
            for name in SYMBOLS:
                first, last = tape.base.values[[OPEN, CLOSE], tape.rows[name], slot].tolist()
                if not np.isnan(last):
                    held[name] = last - first
                change = held[name]
                is_true = change is not None and change > 0.02 and cash > LEAST_CASH * 10**6
                if is_true and not before[name] and symbol in (None, name):
                    new.append(name)
                before[name] = is_true
            if new:
                found.append((day, slot + 1, tuple(new)))
    return found


@pytest.mark.parametrize("symbol", [None, "BBB"])
def test_entries_are_found_where_the_rule_becomes_true(
    played: tuple[SystemManager, Given], symbol: str | None
) -> None:
    system, _ = played
    expected = expected_entries(system, symbol)
    assert {day for day, _, _ in expected} == set(DAYS)
    places = [expected[0], expected[len(expected) // 2], expected[-1]]
    for at, place in enumerate(places):
        number = expected.index(place)
        after = None if at == 0 else (expected[number - 1][0], expected[number - 1][1])
        assert told(system.find_entry("rises", symbol, after)) == place
        before = None if at == 2 else (expected[number + 1][0], expected[number + 1][1])
        assert told(system.find_entry("rises", symbol, before, backwards=True)) == place
    assert system.find_entry("rises", symbol, expected[-1][:2]) is None
    assert system.find_entry("rises", symbol, expected[0][:2], backwards=True) is None


def told(moment: Moment | None) -> tuple[date, int, tuple[str, ...]] | None:
    return None if moment is None else (moment.trading_day, moment.frontier, moment.symbols)


def test_what_cannot_be_explained_or_found_is_said(played: tuple[SystemManager, Given]) -> None:
    system, _ = played
    with pytest.raises(EngineError, match=r"unknown strategy 'rise'.*Did you mean 'rises'"):
        system.find_entry("rise")
    with pytest.raises(EngineError, match="unknown symbol 'AAB'"):
        system.find_entry("rises", "AAB")
    with pytest.raises(EngineError, match="strategy one does not trade AAA: it trades CCC"):
        system.find_entry("one", "AAA")
    with pytest.raises(EngineError, match="unknown symbol 'AAB'"):
        system.explain_decisions("AAB")


def test_the_account_is_found_over_all_that_was_played(played: tuple[SystemManager, Given]) -> None:
    system, _ = played
    accounts = [system.account(day) for day in DAYS]
    equity = [amount for one in accounts if one is not None for amount in one.equity.tolist()]
    floor = sorted(equity)[len(equity) // 3]
    below = []
    for day, account in zip(DAYS, accounts, strict=True):
        assert account is not None
        amounts = [account.opening_equity, *account.equity.tolist()]
        for frontier, amount in enumerate(amounts):
            if amount < floor and not (frontier and amounts[frontier - 1] < floor):
                below.append((day, frontier))
    count = system.count_moments(f"equity < {floor / 1e6!r}")
    assert count is not None
    assert count.count == len(below)
    assert [(moment.trading_day, moment.frontier) for moment in count.first] == below[:3]


def test_without_strategies_there_is_no_account_to_read(store: BarStore) -> None:
    system = SystemManager(config_of([]), store)
    with pytest.raises(ConditionError, match="unknown value 'position'"):
        system.add_breakpoint("AAA.position > 0")
    with pytest.raises(ConditionError, match="unknown name 'equity': use time, or"):
        system.add_breakpoint("equity < 10")
