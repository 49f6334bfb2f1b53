"""Rules that name a symbol which a scanner may find: nothing before it joins, then what its bars say."""

from __future__ import annotations

from pathlib import Path

from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.bar_grid import CLOSE, OPEN
from tests.support.markets import fill_store, open_new_store
from tests.support.runs import LIMIT_S, KeepRecords

JOINED = 30
"""Slots that are over at 10:00."""
RULE = {"enter": "close > open", "exit": "close < open", "size": {"shares": 10}}
DOCUMENT = {
    "session_name": "joining",
    "exchange_group": "US_EQUITY",
    "backtest_config": {"start_date": "2013-11-26", "end_date": "2013-11-26"},
    "session_data_config": {
        "symbols": ["AAA"],
        "streams": ["1m"],
        "universe": "all",
        "scanners": [{"name": "all", "where": "day_volume > 0", "at": "10:00"}],
    },
    "trading_config": {"participation": "none"},
    "strategies": [
        {"name": "own", "symbols": ["BBB"], **RULE},
        {"name": "other", "symbols": ["AAA"], **RULE, "enter": "BBB.close > BBB.open and close > 0"},
    ],
}


def test_a_rule_may_name_a_symbol_that_joins_later(tmp_path: Path) -> None:
    sink = KeepRecords()
    with open_new_store(tmp_path / "bars.db") as store:
        fill_store(store, ("AAA", "BBB"), "2013-11-26", "2013-11-26", missing=0.1)
        system = SystemManager(parse_session_config(DOCUMENT, "joining").config, store, sinks=[sink])
        system.start()
        assert system.wait(LIMIT_S)
        assert system.error is None
    [record] = sink.records
    tape = record.tape
    assert tape.account is not None
    fills = tape.account.record.fills
    row = tape.rows["BBB"]
    first, last, present = tape.base.values[OPEN, row], tape.base.values[CLOSE, row], tape.base.present[row]
    expected, held, ordered = [], False, False
    for slot in range(JOINED, len(tape)):
        if not present[slot]:
            continue
        if ordered:
            expected.append((slot, first[slot]))
            held, ordered = not held, False
        ordered = bool(last[slot] < first[slot]) if held else bool(last[slot] > first[slot])
    assert [(fill.slot, fill.price) for fill in fills if fill.strategy == "own"] == expected
    assert len(expected) > 20
    assert min(fill.slot for fill in fills if fill.strategy == "other") > JOINED
