"""Parameters in session files: where `$name` is looked up, what stands in its place, and --set."""

# ruff: noqa: E501  # a table of errors reads best with one in a line

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.config import LoadedConfig, SessionConfig, dump
from tapedeck.engine.config.documents import parse_text
from tapedeck.engine.errors import ConfigError
from tapedeck.engine.session_file import parse_session_config

Build = Callable[..., dict[str, Any]]
Faults = Callable[[object], list[str]]

CROSS = "sma_fast crosses above sma_slow"
INDICATORS = {
    "sma_fast": {"type": "SMA", "interval": "1m", "timeperiod": "$fast"},
    "sma_slow": {"type": "SMA", "interval": "1m", "timeperiod": "$slow"},
}


def rule(name: str = "cross", **fields: object) -> dict[str, Any]:
    """Return a strategy that buys 100 shares."""
    size = {"shares": 100}
    return {"name": name, "enter": CROSS, "exit": "sma_fast crosses below sma_slow", "size": size, **fields}


@pytest.fixture
def build(document: dict[str, Any]) -> Build:
    """Return the document with indicators of `$fast` and `$slow`, the file's parameters, and strategies."""

    def build(*strategies: object, **parameters: object) -> dict[str, Any]:
        data = document["session_data_config"] | {"indicators": copy.deepcopy(INDICATORS)}
        return document | {
            "session_data_config": data, "parameters": parameters, "strategies": list(strategies),
        }  # fmt: skip

    return build


def read(document: object, settings: Mapping[str, Any] | None = None) -> LoadedConfig:
    """Read a document with parameters of the command line."""
    return parse_session_config(document, "cross.yaml", settings)


def periods(config: SessionConfig) -> list[object]:
    """Return the lengths of the two averages."""
    return [one.parameters["timeperiod"] for one in config.session_data_config.indicators.values()]


def test_parameters_stand_in_conditions_indicators_sizes_and_fields_of_a_rule(build: Build) -> None:
    written = rule(
        enter=f"{CROSS} and close > $floor and time >= $from and $signal > -$floor",
        size={"risk": "$risk", "stop": "$times * (high - low)"}, stop_loss="$loss", max_entries_per_day="$most",
        parameters={"floor": -2.5, "from": "10:30", "signal": "sma_slow", "loss": 2, "most": 3},
    )  # fmt: skip
    loaded = read(build(written, fast=10, slow=30, risk=0.5, times=2))
    (strategy,) = loaded.config.strategies
    assert periods(loaded.config) == [10, 30]
    assert strategy.enter == f"{CROSS} and close > -2.5 and time >= 10:30 and sma_slow > --2.5"
    assert strategy.size is not None
    assert (strategy.size.risk, strategy.size.stop) == (0.5, "2 * (high - low)")
    assert (strategy.stop_loss, strategy.max_entries_per_day) == (2, 3)
    assert loaded.warnings == ()


def test_a_strategy_looks_in_its_own_parameters_first_and_an_indicator_in_those_of_the_file(
    build: Build,
) -> None:
    first = rule("first", enter="close > $fast", parameters={"fast": 1})
    second = rule("second", enter="close > $fast")
    config = read(build(first, second, fast=10, slow=30)).config
    assert [strategy.enter for strategy in config.strategies] == ["close > 1", "close > 10"]
    assert periods(config) == [10, 30]


def test_an_indicator_takes_what_only_strategies_have_if_they_agree(build: Build) -> None:
    own = {"fast": 10, "slow": 30}
    assert periods(read(build(rule("a", parameters=own), rule("b", parameters=own))).config) == [10, 30]


def test_strategies_that_differ_are_an_error_of_the_indicator(build: Build, faults: Faults) -> None:
    a, b = rule("a", parameters={"fast": 10, "slow": 30}), rule("b", parameters={"fast": 12, "slow": 30})
    assert faults(build(a, b)) == [
        "session_data_config.indicators.sma_fast.timeperiod: the strategies have different values of fast: 10 (strategy a), 12 (strategy b). Give the file one value in parameters, or give each strategy its own indicator, with a parameter of another name."
    ]


