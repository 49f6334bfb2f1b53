"""A restart reads the session file again: strategies may change, other changes need a new start."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tapedeck.console.app.launch import _Runs
from tapedeck.console.cli.commands.run import reread_session
from tapedeck.engine.errors import ConfigError, EngineError
from tapedeck.engine.system import SystemManager
from tests.support.markets import fill_store, open_new_store
from tests.support.runs import LIMIT_S

SESSION = """
session_name: Restarts
exchange_group: US_EQUITY
backtest_config: {start_date: 2013-11-26, end_date: 2013-11-26}
parameters: {shares: 10, days: 3}
session_data_config:
  symbols: [AAA]
  streams: [1m]
  indicators: {sma: {type: SMA, interval: 1m, timeperiod: $days}}
trading_config: {participation: none}
strategies: [{name: mine, enter: "close > sma", exit: "close < sma", size: {shares: $shares}}]
"""


class Restarting:
    """A run of a session file, restarted after the file has changed."""

    def __init__(self, file: Path, runs: _Runs, system: SystemManager) -> None:
        self.file, self.runs, self.system = file, runs, system

    def restarted(self, old: str = "", new: str = "") -> None:
        assert self.system.wait(LIMIT_S)
        self.file.write_text(SESSION.replace(old, new))
        self.system = self.runs.following(self.system)
        self.system.start()
        assert self.system.wait(LIMIT_S)

    @property
    def sizes(self) -> set[int]:
        days = self.system.tape_cache.days() if self.system.tape_cache else ()
        accounts = [self.system.account(day) for day in days]
        return {order.lots for account in accounts if account is not None for order in account.orders}


@pytest.fixture
def restarting(tmp_path: Path) -> Iterator[Restarting]:
    file = tmp_path / "session.yaml"
    file.write_text(SESSION)
    reread = partial(reread_session, file, {})
    with open_new_store(tmp_path / "bars.db") as store:
        fill_store(store, ["AAA"], "2013-11-25", "2013-11-26")
        with _Runs(reread(), store, None, None, reread) as runs:
            system = runs.first(())
            system.start()
            yield Restarting(file, runs, system)


def test_strategies_parameters_and_terms_may_change(restarting: Restarting) -> None:
    restarting.restarted("shares: 10", "shares: 7")
    assert restarting.sizes == {7}
    stamp = restarting.system.summary().stamp
    restarting.restarted("days: 3", "days: 5")
    assert restarting.sizes == {10}
    assert restarting.system.summary().stamp != stamp
    restarting.restarted("participation: none", "participation: none, max_per_trade: 1")
    assert restarting.system.summary().sessions[0].account is not None
    assert restarting.system.summary().sessions[0].account.strategies[0].fills == 0


def test_other_changes_need_a_new_start(restarting: Restarting) -> None:
    for old, new, path in (
        ("end_date: 2013-11-26", "end_date: 2013-11-27", "backtest_config.end_date"),
        ("streams: [1m]", "streams: [1m, 5m]", "session_data_config.streams"),
        ("type: SMA", "type: EMA", "session_data_config.indicators.sma.type"),
    ):
        with pytest.raises(EngineError, match=f"{path} has changed in the session file: quit"):
            restarting.restarted(old, new)


def test_a_file_with_faults_is_refused_with_them(restarting: Restarting) -> None:
    with pytest.raises(ConfigError, match="unknown value 'smaa'"):
        restarting.restarted("close > sma", "close > smaa")
