"""A strategy that raises ends the command with its own traceback."""

from __future__ import annotations

import json
from pathlib import Path

from tests.console.conftest import CommandLine
from tests.support.markets import fill_store, open_new_store

CODE = '''
from tapedeck import Strategy


class Raises(Strategy):
    """Fails at its first bar."""

    def on_bar(self, bar):
        raise ValueError(f"no good: {bar.symbol}")
'''
SESSION = """
session_name: Failure
exchange_group: US_EQUITY
backtest_config: {start_date: 2013-11-26, end_date: 2013-11-26}
session_data_config: {symbols: [AAA], streams: [1m]}
strategies: [{strategy: "mine.py:Raises"}]
"""


def test_the_traceback_is_told_as_text_and_in_json(tmp_path: Path, tapedeck: CommandLine) -> None:
    (tmp_path / "mine.py").write_text(CODE)
    (tmp_path / "file.yaml").write_text(SESSION)
    with open_new_store(tmp_path / "bars.db") as store:
        fill_store(store, ("AAA",), "2013-11-26", "2013-11-26")
    words = ("run", str(tmp_path / "file.yaml"), "--store", str(tmp_path / "bars.db"), "--no-ui")
    result = tapedeck(*words)
    assert result.exit_code == 1
    first, *_, last, told = result.stderr.splitlines()[-5:]
    assert first == "Traceback (most recent call last):"
    assert last == "ValueError: no good: AAA"
    moment = "strategy Raises, on_bar at 2013-11-26 09:31:00"
    assert told == f"error: {moment}: ValueError: no good: AAA (mine.py, line 9)"
    error = json.loads(tapedeck(*words, "--json").stdout)["error"]
    assert (error["kind"], error["strategy"]) == ("StrategyError", "Raises")
    assert error["traceback"].splitlines()[-1] == last
