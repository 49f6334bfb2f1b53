"""Strategies and the terms of the account in session files: forms, checks, and what the walk gets."""

# ruff: noqa: E501  # a table of errors reads best with one in a line

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import time
from pathlib import Path
from typing import Any

import pytest

from tapedeck.engine.broker.commission import AtLeast, PercentOfValue, PerShare, PerTrade
from tapedeck.engine.broker.orders import Side
from tapedeck.engine.broker.slippage import PercentSlippage, RangeSlippage, TickSlippage
from tapedeck.engine.broker.terms import AccountTerms
from tapedeck.engine.config import LoadedConfig
from tapedeck.engine.errors import ConfigError
from tapedeck.engine.intervals import Interval
from tapedeck.engine.session_file import load_session_config
from tapedeck.engine.strategies.definition import ClassDefinition, RuleDefinition
from tapedeck.engine.strategies.from_config import definitions_of, terms_of
from tapedeck.engine.strategies.sizes import CashSize, PercentSize, RiskSize, ShareSize

STRATEGY = "strategies[0]"
RULE = {"name": "up", "enter": "close > open", "exit": "close < open", "size": {"shares": 100}}
CLASS = {"strategy": "my_strategies.cross:Crossover"}

Read = Callable[[object], LoadedConfig]
Faults = Callable[[object], list[str]]
Trade = Callable[..., dict[str, Any]]


@pytest.fixture
def trade(document: dict[str, Any]) -> Trade:
    """Return the document with strategies, and with terms of the account."""

    def trade(*strategies: object, **terms: object) -> dict[str, Any]:
        return document | {"strategies": list(strategies), "trading_config": terms}

    return trade


def test_a_rule_becomes_a_definition_with_all_that_the_file_says(trade: Trade, read: Read) -> None:
    options = {"symbols": ["IBM"], "side": "short", "flat_at_close": True, "no_entry_after": "15:45"}
    limits = {"max_entries_per_day": 2, "stop_loss": 1.5, "take_profit": 3}
    config = read(trade(RULE | options | limits, allow_short=True)).config
    assert definitions_of(config) == (
        RuleDefinition(
            "up", "close > open", "close < open", ShareSize(100), ("IBM",), Side.SELL,
            flat_at_close=True, no_entry_after=time(15, 45), max_entries_per_day=2, stop_loss=1.5, take_profit=3,
        ),
    )  # fmt: skip


def test_what_a_strategy_leaves_out_has_a_sensible_value(trade: Trade, read: Read) -> None:
    rule, by_class = definitions_of(read(trade(RULE, CLASS)).config)
    assert rule == RuleDefinition("up", "close > open", "close < open", ShareSize(100))
    assert by_class == ClassDefinition("Crossover", "my_strategies.cross:Crossover")


def test_a_class_gets_its_parameters_symbols_interval_and_time(trade: Trade, read: Read) -> None:
    given = {"name": "cross", "parameters": {"fast": 3, "sides": ["up", None]}, "symbols": ["SPY"]}
    config = read(trade(CLASS | given | {"interval": "5m", "timeout_seconds": 1})).config
    assert definitions_of(config) == (
        ClassDefinition(
            "cross", "my_strategies.cross:Crossover", {"fast": 3, "sides": ["up", None]}, ("SPY",), Interval(300), 1.0
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ({"shares": 10}, ShareSize(10)),
        ({"cash": 5000}, CashSize(5000)),
        ({"percent": 12.5}, PercentSize(12.5)),
        ({"risk": 1, "stop": 2}, RiskSize(1, 2)),
        ({"risk": 1, "stop": " 2 *  (high - low) "}, RiskSize(1, "2 * (high - low)")),
    ],
)
def test_a_size_is_one_of_four(trade: Trade, read: Read, written, size) -> None:
    (definition,) = definitions_of(read(trade(RULE | {"size": written})).config)
    assert isinstance(definition, RuleDefinition)
    assert definition.size == size