def test_a_class_gets_its_own_parameters_with_values_of_the_file(build: Build) -> None:
    own = {"length": "$fast", "text": "costs $5 or $fast", "nested": ["$fast"]}
    config = read(build({"strategy": "a:B", "parameters": own}, fast=10, slow=30)).config
    assert config.strategies[0].parameters == {"length": 10, "text": "costs $5 or $fast", "nested": ["$fast"]}


def test_rules_of_scanners_use_parameters_of_the_file(build: Build) -> None:
    document = build(fast=10, slow=30, gap=1.5)
    scanner = {"name": "up", "where": "gap_pct > $gap", "by": "$gap * gap_pct", "at": "10:00"}
    document["session_data_config"] |= {"universe": "all", "scanners": [scanner]}
    (found,) = read(document).config.session_data_config.scanners
    assert (found.where, found.by) == ("gap_pct > 1.5", "1.5 * gap_pct")


FAULTS: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    ({"enter": "close > $fats"}, {}, ["strategies[0].enter: unknown parameter 'fats': strategy cross, with the file, has fast, slow. Did you mean '$fast'?"]),
    ({"stop_loss": "$los"}, {}, ["strategies[0].stop_loss: unknown parameter 'los': strategy cross, with the file, has fast, slow."]),
    ({"stop_loss": "$loss"}, {"loss": -1}, ["strategies[0].stop_loss: must be greater than 0, not -1."]),
    ({"size": {"shares": "$n"}}, {"n": "many"}, ["strategies[0].size.shares: must be a number, not 'many'."]),
    ({"enter": "close > $x"}, {"x": [1]}, ['strategies[0].enter: $x is a list: in a condition it must be a number, a time of day such as "10:30", or the name of a value.']),
    ({"enter": "close > $x"}, {"x": True}, ['strategies[0].enter: $x is true: in a condition it must be a number, a time of day such as "10:30", or the name of a value.']),
    ({"enter": "close > $x"}, {"x": "1 or close"}, ["strategies[0].enter: $x is '1 or close': in a condition it must be a number, a time of day such as \"10:30\", or the name of a value."]),
    ({"enter": "close > $x"}, {"x": "colse"}, ["strategies[0].enter: at column 9 of 'close > colse': unknown value 'colse' (rules read open, high, low, close, volume, last, prev_close, change, change_pct, gap_pct, day_open, day_high, day_low, day_volume, change_open_pct, quality, missing, gaps, sma_fast, sma_slow, minutes_since_open, minutes_to_close, position, unrealised, bars_held, equity, cash). Did you mean 'close'?"]),
    ({}, {"fast": "$slow"}, ["parameters.fast: must be a value, not '$slow': a parameter does not stand for another one.", "session_data_config.indicators.sma_fast.timeperiod: must be a whole number, not '$slow'; the default is 30."]),
    ({"parameters": {"x": "2 * $slow"}}, {}, ["strategies[0].parameters.x: must be a value, not '2 * $slow': a parameter does not stand for another one."]),
    ({}, {"my fast": 1}, ["parameters.my fast: invalid parameter name 'my fast': use letters, digits and _, with a letter or _ first. Did you mean 'my_fast'?"]),
    ({"name": "$fast"}, {}, ["strategies[0].name: invalid strategy name '$fast': use letters, digits and _, with a letter or _ first. Did you mean 'fast'?"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "parameters", "lines"), FAULTS, ids=[lines[0][:80] for *_, lines in FAULTS]
)
def test_a_fault_of_a_parameter_has_this_message(
    build: Build, faults: Faults, fields, parameters, lines
) -> None:
    assert faults(build(rule(**fields), **({"fast": 10, "slow": 30} | parameters))) == lines


def test_a_parameter_that_nothing_uses_is_a_warning_unless_a_class_may(build: Build) -> None:
    strategies = [rule(parameters={"loss": 2}), {"strategy": "a:B", "parameters": {"length": 3}}]
    assert read(build(*strategies, fast=10, slow=30, most=3)).warnings == (
        "parameters.most has no effect: nothing uses $most",
        "strategies[0].parameters.loss has no effect: nothing uses $loss",
    )


# Values of the command line


def test_a_setting_replaces_the_value_of_the_file_else_those_of_the_strategies(build: Build) -> None:
    own = {"slow": 30}
    document = build(rule("a", parameters=own), rule("b", parameters=own), fast=10)
    before = copy.deepcopy(document)
    config = read(document, {"fast": 12, "slow": 26}).config
    assert periods(config) == [12, 26]
    assert config.parameters == {"fast": 12}
    assert [strategy.parameters for strategy in config.strategies] == [{"slow": 26}, {"slow": 26}]
    assert document == before


