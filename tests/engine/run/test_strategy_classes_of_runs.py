"""Strategy classes in whole runs: history that they read, symbols that join and leave, errors."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tapedeck.engine.broker.account_record import AccountRecord
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.read.status import RunState
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.strategies.strategy_walk import StrategyError
from tapedeck.engine.system import SystemManager
from tests.support.markets import fill_store, open_new_store
from tests.support.runs import LIMIT_S, at_frontier, play

SYMBOLS = ("AAA", "BBB", "CCC")
FIRST, SECOND = map(date.fromisoformat, ("2013-11-27", "2013-11-29"))
READS = """
    def on_bar(self, bar):
        if self.slot in (0, 100):
            days = self.data.history_bars(bar.symbol, "1m")
            known = self.data.get_symbol_data(bar.symbol)
            parts = known.historical.bars[known.base_interval]
            assert [len(part) for part in days] == [len(part) for part in parts]
            self.note(bar.symbol, sum(np.nansum(part.close) for part in days))
            self.note("usual", self.data.get_historical_indicator(bar.symbol, "usual"))
"""
RAISES = "    def on_slice(self, bars):\n        if self.slot == 40: raise ValueError('no prices')\n"
BUYS = """
    def on_bar(self, bar): self.buy(bar.symbol, 1)
    def on_order(self, order): self.note(order.state)
"""


def config_of(folder: Path, body: str) -> SessionConfig:
    """Return a session file over two sessions in a folder with the class `Mine` of a body."""
    (folder / "mine.py").write_text(
        f"import numpy as np\nfrom tapedeck import Strategy\nclass Mine(Strategy):\n{body}"
    )
    document: dict[str, Any] = {
        "session_name": "classes",
        "exchange_group": "US_EQUITY",
        "backtest_config": {"start_date": str(FIRST), "end_date": str(SECOND)},
        "session_data_config": {
            "symbols": list(SYMBOLS[:2]),
            "streams": ["1m"],
            "historical": {
                "data": [{"trailing_days": 2, "intervals": ["1m"]}],
                "indicators": {"usual": {"type": "trailing_average", "period": "2d", "field": "volume"}},
            },
        },
        "trading_config": {"participation": "none"},
        "strategies": [{"name": "one", "strategy": "mine.py:Mine"}],
    }
    return parse_session_config(document, "classes").config.in_folder(folder)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarStore]:
    with open_new_store(tmp_path_factory.mktemp("classes") / "bars.db") as made:
        fill_store(made, SYMBOLS, "2013-11-22", "2013-11-29", missing=0.05)
        yield made


def closes_before(store: BarStore, symbol: str, day: date) -> float:
    """Return the sum of the stored closes of the two trading days before a day."""
    bars = store.read(symbol, MINUTE, 0, 2**40)
    days = bars.opened_at // 86_400  # New York's hours are in one day of UTC
    before = sorted(set(days.tolist()) - {one for one in days.tolist() if one >= day.toordinal() - 719_163})[
        -2:
    ]
    return float(bars.close[np.isin(days, before)].sum())


def account(system: SystemManager, day: date) -> AccountRecord:
    found = system.account(day)
    assert found is not None
    return found


def test_it_reads_the_history_that_the_file_declares_also_of_a_symbol_that_joins(
    tmp_path: Path, store: BarStore
) -> None:
    def drive(system: SystemManager) -> None:
        system.step(50)
        assert system.wait_for(at_frontier(system, 1, 50), LIMIT_S)
        system.add_symbol("CCC")
        system.resume()

    system = play(config_of(tmp_path, READS), store, drive)
    for day, symbols in ((FIRST, SYMBOLS), (SECOND, SYMBOLS[:2])):
        notes = account(system, day).notes
        for symbol in symbols:
            values = [note.value for note in notes if note.text == symbol]
            assert values
            assert values == pytest.approx([closes_before(store, symbol, day)] * len(values))
        assert len([note for note in notes if note.text == "usual" and note.value is not None]) * 2 == len(
            notes
        )


def test_a_symbol_that_leaves_is_ordered_no_more(tmp_path: Path, store: BarStore) -> None:
    def drive(system: SystemManager) -> None:
        system.step(50)
        assert system.wait_for(at_frontier(system, 1, 50), LIMIT_S)
        system.remove_symbol("AAA")
        system.resume()

    system = play(config_of(tmp_path, BUYS), store, drive)
    record = account(system, FIRST)
    of_left = [order for order in record.orders if order.symbol == "AAA"]
    assert max(order.slot for order in of_left) <= 49
    assert {order.state.value for order in of_left} == {"filled", "cancelled"}
    assert "cancelled" in {note.text for note in record.notes}
    assert [one.symbol for one in record.at(390).positions] == ["AAA", "BBB"]


def test_one_that_raises_stops_the_run_at_its_slot(tmp_path: Path, store: BarStore) -> None:
    system = SystemManager(config_of(tmp_path, RAISES), store)
    try:
        system.start()
        assert system.wait(LIMIT_S)
    finally:
        system.stop(LIMIT_S)
    assert system.state is not RunState.COMPLETED
    error = system.error
    assert isinstance(error, StrategyError)
    assert str(error) == (
        "strategy one, on_slice at 2013-11-27 10:11:00: ValueError: no prices (mine.py, line 5)"
    )
    assert account(system, FIRST).walked == 41