FAULTS: list[tuple[list[dict[str, object]], list[str]]] = [
    ([{"name": "x"}], [f"{STRATEGY}: must have enter (a rule) or strategy (a class), not neither."]),
    ([RULE | CLASS], [f"{STRATEGY}: must have enter (a rule) or strategy (a class), not both."]),
    ([{"enter": "close > 1", "size": {"cash": 1}}], [f"{STRATEGY}.name: is required: Name in panels and exports; default: that of the class."]),
    ([{"name": "x", "enter": "close > 1"}], [f"{STRATEGY}.size: is required with enter: {{shares: 100}}, {{cash: 10000}}, {{percent: 5}} or {{risk: 1, stop: 2}}."]),
    ([RULE | {"size": {}}], [f"{STRATEGY}.size: must have exactly one of shares, cash, percent, risk; it has none."]),
    ([RULE | {"size": {"cash": 1, "shares": 1}}], [f"{STRATEGY}.size: must have exactly one of shares, cash, percent, risk; it has shares and cash."]),
    ([RULE | {"size": {"risk": 1}}], [f"{STRATEGY}.size.stop: is required with risk: percent of the close, or a value such as 2 * atr."]),
    ([RULE | {"size": {"cash": 1, "stop": 1}}], [f"{STRATEGY}.size.stop: goes with risk only; to leave at a loss, use stop_loss."]),
    ([RULE | {"size": 100}], [f"{STRATEGY}.size: must be a mapping of fields, not 100."]),
    ([RULE | {"size": {"shares": True}}], [f"{STRATEGY}.size.shares: must be a number, not true."]),
    ([RULE | {"size": {"cash": -5}}], [f"{STRATEGY}.size.cash: must be greater than 0, not -5."]),
    ([RULE | {"size": {"percent": float("nan")}}], [f"{STRATEGY}.size.percent: must be a finite number, not nan."]),
    ([RULE | {"size": {"risk": 1, "stop": 0}}], [f"{STRATEGY}.size.stop: must be greater than 0, not 0."]),
    ([RULE | {"size": {"risk": 1, "stop": "atr"}}], [f"{STRATEGY}.size.stop: at column 1 of 'atr': unknown value 'atr' (rules read open, high, low, close, volume, last, prev_close, change, change_pct, gap_pct, day_open, day_high, day_low, day_volume, change_open_pct, quality, missing, gaps, minutes_since_open, minutes_to_close)."]),
    ([RULE | {"stop_loss": 0}], [f"{STRATEGY}.stop_loss: must be greater than 0, not 0."]),
    ([RULE | {"take_profit": float("inf")}], [f"{STRATEGY}.take_profit: must be a finite number, not inf."]),
    ([RULE | {"max_entries_per_day": 0}], [f"{STRATEGY}.max_entries_per_day: must be at least 1, not 0."]),
    ([RULE | {"max_entries_per_day": True}], [f"{STRATEGY}.max_entries_per_day: must be a whole number, not true."]),
    ([RULE | {"side": "buy"}], [f"{STRATEGY}.side: must be long or short, not 'buy'."]),
    ([RULE | {"no_entry_after": "15.45"}], [f"{STRATEGY}.no_entry_after: must be a time of day as HH:MM or HH:MM:SS, in quotes, not '15.45'."]),
    ([RULE | {"enter": "ask < SPY.close"}], [f"{STRATEGY}.enter: at column 1 of 'ask < SPY.close': ask needs quotes: add quotes to streams, as in streams: [1m, quotes]."]),
    ([RULE | {"enter": "closs > open"}], [f"{STRATEGY}.enter: at column 1 of 'closs > open': unknown value 'closs' (rules read open, high, low, close, volume, last, prev_close, change, change_pct, gap_pct, day_open, day_high, day_low, day_volume, change_open_pct, quality, missing, gaps, minutes_since_open, minutes_to_close, position, unrealised, bars_held, equity, cash). Did you mean 'close'?"]),
    ([RULE | {"exit": "IBN.close > 1"}], [f"{STRATEGY}.exit: at column 1 of 'IBN.close > 1': unknown symbol 'IBN' (this session has SPY, IBM). Did you mean 'IBM'?"]),
    ([RULE | {"exit": "SPY.equity < 1"}], [f"{STRATEGY}.exit: at column 1 of 'SPY.equity < 1': equity is of the whole account: use it without a symbol. Did you mean 'equity'?"]),
    ([RULE | {"exit": "close >"}], [f"{STRATEGY}.exit: at column 8 of 'close >': unexpected end; expected a value such as SPY.close, any.quality, 30, time or 10:30."]),
    ([RULE | {"symbols": ["SPX"]}], [f"{STRATEGY}.symbols[0]: unknown symbol 'SPX': this file has SPY, IBM. Did you mean 'SPY'?"]),
    ([RULE | {"symbols": "SPY"}], [f"{STRATEGY}.symbols: must be the word all, or a list of symbols such as [SPY, IBM], not 'SPY'. Did you mean '[SPY]'?"]),
    ([RULE, RULE], [f"strategies[1].name: the name 'up' is used already by {STRATEGY}: give one of them another name."]),
    ([RULE | {"name": "go up"}], [f"{STRATEGY}.name: invalid strategy name 'go up': use letters, digits and _, with a letter or _ first. Did you mean 'go_up'?"]),
    ([RULE | {"interval": "5m"}], [f"{STRATEGY}.interval: goes with strategy only: a rule names its intervals in its conditions."]),
    ([CLASS | {"exit": "close > 1"}], [f"{STRATEGY}.exit: goes with enter only: a class decides that itself."]),
    ([CLASS | {"strategy": "cross"}], [f"{STRATEGY}.strategy: must be module:Class or path/to/file.py:Class, such as my_strategies.cross:Crossover, not 'cross'."]),
    ([CLASS | {"interval": "1d"}], [f"{STRATEGY}.interval: '1d' is too long: use less than a day, such as 5m or 1h."]),
    ([RULE | {"entry": "close > 1"}], [f"{STRATEGY}.entry: unknown field 'entry': the fields here are name, symbols, parameters, enter, exit, size, side, flat_at_close, no_entry_after, max_entries_per_day, stop_loss, take_profit, strategy, interval, timeout_seconds. Did you mean 'enter'?"]),
    ([RULE | {"size": {"qty": 1}}], [f"{STRATEGY}.size.qty: unknown field 'qty': the fields here are shares, cash, percent, risk, stop. Did you mean 'shares'?", f"{STRATEGY}.size: must have exactly one of shares, cash, percent, risk; it has none."]),
    ([CLASS | {"timeout": 1}], [f"{STRATEGY}.timeout: unknown field 'timeout': the fields here are name, symbols, parameters, enter, exit, size, side, flat_at_close, no_entry_after, max_entries_per_day, stop_loss, take_profit, strategy, interval, timeout_seconds. Did you mean 'timeout_seconds'?"]),
]  # fmt: skip


