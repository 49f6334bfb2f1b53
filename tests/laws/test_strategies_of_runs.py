"""Laws of strategies in whole runs: how a run is played changes no order, fill, note or equity."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tapedeck.engine.broker.account_record import AccountRecord
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.read.status import RunState
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.bar_grid import CLOSE, HIGH, LOW
from tapedeck.engine.tape.session_record import SessionRecord
from tests.laws.test_no_look_ahead import changed
from tests.support.markets import fill_store, filled_stores, open_new_store
from tests.support.runs import LIMIT_S, KeepRecords, at_frontier

FILE = ("AAA", "BBB", "CCC")
OTHERS = ("DDD", "EEE")
LENGTHS = (120, 120, 90)
"""Slots of the sessions played; the last one closes early."""
HOURS = {
    "2013-11-26": {"close": "11:30"},
    "2013-11-27": {"close": "11:30"},
    "2013-11-29": {"open": "11:30"},
}
"""Hours that make the sessions short."""
STRATEGIES = [
    {
        "name": "cross",
        "parameters": {"slow": 9},
        "enter": "sma_3 crosses above sma_slow",
        "exit": "sma_3 crosses below sma_slow",
        "size": {"cash": 5000},
    },
    {
        "name": "dips",
        "symbols": ["BBB", "CCC"],
        "enter": "close < vwap and cash > 20_000 and minutes_since_open > 15",
        "exit": "unrealised > 20 or bars_held > 30",
        "size": {"percent": 5},
        "side": "short",
        "flat_at_close": True,
        "stop_loss": 0.5,
        "max_entries_per_day": 4,
    },
    {
        "name": "reads",
        "strategy": f"{Path(__file__).parents[1] / 'support' / 'reading_strategy.py'}:ReadsAll",
        "interval": "5m",
        "symbols": ["AAA", "CCC"],
    },
]


def config_of(**backtest: Any) -> SessionConfig:
    """Return a session file over three sessions, with strategies."""
    document = {
        "session_name": "law",
        "exchange_group": "US_EQUITY",
        "backtest_config": {"start_date": "2013-11-26", "end_date": "2013-11-29", **backtest},
        "session_data_config": {
            "symbols": list(FILE),
            "streams": ["1m", "5m"],
            "sessions": HOURS,
            "indicators": {
                "sma_3": {"type": "SMA", "interval": "1m", "timeperiod": 3},
                "sma_slow": {"type": "SMA", "interval": "1m", "timeperiod": "$slow"},
                "vwap": {"type": "VWAP", "interval": "1m"},
            },
        },
        "trading_config": {
            "allow_short": True,
            "participation": 1,
            "commission": {"per_share": 0.005, "minimum": 1},
        },
        "strategies": STRATEGIES,
    }
    return parse_session_config(document, "law").config


def fill(store: BarStore) -> None:
    """Write a market with gaps."""
    fill_store(store, (*FILE, *OTHERS), "2013-11-25", "2013-11-29", missing=0.05)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[BarStore, BarStore]]:
    with filled_stores(tmp_path_factory.mktemp("law"), fill) as both:
        yield both


class Outcome(NamedTuple):
    """What a run gave."""

    records: list[SessionRecord]
    stamp: str

    @property
    def accounts(self) -> list[AccountRecord]:
        """The account of each session."""
        found = [record.tape.account for record in self.records]
        return [account.record for account in found if account is not None]


def facts(record: AccountRecord) -> tuple[Any, ...]:
    """Return what runs are compared by."""
    return (
        record.day,
        record.walked,
        record.opening_positions,
        record.orders,
        record.fills,
        record.trades,
        record.notes,
        record.equity.tolist(),
    )


def same(ours: Outcome, theirs: Outcome) -> bool:
    return list(map(facts, ours.accounts)) == list(map(facts, theirs.accounts))


def played(
    config: SessionConfig,
    store: BarStore,
    stops: Sequence[int] = (),
    changes: Sequence[tuple[int, str]] = (),
    conditions: Sequence[str] = (),
) -> Outcome:
    """Play a run, with pauses after some numbers of slots, counted from the run's start.

    `changes`: symbols that join after some slots, or leave if they are there. `conditions`: breakpoints, at
    which the run goes on.
    """
    kept = KeepRecords()
    system = SystemManager(config, store, sinks=[kept], tape_cache_bytes=1)
    for text in conditions:
        system.add_breakpoint(text)
    system.start(paused=True)
    try:
        at = 0
        for stop, symbol in sorted([*((stop, "") for stop in stops), *changes]):
            if stop > at:
                system.step(stop - at)
                while not system.wait_for(lambda at=stop: _slots_played(system) == at, 0.05):
                    if _is_held(system):  # by a breakpoint
                        system.step(stop - _slots_played(system))
                at = stop
            if symbol:
                there = symbol in system.session_data.get_active_symbols()
                (system.remove_symbol if there else system.add_symbol)(symbol)
        system.resume()
        while not system.wait(0.05):
            if _is_held(system):
                system.resume()
        assert system.error is None, system.error
        for record in kept.records:  # the digest proves that they are recomputed as they were
            assert system.tape_cache is not None
            day = record.tape.session.trading_day
            again = system.tape_cache.session(day).tape
            assert again.account is not None
            assert again.account.record is system.account(day)
        return Outcome(kept.records, system.summary().stamp)
    finally:
        system.stop(LIMIT_S)


def _is_held(system: SystemManager) -> bool:
    now = system.snapshot()
    return now.state is RunState.PAUSED and now.steps_left == 0 and now.stopped_at is not None


def _slots_played(system: SystemManager) -> int:
    now = system.snapshot()
    return sum(LENGTHS[: now.session - 1]) + now.frontier if now.session else -1


@pytest.fixture(scope="module")
def expected(stores: tuple[BarStore, BarStore]) -> Outcome:
    return played(config_of(), stores[0])


def test_each_strategy_of_the_law_trades(expected):
    for name in ("cross", "dips", "reads"):
        fills = [fill for account in expected.accounts for fill in account.fills if fill.strategy == name]
        assert len(fills) > 30
    assert [account.walked for account in expected.accounts] == list(LENGTHS)


def test_cash_and_positions_are_equity_at_every_slot_and_fills_lie_within_their_bars(expected):
    orders = {order.number: order for account in expected.accounts for order in account.orders}
    for account, record in zip(expected.accounts, expected.records, strict=True):
        tape, scale = record.tape, account.scale
        for frontier in range(1, account.walked + 1, 7):
            now = account.at(frontier)
            closes = {row: tape.base.values[CLOSE, row, :frontier] for row in range(len(FILE))}
            value = 0
            for position in now.positions:
                known = closes[tape.rows[position.symbol]]
                known = known[~np.isnan(known)]
                if not len(known):
                    break  # held by a close of the session before
                value += scale.value(float(known[-1]), position.lots)
            else:
                assert now.cash + value == now.equity
        for filled in account.fills:
            row = tape.rows[filled.symbol]
            low, high, volume = tape.base.values[[LOW, HIGH, 4], row, filled.slot]
            assert low <= filled.price <= high
            decided = orders[filled.order]
            assert (filled.day, filled.slot) > (decided.day, decided.slot)
            together = sum(
                one.lots for one in account.fills if (one.symbol, one.slot) == (filled.symbol, filled.slot)
            )
            assert together * 100 <= volume


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    stops=st.lists(st.integers(0, sum(LENGTHS) - 1), max_size=5),
    speed=st.sampled_from([0.0, 1e6]),
    prefetch=st.integers(1, 4),
    store=st.integers(0, 1),
    conditions=st.sampled_from([(), ("AAA.sma_3 crosses above AAA.vwap",), ("AAA.position > 0",)]),
)
def test_strategies_do_not_depend_on_cut_speed_store_or_breakpoints(
    stores, expected, stops, speed, prefetch, store, conditions
):
    config = config_of(prefetch_days=prefetch, speed_multiplier=speed)
    outcome = played(config, stores[store], stops, conditions=conditions)
    assert same(outcome, expected)
    assert outcome.stamp == expected.stamp


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    stops=st.lists(st.integers(0, sum(LENGTHS) - 1), max_size=4),
    changes=st.lists(
        st.tuples(st.integers(1, sum(LENGTHS) - 1), st.sampled_from(["DDD", "EEE", "AAA"])),
        min_size=1,
        max_size=4,
        unique_by=lambda change: change[0],
    ),
)
def test_with_joins_and_leaves_the_same_sequence_gives_the_same(stores, stops, changes):
    first = played(config_of(), stores[0], changes=changes)
    again = played(config_of(), stores[1], stops, changes)
    assert same(first, again)
    assert first.stamp == again.stamp


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(session=st.integers(0, 2), slot=st.sampled_from([20, 60, 89]))
def test_what_comes_after_a_slot_changes_no_decision_before_it(stores, expected, session, slot):
    moment = expected.records[session].tape.slots.clock(slot)
    with tempfile.TemporaryDirectory() as folder, open_new_store(Path(folder) / "bars.db") as other:
        for symbol in (*FILE, *OTHERS):
            other.write(symbol, MINUTE, changed(stores[0], symbol, moment, "altered", 0))
        outcome = played(config_of(), other)
    for earlier in range(session):
        assert facts(outcome.accounts[earlier]) == facts(expected.accounts[earlier])
    ours, theirs = (one.accounts[session].at(slot) for one in (outcome, expected))
    assert ours.orders == theirs.orders
    assert ours.fills == theirs.fills
    assert ours.equity_so_far.tolist() == theirs.equity_so_far.tolist()
    if session < 2 or slot < 80:
        assert not same(outcome, expected)


@pytest.mark.parametrize("text", ["AAA.position > 0", "equity < 99_990", "BBB.unrealised > 2"])
def test_a_breakpoint_on_the_account_pauses_at_exactly_its_slot(stores, expected, text):
    account, tape = expected.accounts[0], expected.records[0].tape
    scale = account.scale
    holds = []
    for frontier in range(len(tape) + 1):
        now = account.at(frontier)
        lots = {symbol: [one for one in now.positions if one.symbol == symbol] for symbol in FILE}
        if text.startswith("AAA"):
            holds.append(sum(one.lots for one in lots["AAA"]) > 0)
        elif text.startswith("equity"):
            holds.append(now.equity < scale.units(99_990))
        else:
            closes = tape.base.values[CLOSE, tape.rows["BBB"], :frontier]
            closes = closes[~np.isnan(closes)]
            units = sum(scale.value(float(closes[-1]), one.lots) - one.cost for one in lots["BBB"])
            holds.append(units > scale.units(2))
    first = holds.index(True)
    system = SystemManager(config_of(), stores[0])
    system.add_breakpoint(text)
    system.start()
    try:
        assert system.wait_for(at_frontier(system, 1, first), LIMIT_S), system.snapshot().frontier
    finally:
        system.stop(LIMIT_S)


def test_a_pause_takes_effect_where_the_strategies_stand(stores, expected):
    system = SystemManager(config_of(speed_multiplier=0), stores[0])
    system.start(paused=True)
    try:
        assert system.wait_for(at_frontier(system, 1, 0), LIMIT_S)
        system.resume()
        system.pause()
        assert system.wait_for(lambda: system.snapshot().state is RunState.PAUSED, LIMIT_S)
        now = system.snapshot()
        assert now.trading_day is not None
        account = system.account(now.trading_day)
        assert account is not None
        assert account.walked == now.frontier
    finally:
        system.stop(LIMIT_S)
