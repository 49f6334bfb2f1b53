"""Strategies in a run: calls that raise, hang or are slow, and what is shown and exported then."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from tapedeck.engine.config import SessionConfig
from tapedeck.engine.read.status import RunState, WorkerState
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tests.support.markets import fill_store, open_new_store
from tests.support.runs import LIMIT_S, KeepRecords, at_frontier, until

CODE = '''
import time
from pathlib import Path
from tapedeck import Strategy


class Quiet(Strategy):
    """Buys once."""

    def on_bar(self, bar):
        if self.slot == 3 and bar.symbol == "AAA":
            self.buy("AAA", 10)
        if self.slot == 45 and bar.symbol == "BBB":
            self.note("at 45", bar.close)
            self.at_45(bar)

    def at_45(self, bar):
        pass


class Raises(Quiet):
    def at_45(self, bar):
        raise ValueError(f"no good: {bar.symbol}")


class Hangs(Quiet):
    def at_45(self, bar):
        while True:
            pass


class Blocks(Quiet):
    def at_45(self, bar):
        Path(__file__).with_name("pipe").read_bytes()


class HangsAtStart(Quiet):
    def on_session_start(self):
        while True:
            pass


class SlowStart(Quiet):
    def on_session_start(self):
        if self.trading_day.day == 27:
            time.sleep(0.3)


class Slow(Quiet):
    def on_bar(self, bar):
        time.sleep(0.002)
'''


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarStore]:
    with open_new_store(tmp_path_factory.mktemp("market") / "bars.db") as made:
        fill_store(made, ("AAA", "BBB"), "2013-11-26", "2013-11-27")
        yield made


@pytest.fixture(autouse=True)
def pipe(tmp_path: Path) -> Iterator[None]:
    """A pipe beside the strategies, whose readers block in C until the test is over."""
    os.mkfifo(tmp_path / "pipe")
    yield
    os.close(os.open(tmp_path / "pipe", os.O_RDWR))
    assert until(lambda: not any(one.name == "tapedeck-analysis-engine" for one in threading.enumerate()))


def config_of(name: str, folder: Path, timeout: float = 0.2) -> SessionConfig:
    (folder / "mine.py").write_text(CODE)
    document = {
        "session_name": "faults",
        "exchange_group": "US_EQUITY",
        "backtest_config": {"start_date": "2013-11-26", "end_date": "2013-11-27"},
        "session_data_config": {"symbols": ["AAA", "BBB"], "streams": ["1m"]},
        "trading_config": {"participation": "none"},
        "strategies": [
            {"name": "mine", "strategy": f"{folder / 'mine.py'}:{name}", "timeout_seconds": timeout}
        ],
    }
    return parse_session_config(document, "faults").config


def line_of(code: str) -> int:
    """Return the number of a line of the strategies' code."""
    return CODE.splitlines().index(code) + 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Raises", "strategy mine, on_bar at {}: ValueError: no good: BBB (mine.py, line {})"),
        ("Hangs", "strategy mine, at {}: took longer than timeout_seconds: 0.2 (mine.py, line "),
        ("Blocks", "strategy mine, at {}: took longer than timeout_seconds: 0.2 (mine.py, line {})"),
    ],
)
def test_a_call_that_fails_ends_the_run_at_its_slot(store, tmp_path, name, message):
    line = {
        "Raises": '        raise ValueError(f"no good: {bar.symbol}")',
        "Blocks": '        Path(__file__).with_name("pipe").read_bytes()',
    }
    wanted = message.format("2013-11-26 10:16:00", line_of(line[name]) if name in line else 0)
    kept = KeepRecords()
    system = SystemManager(config_of(name, tmp_path), store, sinks=[kept])
    system.start()
    try:
        assert system.wait(LIMIT_S)
        assert system.state is RunState.ERROR
        assert str(system.error).startswith(wanted)
        assert system.snapshot().frontier == 46
        [record] = kept.records
        assert record.frontier == 46
        assert record.tape.account is not None
        account = record.tape.account.record
        assert account.walked == len(account.equity) == 46
        assert [(fill.symbol, fill.slot) for fill in account.fills] == [("AAA", 4)]
        assert [note.text for note in account.notes] == ["at 45"]
        assert [status.error is not None for status in system.strategies()] == [True]
    finally:
        system.stop(LIMIT_S)


def test_a_call_that_hangs_before_the_open_ends_the_run(store, tmp_path):
    system = SystemManager(config_of("HangsAtStart", tmp_path), store)
    system.start()
    assert system.wait(LIMIT_S)
    assert "strategy mine, at 2013-11-26 09:30:00: took longer" in str(system.error)


@pytest.mark.parametrize("name", ["Hangs", "Blocks"])
def test_a_stop_does_not_wait_for_a_call(store, tmp_path, name):
    system = SystemManager(config_of(name, tmp_path, timeout=3600.0), store)
    system.start()
    assert until(lambda: _is_calling(system))
    began = time.monotonic()
    system.stop(LIMIT_S)
    assert time.monotonic() - began < 10
    assert system.state is RunState.STOPPED


def _is_calling(system: SystemManager) -> bool:
    now = system.snapshot()
    return any((one.name, one.state) == ("analysis-engine", WorkerState.BUSY) for one in now.threads)


def test_a_slow_strategy_pauses_where_it_stands_and_all_that_it_walked_is_shown(store, tmp_path):
    system = SystemManager(config_of("Slow", tmp_path), store)
    system.start(paused=True)
    try:
        assert system.wait_for(at_frontier(system, 1, 0), LIMIT_S)
        system.resume()
        assert system.wait_for(lambda: system.snapshot().frontier > 10, LIMIT_S)
        analysis = system._running().analysis
        assert analysis is not None
        assert until(lambda: analysis.walk.walked > analysis.walked + 2)
        system.pause()
        assert system.wait_for(lambda: system.snapshot().state is RunState.PAUSED, LIMIT_S)
        now = system.snapshot()
        assert 10 < now.frontier < 390
        assert now.trading_day is not None
        account = system.account(now.trading_day)
        assert account is not None
        assert account.walked == now.frontier
        assert analysis.walk.walked == now.frontier  # it stays there
        system.step()
        assert system.wait_for(at_frontier(system, 1, now.frontier + 1), LIMIT_S)
    finally:
        system.stop(LIMIT_S)


def test_commands_while_a_session_begins_count_from_its_open(store, tmp_path):
    system = SystemManager(config_of("SlowStart", tmp_path, timeout=5.0), store)
    system.start(paused=True)
    try:
        assert system.wait_for(at_frontier(system, 1, 0), LIMIT_S)
        system.resume()
        assert until(lambda: _is_calling(system) and system.snapshot().trading_day == date(2013, 11, 27))
        system.pause()
        system.step(3)
        assert system.mark().wait(LIMIT_S)
        now = system.snapshot()
        assert (now.session, now.frontier, now.steps_left) == (2, 0, 3)
        assert system.wait_for(at_frontier(system, 2, 3), LIMIT_S)
    finally:
        system.stop(LIMIT_S)