@pytest.mark.parametrize(("strategies", "lines"), FAULTS, ids=[lines[0][:80] for _, lines in FAULTS])
def test_a_fault_of_a_strategy_has_this_message(trade: Trade, faults: Faults, strategies, lines) -> None:
    assert faults(trade(*strategies)) == lines


@pytest.mark.parametrize(
    ("strategy", "terms", "warning"),
    [
        ({"exit": None}, {}, f"{STRATEGY} never leaves a position: it has none of exit, flat_at_close, stop_loss, take_profit"),
        ({"side": "short"}, {}, f"{STRATEGY}.side: every entry is refused, as trading_config.allow_short is false"),
        ({"size": {"cash": 20_000}}, {}, f"{STRATEGY}.size.cash: entries of 20,000 may be refused, as trading_config.max_per_trade is 10,000"),
        ({"size": {"percent": 25}}, {"initial_cash": 50_000}, f"{STRATEGY}.size.percent: entries of 25 % of 50,000 may be refused, as trading_config.max_per_trade is 10,000"),
    ],
)  # fmt: skip
def test_what_is_probably_a_mistake_is_a_warning(trade: Trade, read: Read, strategy, terms, warning) -> None:
    assert read(trade(RULE | strategy, **terms)).warnings == (warning,)


def test_a_condition_of_a_breakpoint_over_one_symbol_is_a_rule_with_the_symbol_dropped(
    trade: Trade, read: Read
) -> None:
    breakpoint_ = (
        "SPY.close crosses above SPY.5m.high[1] and SPY.volume > 3 * SPY.day_volume or time >= 10:30"
    )
    enter = breakpoint_.replace("SPY.5m", "5m").replace("SPY.", "")
    document = trade(RULE | {"enter": enter})
    document["session_data_config"]["streams"] = ["1m", "5m"]
    read(document)


