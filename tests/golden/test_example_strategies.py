"""The strategies shipped as examples: each trades, and the breakout is what plain Python makes it."""

from __future__ import annotations

from datetime import time
from itertools import pairwise
from pathlib import Path

import pytest

from tapedeck.engine.broker.orders import Side
from tapedeck.engine.session_file import load_session_config
from tapedeck.engine.tape.session_record import SessionRecord
from tests.golden import raw_bars
from tests.golden.crossover import PlainFill, as_plain, in_order
from tests.golden.raw_bars import DAYS, SYMBOLS
from tests.support.markets import open_new_store
from tests.support.runs import play_recorded

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "strategies.yaml"
TICK = 0.01


@pytest.fixture(scope="module")
def records(store_path: Path) -> list[SessionRecord]:
    with open_new_store(store_path) as store:
        return list(play_recorded(load_session_config(EXAMPLE).config, store).records)


def fills_of(records: list[SessionRecord], strategy: str) -> list[PlainFill]:
    found = list[PlainFill]()
    for record in records:
        assert record.tape.account is not None
        account = record.tape.account.record
        found += as_plain(record.tape, (fill for fill in account.fills if fill.strategy == strategy))
    return found


def breakouts(root: Path, symbol: str, day: str) -> list[tuple[object, ...]]:
    """Return time, symbol, side and price of the breakout's fills on a day: once in, and once out."""
    bars = list(raw_bars.regular(root, symbol, day).itertuples())
    top, bought = bars[0].high, None
    for bar, after in pairwise(bars):
        minutes = (bar.Index - bars[0].Index).total_seconds() / 60 + 1
        if bought is None:
            if bar.close > top and 30 < minutes <= 150:
                bought = after
        elif bar.Index >= bought.Index:
            gain = 100 * (bar.close / (bought.open + TICK) - 1)
            if gain <= -0.3 or gain >= 0.6:
                left, price = after, after.open
                break
        top = max(top, bar.high)
    else:
        left, price = bars[-1], bars[-1].close
    if bought is None:
        return []
    return [
        (bought.Index, symbol, Side.BUY, round(bought.open + TICK, 4)),
        (left.Index, symbol, Side.SELL, round(price - TICK, 4)),
    ]


def test_the_breakout_as_a_rule_and_as_a_class_trades_what_plain_python_finds(
    lean_root: Path, records: list[SessionRecord]
) -> None:
    as_rule, as_class = fills_of(records, "breakout"), fills_of(records, "breakout_class")
    assert as_rule == as_class
    found = [fill for day in DAYS for symbol in SYMBOLS for fill in breakouts(lean_root, symbol, day)]
    expected = in_order(PlainFill(when, symbol, side, 0, price) for when, symbol, side, price in found)
    assert [fill._replace(shares=0) for fill in in_order(as_rule)] == expected
    assert len(expected) > 20
    assert {time(10, 0) < fill.time.time() <= time(12, 0) for fill in as_rule if fill.side is Side.BUY} == {
        True
    }


@pytest.mark.parametrize("strategy", ["crossover", "reversion"])
def test_the_others_trade_all_symbols(records: list[SessionRecord], strategy: str) -> None:
    assert {fill.symbol for fill in fills_of(records, strategy)} == set(SYMBOLS)