def test_a_setting_of_one_strategy_leaves_the_file_and_the_others_alone(build: Build) -> None:
    strategies = [rule(name, enter="close > $level") for name in ("a", "b")]
    config = read(build(*strategies, fast=10, slow=30, level=5), {"a.level": 7}).config
    assert [strategy.enter for strategy in config.strategies] == ["close > 7", "close > 5"]
    assert config.parameters["level"] == 5


def test_a_setting_may_name_a_parameter_of_a_class_that_the_file_does_not_give(build: Build) -> None:
    config = read(build({"strategy": "a:B"}, fast=10, slow=30), {"B.length": 3}).config
    assert config.strategies[0].parameters == {"length": 3}


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("fats", "--set fats: unknown parameter 'fats': this file has slow, cross.fast, short.fast. Did you mean 'fast'?"),
        ("cros.fast", "--set cros.fast: unknown parameter 'cros.fast': this file has slow, cross.fast, short.fast. Did you mean 'cross.fast'?"),
        ("cross.fats", "--set cross.fats: unknown parameter 'cross.fats': this file has slow, cross.fast, short.fast. Did you mean 'cross.fast'?"),
        ("none.x", "--set none.x: unknown parameter 'none.x': this file has slow, cross.fast, short.fast."),
    ],
)  # fmt: skip
def test_an_unknown_setting_is_refused_with_the_nearest(build: Build, name, line) -> None:
    own = {"fast": 10}
    with pytest.raises(ConfigError) as caught:
        read(build(rule(parameters=own), rule("short", parameters=own), slow=30), {name: 1})
    assert [str(problem) for problem in caught.value.problems] == [line]


def test_a_file_without_parameters_says_so(document: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="--set fast: unknown parameter 'fast': this file has none"):
        read(document, {"fast": 1})


def test_a_file_with_a_class_says_how_its_parameters_are_set(build: Build) -> None:
    with pytest.raises(ConfigError) as caught:
        read(build({"strategy": "a:B"}, fast=10, slow=30), {"shares": 3})
    assert "this file has fast, slow. A class takes others, too: --set B.shares=3." in str(caught.value)


def outcome(document: object, given_values: Mapping[str, Any] | None = None) -> SessionConfig | list[str]:
    """Return what is read, or the problems."""
    try:
        return read(document, given_values).config
    except ConfigError as error:
        return [str(problem) for problem in error.problems]


NAMES = st.sampled_from(["fast", "slow", "level", "most"])
VALUES: st.SearchStrategy[object] = st.one_of(
    st.integers(2, 60), st.floats(allow_nan=False, allow_infinity=False), st.just("close"), st.booleans(), st.just("$fast")
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(NAMES, VALUES), st.dictionaries(NAMES, VALUES), st.dictionaries(NAMES, VALUES, max_size=2)
)
def test_what_is_read_is_the_same_however_it_is_given_and_reads_back_as_the_same(file, own, given_values):
    """The law: a setting is a value of the file, and a dumped file has values in place of all names."""
    document: dict[str, Any] = {
        "session_name": "x", "exchange_group": "US_EQUITY",
        "backtest_config": {"start_date": "2013-10-07", "end_date": "2013-10-11"},
        "session_data_config": {
            "symbols": ["SPY"], "streams": ["1m"],
            "indicators": {"average": {"type": "SMA", "interval": "1m", "timeperiod": "$fast"}},
        },
        "parameters": file,
        "strategies": [rule(enter="close > $level", exit="close < $slow", stop_loss="$most", parameters=own)],
    }  # fmt: skip
    known = {name: value for name, value in given_values.items() if name in file or name in own}
    changed = copy.deepcopy(document)
    for name, value in known.items():
        holder = changed if name in file else changed["strategies"][0]
        holder["parameters"][name] = value
    config, expected = outcome(document, known), outcome(changed)
    assert config == expected
    if isinstance(config, list):
        return
    text = dump(config)
    assert read(parse_text(text, "dumped", is_json=False)).config == config
    assert "$" not in text