def test_the_file_of_a_class_is_looked_for_when_the_session_file_is_read(
    trade: Trade, tmp_path: Path
) -> None:
    (tmp_path / "cross.py").touch()
    file = tmp_path / "session.json"
    file.write_text(json.dumps(trade({"strategy": "cross.py:Cross"})))
    load_session_config(file)
    file.write_text(json.dumps(trade({"strategy": "corss.py:Cross"})))
    with pytest.raises(
        ConfigError, match=r"strategies\[0\]\.strategy: the file .*corss\.py' does not exist"
    ) as caught:
        load_session_config(file)
    assert str(caught.value).endswith(f"Did you mean '{tmp_path}/cross.py'?")


@pytest.mark.parametrize(
    ("section", "field", "meant"),
    [
        ("session_data_config", "strategies", "it belongs to the top level of the file"),
        ("session_data_config", "params", "it is called parameters, in the top level of the file"),
        ("backtest_config", "fees", "it is called commission, in trading_config"),
        ("session_data_config", "initial_cash", "it belongs to trading_config"),
    ],
)
def test_a_field_in_a_wrong_section_is_named(
    document: dict[str, Any], faults: Faults, section, field, meant
) -> None:
    document[section] |= {field: []}
    [line] = faults(document)
    assert line.startswith(f"{section}.{field}: unknown field {field!r} here: {meant}")


def test_with_the_stream_of_quotes_rules_and_sizes_read_them(trade: Trade, read: Read) -> None:
    quoting = trade(
        RULE | {"enter": "ask < close and spread[1] < 0.02", "size": {"risk": 1, "stop": "2 * spread"}}
    )
    quoting["session_data_config"]["streams"] = ["1m", "quotes"]
    [definition] = definitions_of(read(quoting).config)
    assert definition.enter == "ask < close and spread[1] < 0.02"


def test_with_scanners_a_rule_may_name_symbols_that_may_join(trade: Trade, read: Read) -> None:
    document = trade(RULE | {"symbols": ["AIG"], "enter": "close > BAC.close"})
    scanner = {"name": "up", "where": "gap_pct > 1", "at": "10:00"}
    document["session_data_config"] |= {"universe": "all", "scanners": [scanner]}
    read(document)


# The account


def test_the_terms_of_the_account_have_these_defaults(trade: Trade, read: Read) -> None:
    assert terms_of(read(trade()).config) == AccountTerms(
        initial_cash=100_000.0, max_per_trade=10_000.0, max_per_symbol=20_000.0, max_open_positions=10,
        allow_short=False, lot=1.0, tick_size=None, digits=6, participation_pct=2.5, commission=None, slippage=None,
    )  # fmt: skip


