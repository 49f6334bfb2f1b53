"""Errors of session files: path, value, allowed values, nearest spelling."""

# ruff: noqa: E501  # a table of errors reads best with one in a line

from __future__ import annotations

import copy
from typing import Any

import pytest

DATA = "session_data_config"
INDICATORS = f"{DATA}.indicators"
TRAILING = f"{DATA}.historical.indicators"
MINUTE_AVERAGE = {"type": "trailing_average", "period": "5d", "granularity": "minute", "field": "volume"}


def changed(document: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """Return the document with another value at the dotted path; sections on the way are made."""
    result = copy.deepcopy(document)
    node = result
    *above, name = path.split("/")
    for part in above:
        node = node.setdefault(part, {})
    node[name] = value
    return result


SINGLE_FAULTS = [
    ("session_name", 5, "session_name: must be text (in quotes, if YAML reads it as another type), not 5."),
    ("session_name", "", "session_name: must not be empty."),
    ("session_name", "x" * 201, "session_name: must have at most 200 characters, not 201."),
    ("session_name", " ", "session_name: must be one line of text without control characters, not ' '."),
    ("session_name", "a\nb", "session_name: must be one line of text without control characters, not 'a\\nb'."),
    ("asset_class", "equty", "asset_class: must be EQUITY, ETF, INDEX, FUTURE, OPTION, FOREX, CRYPTO, BOND or COMMODITY, not 'equty'. Did you mean 'EQUITY'?"),
    ("mode", "backtst", "mode: must be backtest or live, not 'backtst'. Did you mean 'backtest'?"),
    ("mode", 1, "mode: must be backtest or live, not 1."),
    ("trading_confg", {}, "trading_confg: unknown field 'trading_confg': the fields here are session_name, exchange_group, asset_class, mode, backtest_config, session_data_config, trading_config, parameters, strategies, api_config, live_config, metadata. Did you mean 'trading_config'?"),
    ("backtest_config", None, "backtest_config: is required in mode backtest: {start_date: YYYY-MM-DD, end_date: YYYY-MM-DD}."),
    ("backtest_config", [], "backtest_config: must be a mapping of fields, not a list."),
    ("backtest_config/start_date", 20131007, "backtest_config.start_date: must be a date as YYYY-MM-DD, not 20131007. Did you mean '2013-10-07'?"),
    ("backtest_config/start_date", "7.10.2013", "backtest_config.start_date: must be a date as YYYY-MM-DD, not '7.10.2013'."),
    ("backtest_config/start_date", "2013-02-30", "backtest_config.start_date: invalid date '2013-02-30': day is out of range for month."),
    ("backtest_config/end_date", None, "backtest_config.end_date: is required: Last day, inclusive; need not be a trading day."),
    ("backtest_config/end_date", "2013-10-04", "backtest_config.end_date: must be on or after start_date 2013-10-07, not 2013-10-04."),
    ("backtest_config/speed_multiplier", -1, "backtest_config.speed_multiplier: must be at least 0, not -1."),
    ("backtest_config/speed_multiplier", float("inf"), "backtest_config.speed_multiplier: must be a finite number, not inf."),
    ("backtest_config/speed_multiplier", "fast", "backtest_config.speed_multiplier: must be a number, not 'fast'."),
    ("backtest_config/prefetch_days", 0, "backtest_config.prefetch_days: must be at least 1, not 0."),
    ("backtest_config/prefetch_days", True, "backtest_config.prefetch_days: must be a whole number, not true."),
    ("backtest_config/start_time", 630, "backtest_config.start_time: must be a time of day as HH:MM or HH:MM:SS, in quotes, not 630."),
    ("backtest_config/start_time", "9:30", "backtest_config.start_time: must be a time of day as HH:MM or HH:MM:SS, in quotes, not '9:30'. Did you mean '09:30'?"),
    ("backtest_config/start_time", "24:30", "backtest_config.start_time: invalid time of day '24:30': hours are 0 to 23, minutes and seconds 0 to 59."),
    (f"{DATA}/symbols", [], f"{DATA}.symbols: must be a list of at least one of the symbols, such as [SPY, IBM], not empty."),
    (f"{DATA}/symbols", "SPY", f"{DATA}.symbols: must be a list of symbols, such as [SPY, IBM], not 'SPY'. Did you mean '[SPY]'?"),
    (f"{DATA}/symbols", {"SPY": 1}, f"{DATA}.symbols: must be a list of symbols, such as [SPY, IBM], not a mapping."),
    (f"{DATA}/symbols", ["SPY", "SPY"], f"{DATA}.symbols[1]: duplicate entry 'SPY'."),
    (f"{DATA}/symbols", ["BRK B"], f"{DATA}.symbols[0]: invalid symbol 'BRK B': use up to 64 printable characters, no spaces. Did you mean 'BRKB'?"),
    (f"{DATA}/symbols", ["\x07"], f"{DATA}.symbols[0]: invalid symbol '\\x07': use up to 64 printable characters, no spaces."),
    (f"{DATA}/symbols", ["=SPY"], f"{DATA}.symbols[0]: invalid symbol '=SPY': begin it with another character than =, a formula's sign. Did you mean 'SPY'?"),
    (f"{DATA}/symbols", ["\tSPY"], f"{DATA}.symbols[0]: invalid symbol '\\tSPY': use up to 64 printable characters, no spaces. Did you mean 'SPY'?"),
    (f"{DATA}/symbols", [""], f"{DATA}.symbols[0]: must be a symbol such as SPY, not empty text."),
    (f"{DATA}/symbols", [True], f"{DATA}.symbols[0]: must be a symbol such as SPY, not true (YAML reads it as another type: put it in quotes)."),
    (f"{DATA}/symbols", [7203], f"{DATA}.symbols[0]: must be a symbol such as SPY, not 7203 (YAML reads it as another type: put it in quotes). Did you mean \"7203\"?"),
    (f"{DATA}/symbols", [["SPY"]], f"{DATA}.symbols[0]: must be a symbol such as SPY, not a list."),
    (f"{DATA}/streams", ["60m", "1h"], f"{DATA}.streams[1]: duplicate entry '1h': the same as '60m'."),
    (f"{DATA}/streams", ["1m", "1w"], f"{DATA}.streams[1]: '1w' is for history and indicators only: the longest bar of a session is 1d. Did you mean '1d'?"),
    (f"{DATA}/streams", ["5min"], f"{DATA}.streams[0]: invalid interval '5min': use a whole number and s, m, h, d or w, such as 1m, 15m, 1h, 1d. Did you mean '5m'?"),
    (f"{DATA}/streams", [15], f"{DATA}.streams[0]: must be an interval with a unit, such as 1m, 15m, 1h, 1d, not 15. Did you mean '15m'?"),
    (f"{DATA}/streams", [None], f"{DATA}.streams[0]: must be an interval with a unit, such as 1m, 15m, 1h, 1d, not nothing."),
    (f"{DATA}/streams", ["1m", "quote"], f"{DATA}.streams[1]: invalid stream 'quote': use an interval, such as 1m, or quotes. Did you mean 'quotes'?"),
    (f"{DATA}/min_completeness", 1.5, f"{DATA}.min_completeness: must be at most 1, not 1.5."),
    (f"{DATA}/gap_filler/max_retries", -1, f"{DATA}.gap_filler.max_retries: must be at least 0, not -1."),
    (f"{DATA}/gap_filler/retry_interval_seconds", 0, f"{DATA}.gap_filler.retry_interval_seconds: must be greater than 0, not 0."),
    (f"{DATA}/gap_filler/enable_session_quality", "yes", f"{DATA}.gap_filler.enable_session_quality: must be true or false, not 'yes'. Did you mean 'true'?"),
    (f"{DATA}/gap_filler/enable_session_quality", 1, f"{DATA}.gap_filler.enable_session_quality: must be true or false, not 1."),
    (f"{DATA}/gap_filler/max_retry", 1, f"{DATA}.gap_filler.max_retry: unknown field 'max_retry': the fields here are enable_session_quality, max_retries, retry_interval_seconds. Did you mean 'max_retries'?"),
    (f"{DATA}/historical/data", 5, f"{DATA}.historical.data: must be a list, not 5."),
    (f"{DATA}/historical/data", [5], f"{DATA}.historical.data[0]: must be a mapping of fields, not 5."),
    (f"{DATA}/historical/data", [{"trailing_days": 0, "intervals": ["1m"]}], f"{DATA}.historical.data[0].trailing_days: must be at least 1, not 0."),
    (f"{DATA}/historical/data", [{"trailing_days": 1.5, "intervals": ["1m"]}], f"{DATA}.historical.data[0].trailing_days: must be a whole number, not 1.5."),
    (f"{DATA}/historical/data", [{"trailing_days": 1, "intervals": ["1m"], "apply_to": ["SPX"]}], f"{DATA}.historical.data[0].apply_to[0]: unknown symbol 'SPX': this file has SPY, IBM. Did you mean 'SPY'?"),
    (f"{DATA}/historical/data", [{"trailing_days": 1, "intervals": ["1m"], "apply_to": ["all"]}], f"{DATA}.historical.data[0].apply_to[0]: unknown symbol 'all': this file has SPY, IBM. For every symbol, write apply_to: all."),
    (f"{DATA}/historical/data", [{"trailing_days": 1, "intervals": ["1m"], "apply_to": "SPY"}], f"{DATA}.historical.data[0].apply_to: must be the word all, or a list of symbols such as [SPY, IBM], not 'SPY'. Did you mean '[SPY]'?"),
    (f"{DATA}/historical/indicators", 5, f"{TRAILING}: must be a mapping, not 5."),
    (f"{DATA}/historical/indicators/avg", {"type": "trailing_avg", "period": "10d", "field": "volume"}, f"{TRAILING}.avg.type: must be trailing_average, trailing_max or trailing_min, not 'trailing_avg'. Did you mean 'trailing_average'?"),
    (f"{DATA}/historical/indicators/avg", {"type": "trailing_max", "period": "10 days", "field": "high"}, f"{TRAILING}.avg.period: invalid period '10 days': use a whole number and d (trading days), w, m or y (calendar), such as 10d, 52w, 6m, 1y. Did you mean '10d'?"),
    (f"{DATA}/historical/indicators/avg", {"type": "trailing_max", "period": "long", "field": "high"}, f"{TRAILING}.avg.period: invalid period 'long': use a whole number and d (trading days), w, m or y (calendar), such as 10d, 52w, 6m, 1y."),
    (f"{DATA}/historical/indicators/avg", {"type": "trailing_max", "period": "101y", "field": "high"}, f"{TRAILING}.avg.period: period '101y' is too long: at most 100y."),
    (f"{DATA}/historical/indicators/avg", {"type": "trailing_max", "period": 10, "field": "high"}, f"{TRAILING}.avg.period: must be a period such as 10d, 52w, 6m, 1y, not 10. Did you mean '10d'?"),
    (f"{DATA}/historical/indicators/avg", {"type": "trailing_max", "period": [], "field": "high"}, f"{TRAILING}.avg.period: must be a period such as 10d, 52w, 6m, 1y, not a list."),
    (f"{DATA}/historical/indicators/avg", {"type": "trailing_max", "period": "10d"}, f"{TRAILING}.avg.field: is required: Column of the bars: open, high, low, close or volume."),
    (f"{DATA}/historical/indicators/avg", {"type": "trailing_max", "period": "1d", "field": "high", "granularity": "minute"}, f"{TRAILING}.avg.granularity: must be daily for trailing_max: only trailing_average supports minute. Did you mean 'daily'?"),
    (f"{DATA}/historical/indicators/volume", {"type": "trailing_max", "period": "1d", "field": "volume"}, f"{TRAILING}.volume: reserved name 'volume', used by conditions and columns: choose another, such as 'my_volume'."),
    (f"{DATA}/indicators", [], f"{INDICATORS}: must be a mapping, not a list."),
    (f"{DATA}/indicators/sma", "SMA", f"{INDICATORS}.sma: must be a mapping of fields, not 'SMA'."),
    (f"{DATA}/indicators/sma-20", {"type": "SMA", "interval": "1m"}, f"{INDICATORS}.sma-20: invalid indicator name 'sma-20': use letters, digits and _, with a letter or _ first. Did you mean 'sma_20'?"),
    (f"{DATA}/indicators/20_sma", {"type": "SMA", "interval": "1m"}, f"{INDICATORS}.20_sma: invalid indicator name '20_sma': use letters, digits and _, with a letter or _ first."),
    (f"{DATA}/indicators/lambda", {"type": "SMA", "interval": "1m"}, f"{INDICATORS}.lambda: reserved name 'lambda', used by conditions and columns: choose another, such as 'my_lambda'."),
    (f"{DATA}/indicators/gap_pct", {"type": "SMA", "interval": "1m"}, f"{INDICATORS}.gap_pct: reserved name 'gap_pct', used by conditions and columns: choose another, such as 'my_gap_pct'."),
    (f"{DATA}/historical/indicators/prev_close", {"type": "trailing_max", "period": "1d", "field": "close"}, f"{TRAILING}.prev_close: reserved name 'prev_close', used by conditions and columns: choose another, such as 'my_prev_close'."),
    (f"{DATA}/indicators/rv", {"type": "RELATIVE_VOLUME", "interval": "1m", "against": "usual"}, f"{INDICATORS}.rv.against: unknown historical indicator 'usual': RELATIVE_VOLUME needs one with {{type: trailing_average, granularity: minute, field: volume}}; this file has none."),
    ("trading_config/initial_cash", 0, "trading_config.initial_cash: must be greater than 0, not 0."),
    ("trading_config/max_open_positions", 2.0, "trading_config.max_open_positions: must be a whole number, not 2.0."),
    ("trading_config", "small", "trading_config: must be a mapping of fields, not 'small'."),
    ("metadata", {"when": object}, "metadata.when: invalid value <class 'object'>: input was not a valid JSON value."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "value", "line"), SINGLE_FAULTS, ids=[fault[2][:70] for fault in SINGLE_FAULTS]
)
def test_a_single_fault_has_this_message(document, faults, path, value, line):
    assert faults(changed(document, path, value)) == [line]


def test_an_exchange_that_does_not_exist_names_the_nearest_group(document, faults):
    (line,) = faults(changed(document, "exchange_group", "US_EQUTY"))
    assert line == (
        "exchange_group: unknown exchange 'US_EQUTY': `tapedeck calendar --list` lists all exchanges. "
        "Did you mean 'US_EQUITY'?"
    )


@pytest.mark.parametrize(
    ("document", "line"),
    [
        (None, "file: is empty: a session file starts with session_name and exchange_group."),
        (["SPY"], "file: must be a mapping of fields, not a list."),
        ("SPY", "file: must be a mapping of fields, not 'SPY'."),
        (
            {"metadata": {2013: "x"}},
            'metadata: the key 2013 must be text, in quotes. Did you mean "2013"?',
        ),
    ],
)
def test_a_document_that_is_not_a_session_file_has_this_message(faults, document, line):
    assert faults(document) == [line]


def test_a_document_that_contains_itself_is_refused(faults):
    endless: dict[str, object] = {}
    endless["metadata"] = endless
    (line,) = faults(endless)
    assert line == "file: is too large or too deep: at most 100,000 values, 40 levels deep."


def test_an_empty_mapping_names_each_field_that_is_required(faults):
    assert [line.split(":")[0] for line in faults({})] == [
        "session_name",
        "exchange_group",
        "session_data_config",
        "backtest_config",
    ]


def test_all_faults_are_reported_at_once_even_those_between_fields(document, faults):
    document["sesion_name"] = "x"
    document["backtest_config"] = {"start_date": "2013-10-11", "end_date": "2013-10-07", "prefetch_days": 0}
    document["session_data_config"] |= {
        "symbols": ["SPY", "I BM"],
        "streams": ["1m", "1x", "60m", "1h"],
        "historical": {
            "data": [{"trailing_days": 0, "intervals": ["1m"], "apply_to": ["SPX"]}],
            "indicators": {"macd_macd": {"type": "trailing_max", "period": "1d", "field": "close"}},
        },
        "indicators": {
            "macd": {"type": "MACD", "interval": "1x", "fastperiod": 1, "slowperiod": 1},
            "rv": {"type": "RELATIVE_VOLUME", "interval": "5m", "against": "macd_macd"},
        },
    }
    assert {line.split(": ")[0] for line in faults(document)} == {
        "sesion_name",
        "backtest_config.prefetch_days",
        "backtest_config.end_date",
        f"{DATA}.symbols[1]",
        f"{DATA}.streams[1]",
        f"{DATA}.streams[3]",
        f"{DATA}.historical.data[0].trailing_days",
        f"{DATA}.historical.data[0].apply_to[0]",
        f"{INDICATORS}.macd.interval",
        f"{INDICATORS}.macd.fastperiod",
        f"{INDICATORS}.macd.slowperiod",
        f"{INDICATORS}.macd",
        f"{INDICATORS}.rv.interval",
        f"{INDICATORS}.rv.against",
    }


def test_relative_volume_compares_with_an_average_by_the_minute_and_nothing_else(document, faults):
    data = document["session_data_config"]
    data["historical"] = {"indicators": {"daily_volume": MINUTE_AVERAGE | {"granularity": "daily"}}}
    data["indicators"] = {"rv": {"type": "RELATIVE_VOLUME", "interval": "1m", "against": "daily_volume"}}
    assert faults(document) == [
        f"{INDICATORS}.rv.against: unusable historical indicator 'daily_volume': RELATIVE_VOLUME needs one with "
        "{type: trailing_average, granularity: minute, field: volume}."
    ]


def test_a_misspelt_average_to_compare_with_names_the_nearest(document, faults):
    data = document["session_data_config"]
    data["historical"] = {"indicators": {"avg_volume_minute": MINUTE_AVERAGE}}
    data["indicators"] = {"rv": {"type": "RELATIVE_VOLUME", "interval": "1m", "against": "avg_volum_minute"}}
    (line,) = faults(document)
    assert line.endswith("this file has avg_volume_minute. Did you mean 'avg_volume_minute'?")


def test_outputs_of_two_indicators_may_not_have_one_name(document, faults):
    document["session_data_config"]["indicators"] = {
        "bands": {"type": "BBANDS", "interval": "1m"},
        "bands_upperband": {"type": "SMA", "interval": "1m"},
    }
    assert faults(document) == [
        f"{INDICATORS}.bands_upperband: the name 'bands_upperband' is used already by {INDICATORS}.bands: rename one."
    ]


def test_a_historical_and_a_session_indicator_may_not_have_one_name(document, faults):
    data = document["session_data_config"]
    data["historical"] = {"indicators": {"usual": MINUTE_AVERAGE}}
    data["indicators"] = {"usual": {"type": "VWAP", "interval": "1m"}}
    assert faults(document) == [
        f"{INDICATORS}.usual: the name 'usual' is used already by {TRAILING}.usual: rename one."
    ]


def test_of_many_symbols_an_error_shows_a_few(document, faults):
    data = document["session_data_config"]
    data["symbols"] = [f"S{number}" for number in range(14)]
    data["historical"] = {"data": [{"trailing_days": 1, "intervals": ["1m"], "apply_to": ["IBM"]}]}
    (line,) = faults(document)
    assert ": this file has S0, S1, S2, S3, S4, S5, S6, S7, S8, S9, S10, S11 and 2 more." in line


def test_long_values_are_cut_in_the_text(document, faults):
    (line,) = faults(changed(document, "backtest_config/start_date", "x" * 500))
    assert len(line) < 150
    assert line.endswith("…."), line


SECRET = "AKIA-not-to-be-shown"


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("api_config/api_key", "api_config.api_key"),
        ("api_config/data_api_secret", "api_config.data_api_secret"),
        ("metadata/Token", "metadata.Token"),
        ("metadata/deep/password", "metadata.deep.password"),
        ("APIKEY", "APIKEY"),
    ],
)
def test_a_secret_in_the_file_is_refused_and_never_repeated(document, faults, path, place):
    (line,) = faults(changed(document, path, SECRET))
    assert line.startswith(f"{place}: the field {place.split('.')[-1]!r} may hold a secret")
    assert "environment variable or the system keyring" in line
    assert SECRET not in line


def test_secrets_in_lists_are_found_too(document, faults):
    document["session_data_config"] |= {
        "universe": "all",
        "scanners": [{"scanner": "a:B", "parameters": {"auth": [{"token": SECRET}]}, "at": "10:00"}],
    }
    (line,) = faults(document)
    assert line.startswith(f"{DATA}.scanners[0].parameters.auth[0].token: ")
    assert SECRET not in line


def test_an_indicator_may_be_named_after_a_key_level(document, read):
    document["session_data_config"]["indicators"] = {"key_level": {"type": "SMA", "interval": "1m"}}
    assert "key_level" in read(document).config.session_data_config.indicators
