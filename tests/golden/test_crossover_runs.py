"""The crossover in October 2013 in whole runs: as a rule, as `on_bar`, as `on_slice`, and in plain Python."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.tape.session_record import SessionRecord
from tests.golden.crossover import CASH, INDICATORS, PlainFill, added_up, as_plain, plain_fills
from tests.golden.raw_bars import DAYS, SYMBOLS
from tests.support.markets import open_new_store
from tests.support.runs import play_recorded

CLASSES = Path(__file__).parent / "crossover_classes.py"
WAYS: Mapping[str, Mapping[str, Any]] = {
    "rule": {
        "enter": "sma_fast crosses above sma_slow",
        "exit": "sma_fast crosses below sma_slow",
        "size": {"cash": CASH},
    },
    "on_bar": {"strategy": f"{CLASSES}:OnBar", "parameters": {"cash": CASH}},
    "on_slice": {"strategy": f"{CLASSES}:OnSlice", "parameters": {"cash": CASH}},
}


@pytest.fixture(scope="module")
def records(store_path: Path) -> list[SessionRecord]:
    """The sessions of a run in which all three trade."""
    document = {
        "session_name": "crossover",
        "exchange_group": "US_EQUITY",
        "backtest_config": {"start_date": DAYS[0], "end_date": DAYS[-1]},
        "session_data_config": {"symbols": list(SYMBOLS), "streams": ["1m"], "indicators": INDICATORS},
        "trading_config": {
            "initial_cash": 1_000_000,
            "max_per_trade": "none",
            "max_per_symbol": "none",
            "max_open_positions": "none",
            "participation": "none",
        },
        "strategies": [{"name": name, **way} for name, way in WAYS.items()],
    }
    with open_new_store(store_path) as store:
        return list(play_recorded(parse_session_config(document, "crossover").config, store).records)


@pytest.mark.parametrize("way", WAYS)
def test_each_way_fills_what_plain_python_fills(
    lean_root: Path, records: list[SessionRecord], way: str
) -> None:
    fills = list[PlainFill]()
    for record in records:
        assert record.tape.account is not None
        account = record.tape.account.record
        fills += as_plain(record.tape, (fill for fill in account.fills if fill.strategy == way))
    assert fills == plain_fills(lean_root, added_up)