def test_limits_and_participation_can_be_switched_off(trade: Trade, read: Read) -> None:
    off = dict.fromkeys(
        ("max_per_trade", "max_per_symbol", "max_open_positions", "participation", "commission", "slippage"), "none"
    )  # fmt: skip
    terms = terms_of(read(trade(**off)).config)
    assert (terms.max_per_trade, terms.max_per_symbol, terms.max_open_positions) == (None, None, None)
    assert (terms.participation_pct, terms.commission, terms.slippage) == (None, None, None)


@pytest.mark.parametrize(
    ("written", "commission"),
    [
        ({"per_share": 0.005}, PerShare(0.005)),
        ({"per_trade": 1}, PerTrade(1)),
        ({"percent": 0.1}, PercentOfValue(0.1)),
        ({"per_share": 0.005, "minimum": 1}, AtLeast(1, PerShare(0.005))),
        ({"minimum": 1}, AtLeast(1, PerTrade(0))),
    ],
)
def test_a_commission_is_one_of_three_with_a_minimum(trade: Trade, read: Read, written, commission) -> None:
    assert terms_of(read(trade(commission=written)).config).commission == commission


@pytest.mark.parametrize(
    ("written", "slippage"),
    [
        ({"ticks": 2}, TickSlippage(2)),
        ({"percent": 0.1}, PercentSlippage(0.1)),
        ({"range": 0.25}, RangeSlippage(0.25)),
    ],
)
def test_a_slippage_is_one_of_three(trade: Trade, read: Read, written, slippage) -> None:
    assert terms_of(read(trade(slippage=written, tick_size=0.01)).config).slippage == slippage


ACCOUNT_FAULTS: list[tuple[dict[str, object], str]] = [
    ({"max_per_trade": "None"}, "max_per_trade: must be a number or none, not 'None'. Did you mean 'none'?"),
    ({"max_per_symbol": -1}, "max_per_symbol: must be greater than 0, not -1."),
    ({"max_open_positions": 0}, "max_open_positions: must be at least 1, not 0."),
    ({"max_open_positions": True}, "max_open_positions: must be a whole number, not true."),
    ({"participation": 0}, "participation: must be greater than 0, not 0."),
    ({"participation": 101}, "participation: must be at most 100, not 101."),
    ({"participation": float("nan")}, "participation: must be a finite number, not nan."),
    ({"initial_cash": True}, "initial_cash: must be a number, not true."),
    ({"initial_cash": 1e13}, "initial_cash: must be at most 1,000,000,000,000 with 6 digits, not 1e+13."),
    ({"allow_short": "yes"}, "allow_short: must be true or false, not 'yes'. Did you mean 'true'?"),
    ({"lot": 0}, "lot: must be greater than 0, not 0."),
    ({"digits": 13}, "digits: must be at most 12, not 13."),
    ({"tick_size": 0.001, "digits": 2}, "tick_size: must have at most 2 decimal places, not 0.001."),
    ({"commission": 0}, "commission: must be a mapping of fields, not 0."),
    ({"commission": {}}, "commission: must have exactly one of per_share, per_trade, percent; it has none."),
    ({"commission": {"percent": 1, "per_trade": 1}}, "commission: must have exactly one of per_share, per_trade, percent; it has per_trade and percent."),
    ({"commission": {"per_share": -0.01}}, "commission.per_share: must be at least 0, not -0.01."),
    ({"slippage": {"ticks": 1}}, "tick_size: is required with slippage in ticks: the smallest step of a price, such as 0.01."),
    ({"slippage": {"range": 1.5}}, "slippage.range: must be at most 1, not 1.5."),
    ({"slippage": {"ticks": 1.5}, "tick_size": 1}, "slippage.ticks: must be a whole number, not 1.5."),
]  # fmt: skip


@pytest.mark.parametrize(("terms", "line"), ACCOUNT_FAULTS, ids=[line[:70] for _, line in ACCOUNT_FAULTS])
def test_a_fault_of_the_account_has_this_message(trade: Trade, faults: Faults, terms, line) -> None:
    assert faults(trade(**terms)) == [f"trading_config.{line}"]
